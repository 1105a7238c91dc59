"""What is known of the point of the loss at which a network's training ended; in float64, by one thread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stages.contracts.critical_point import CriticalPoint
from stages.curvature.point_verdict import critical_point, drawn_rows
from stages.models.network.fused_network import FusedNetwork, Part
from stages.models.network.stack_data import StackData, tensor, tensors
from stages.models.network.stacked_weights import StackedWeights

if TYPE_CHECKING:
    import torch

    from stages.curvature.hessian_products import TorchSurface

CHUNK = 512  # rows at a time


def critical_point_of(
    network: FusedNetwork, parts: Sequence[Part], width: int, *, data: StackData, rows: np.ndarray, seed: int
) -> CriticalPoint:
    """Return what is known of a network's mean loss over its training rows, without weight decay and with nothing dropped.

    Args:
        parts, width: of which the network is made. rows: those it is trained on.
        seed: of the rows whose loss is differentiated twice.
    """
    import torch

    torch.set_num_threads(1)  # of this thread
    stored = {name: values.astype(np.float64) for name, values in network.weights.arrays().items()}
    exact = FusedNetwork(parts, width, data.loss.n_outputs, StackedWeights([], data.device, stored=stored))
    for values in exact.weights.tensors.values():
        values.requires_grad_()
    total, weight = 0.0, data.weights[rows].sum(dtype=np.float64)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        total = total + data.weights[chunk].sum(dtype=np.float64) / weight * surface_of(exact, data, chunk).gradient()
    return critical_point(surface_of(exact, data, rows[drawn_rows(len(rows), seed)]), float(np.linalg.norm(total)), seed=seed)


def surface_of(network: FusedNetwork, data: StackData, rows: np.ndarray) -> "TorchSurface":
    """Return the mean loss of a network of float64 weights over rows int64 (n,), each with its weight."""
    import torch

    from stages.curvature.hessian_products import TorchSurface

    places = rows[None]
    batch = {part: {name: _exact(values) for name, values in of_part.items()} for part, of_part in tensors(data, places).items()}
    target, shares = _exact(tensor(data.target[places], data.device)), tensor(data.weights[places].astype(np.float64), data.device)
    shares = shares / shares.sum()

    def loss_of_outputs(outputs: torch.Tensor) -> torch.Tensor:
        return (data.loss.of_rows(outputs, target) * shares).sum()

    empty = torch.zeros((1, len(rows), data.loss.n_outputs), dtype=torch.float64, device=data.device)
    scale = float(loss_of_outputs(empty))
    return TorchSurface(lambda: loss_of_outputs(network.outputs(batch)), list(network.weights.tensors.values()), n_rows=len(rows),
                        scale=scale)  # fmt: skip


def _exact(values: "torch.Tensor") -> "torch.Tensor":
    """Return floating numbers as float64, codes as they are."""
    return values.double() if values.is_floating_point() else values
