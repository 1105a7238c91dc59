"""What is known of the point of the loss at which a network's training ended."""

import numpy as np

from stages.contracts.critical_point import CriticalPoint
from stages.curvature.point_verdict import critical_point, drawn_rows
from stages.models.mlp.mlp_surface import MlpSurface
from stages.models.mlp.networks import Network, TrainingSet, Weights
from stages.models.mlp.output_losses import OutputLoss

CHUNK = 4096  # rows at a time


def critical_point_of(weights: Weights, data: TrainingSet, network: Network, *, seed: int) -> CriticalPoint:
    """Return what is known of a network's mean loss over its training rows, without weight decay.

    Args:
        weights: with which the training of `network` ended.
        seed: of the rows whose loss is differentiated twice.
    """

    def surface(rows: np.ndarray) -> MlpSurface:
        loss = OutputLoss(data.form, data.target[rows], data.loss_of(network), network.margin)
        return MlpSurface(weights, data.inputs.taken(rows).joined(), network.shape.activation, loss)

    n = len(data.target)
    chunks = [np.arange(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    gradient = sum(len(rows) / n * surface(rows).gradient() for rows in chunks)
    return critical_point(surface(drawn_rows(n, seed)), float(np.linalg.norm(gradient)), seed=seed)
