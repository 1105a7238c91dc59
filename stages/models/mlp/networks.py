"""Networks of a grid: their parameters, their training set, the training of one network on one core, and its outputs.

Networks of a grid share inputs, the order of rows and mini-batches. Each has its own initial weights, learning rate, weight decay, training
rows and stopping epoch, and trains on one core (stages/models/mlp/descent.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.special import expit, softmax

from stages.models.mlp.epoch_orders import EpochOrders

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "identity": lambda x: x,
}

OUTPUT_FUNCTIONS = {"classes": lambda outputs: softmax(outputs, axis=1), "labels": expit, "continuous": lambda outputs: outputs}

Weights = list[tuple[np.ndarray, np.ndarray]]  # per layer float32: (in, out), (out,)


@dataclass(frozen=True)
class Shape:
    """Layer widths (hidden only) and activation."""

    width: int
    depth: int
    activation: str

    def sizes(self, n_inputs: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return (in, out) of each layer."""
        return list(pairwise([n_inputs, *[self.width] * self.depth, n_outputs]))

    def n_weights(self, n_inputs: int, n_outputs: int) -> int:
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in self.sizes(n_inputs, n_outputs))


@dataclass(frozen=True)
class Schedule:
    """Number of epochs, batch size, and `patience`: the number of epochs without a lower validation loss before a network stops."""

    epochs: int
    batch: int
    patience: int


@dataclass(frozen=True)
class Network:
    """The parameters in which networks on the same training set differ.

    rate: learning rate. decay: weight decay. used: bool (n,), the training rows; the other rows are for validation. seed: of the initial
    weights.
    """

    shape: Shape
    rate: float
    decay: float
    used: np.ndarray
    seed: int


@dataclass(frozen=True)
class TrainingSet:
    """The data that networks share: training and validation rows.

    inputs: float32 (n, d). target: int64 (n,) codes, or float32 (n, n_outputs).
    loss: classes (cross-entropy), labels (binary cross-entropy, mean over labels) or continuous (mean squared error over the known
    targets, 0 if none is known).
    """

    inputs: np.ndarray
    target: np.ndarray
    n_outputs: int
    loss: str

    def untrained_output(self) -> float:
        """Return the output of a network that has learned nothing."""
        return {"classes": 1 / self.n_outputs, "labels": 0.5, "continuous": 0.0}[self.loss]


@dataclass
class TrainedNetwork:
    """The result of training a network: outputs of the validation rows (n_held_out, n_outputs) at `best_epoch` (1-based), loss per epoch.

    A network trained on all rows has no validation loss; it has its training loss and its last weights.
    """

    held_out: np.ndarray
    best_epoch: int = 0
    best_loss: float = float("inf")
    train_loss: list[float] = field(default_factory=list)
    held_out_loss: list[float] = field(default_factory=list)
    weights: Weights = field(default_factory=list)


def initial_weights(shape: Shape, n_inputs: int, n_outputs: int, seed: int) -> Weights:
    """Return uniform random weights of variance 2/in (ReLU, softplus) or 1/in, and biases of 0.

    Source: He et al. 2015; LeCun et al. 1998.
    """
    gain, rng = 2.0 if shape.activation in ("relu", "softplus") else 1.0, np.random.default_rng(seed)
    layers = []
    for fan_in, fan_out in shape.sizes(n_inputs, n_outputs):
        bound = np.float32((3 * gain / fan_in) ** 0.5)
        layers.append(((rng.random((fan_in, fan_out), np.float32) * 2 - 1) * bound, np.zeros(fan_out, dtype=np.float32)))
    return layers


def outputs_of(weights: Weights, inputs: np.ndarray, activation: str, loss: str) -> np.ndarray:
    """Return probabilities, or standardised targets, of inputs (n, d): float32 (n, n_outputs)."""
    *hidden, (last, last_bias) = weights
    for weight, bias in hidden:
        inputs = ACTIVATIONS[activation](inputs @ weight + bias)
    found: np.ndarray = OUTPUT_FUNCTIONS[loss](inputs @ last + last_bias)
    return found


def train_network(network: Network, data: TrainingSet, schedule: Schedule, orders: EpochOrders) -> TrainedNetwork:
    """Train one network with early stopping on its validation rows. Releases the interpreter's lock.

    Args:
        orders: the order of rows in each epoch, shared by the networks of a grid.
    """
    from stages.models.mlp import descent

    X, y, shape = data.inputs, data.target, network.shape
    no_codes, no_values = np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32)
    uses_all = bool(network.used.all())
    scored = slice(None) if uses_all else ~network.used
    target = (y, no_values) if data.loss == "classes" else (no_codes, y)
    scored_target = (y[scored], no_values) if data.loss == "classes" else (no_codes, y[scored])
    initial = initial_weights(shape, X.shape[1], data.n_outputs, network.seed)
    weights = np.concatenate([array.ravel() for layer in initial for array in layer])
    mean, square, best = np.zeros_like(weights), np.zeros_like(weights), np.array([np.inf])
    curve, outputs = np.zeros(orders.epochs), np.full((len(X[scored]), data.n_outputs), data.untrained_output(), dtype=np.float32)
    patience = orders.epochs + 1 if uses_all else schedule.patience
    counts = np.array([shape.width, shape.depth, descent.ACTIVATIONS[shape.activation], descent.LOSSES[data.loss], schedule.batch,
                       patience, 0, 0, 0])  # fmt: skip
    hyper = np.array([network.rate, network.decay])
    for chunk in orders.chunks():
        if descent.train_epochs(X, *target, network.used, chunk, X[scored], *scored_target, weights, mean, square, hyper, counts, best,
                                curve, outputs):  # fmt: skip
            break
    losses = curve[: counts[6]].tolist()
    if uses_all:
        layers = _layers(weights, shape.sizes(X.shape[1], data.n_outputs))
        return TrainedNetwork(outputs[:0], int(counts[6]), train_loss=losses, weights=layers)
    return TrainedNetwork(outputs, int(counts[8]), float(best[0]), held_out_loss=losses)


def _layers(flat: np.ndarray, sizes: Sequence[tuple[int, int]]) -> Weights:
    layers, start = [], 0
    for fan_in, fan_out in sizes:
        end = start + fan_in * fan_out
        layers.append((flat[start:end].reshape(fan_in, fan_out), flat[end : end + fan_out]))
        start = end + fan_out
    return layers
