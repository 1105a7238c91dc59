"""Networks of a grid: what they are, what they learn from, how one is trained on one core, and its outputs.

Networks of a group share inputs, order of rows and mini-batches; each has its own initial weights, learning rate, weight decay, training
rows and stopping time. Each trains by itself, start to end, on one core (stages/models/mlp/descent.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.special import expit, softmax

from stages.models.mlp.orders import Orders

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "identity": lambda x: x,
}

READ = {"classes": lambda outputs: softmax(outputs, axis=1), "labels": expit, "continuous": lambda outputs: outputs}

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
    """How long and in what steps networks train. `patience` epochs without a lower held-out loss stop a network."""

    epochs: int
    batch: int
    patience: int


@dataclass(frozen=True)
class Network:
    """What tells networks on the same examples apart. used: bool (n,), its training rows; seed: of its initial weights."""

    shape: Shape
    rate: float
    decay: float
    used: np.ndarray
    seed: int


@dataclass(frozen=True)
class Examples:
    """What networks learn from. inputs: float32 (n, d). target: int64 (n,) codes, or float32 (n, n_outputs).

    loss: classes (cross-entropy), labels (the mean over labels of −ln p(label as it is)) or continuous (the mean squared error over those
    that are known, not NaN; 0 where none is).
    """

    inputs: np.ndarray
    target: np.ndarray
    n_outputs: int
    loss: str

    def ignorant(self) -> float:
        """Return what an untrained network says."""
        return {"classes": 1 / self.n_outputs, "labels": 0.5, "continuous": 0.0}[self.loss]


@dataclass
class Trained:
    """What a network ended as: its answers (n_held_out, n_outputs) at `best_epoch` (1-based), loss per epoch.

    A network that uses all rows has no held-out loss, but its training loss and its last weights.
    """

    held_out: np.ndarray
    best_epoch: int = 0
    best_loss: float = float("inf")
    train_loss: list[float] = field(default_factory=list)
    held_out_loss: list[float] = field(default_factory=list)
    weights: Weights = field(default_factory=list)


def initial_weights(shape: Shape, n_inputs: int, n_outputs: int, seed: int) -> Weights:
    """Return weights uniform with variance 2/in (ReLU, softplus) or 1/in, and biases 0.

    Source: He et al. 2015; LeCun et al. 1998.
    """
    gain, random = 2.0 if shape.activation in ("relu", "softplus") else 1.0, np.random.default_rng(seed)
    layers = []
    for fan_in, fan_out in shape.sizes(n_inputs, n_outputs):
        bound = np.float32((3 * gain / fan_in) ** 0.5)
        layers.append(((random.random((fan_in, fan_out), np.float32) * 2 - 1) * bound, np.zeros(fan_out, dtype=np.float32)))
    return layers


def outputs_of(weights: Weights, inputs: np.ndarray, activation: str, loss: str) -> np.ndarray:
    """Return probabilities, or standardised targets, of inputs (n, d): float32 (n, n_outputs)."""
    *hidden, (last, last_bias) = weights
    for weight, bias in hidden:
        inputs = ACTIVATIONS[activation](inputs @ weight + bias)
    found: np.ndarray = READ[loss](inputs @ last + last_bias)
    return found


def train_network(network: Network, examples: Examples, schedule: Schedule, orders: Orders) -> Trained:
    """Train one network; rows that it does not train on stop it early. Releases the interpreter's lock.

    Args:
        orders: the order of rows in each epoch, shared by the networks of a group.
    """
    from stages.models.mlp import descent

    X, y, shape = examples.inputs, examples.target, network.shape
    codes, values = np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32)
    judge_all = bool(network.used.all())
    judged = slice(None) if judge_all else ~network.used
    learned = (y, values) if examples.loss == "classes" else (codes, y)
    asked = (y[judged], values) if examples.loss == "classes" else (codes, y[judged])
    initial = initial_weights(shape, X.shape[1], examples.n_outputs, network.seed)
    weights = np.concatenate([part.ravel() for pair in initial for part in pair])
    mean, square, best = np.zeros_like(weights), np.zeros_like(weights), np.array([np.inf])
    curve, answers = np.zeros(orders.epochs), np.full((len(X[judged]), examples.n_outputs), examples.ignorant(), dtype=np.float32)
    patience = orders.epochs + 1 if judge_all else schedule.patience
    counts = np.array([shape.width, shape.depth, descent.ACTIVATIONS[shape.activation], descent.LOSSES[examples.loss], schedule.batch,
                       patience, 0, 0, 0])  # fmt: skip
    hyper = np.array([network.rate, network.decay])
    for chunk in orders.chunks():
        if descent.train_epochs(X, *learned, network.used, chunk, X[judged], *asked, weights, mean, square, hyper, counts, best, curve,
                                answers):  # fmt: skip
            break
    losses = curve[: counts[6]].tolist()
    if judge_all:
        layers = _layers(weights, shape.sizes(X.shape[1], examples.n_outputs))
        return Trained(answers[:0], int(counts[6]), train_loss=losses, weights=layers)
    return Trained(answers, int(counts[8]), float(best[0]), held_out_loss=losses)


def _layers(flat: np.ndarray, sizes: Sequence[tuple[int, int]]) -> Weights:
    layers, start = [], 0
    for fan_in, fan_out in sizes:
        end = start + fan_in * fan_out
        layers.append((flat[start:end].reshape(fan_in, fan_out), flat[end : end + fan_out]))
        start = end + fan_out
    return layers
