"""Networks of a grid: their parameters, their training set, the training of one network on one core, and its outputs.

Networks of a grid share inputs, the order of rows and mini-batches. Each has its own initial weights, loss, learning rate, weight decay,
training rows and stopping epoch, and trains on one core: by AdamW in a compiled loop (stages/models/mlp/descent.py), by any other
optimizer in torch (stages/models/mlp/torch_training.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from stages.contracts.schedule import Schedule as RateSchedule
from stages.foundation.registry import component
from stages.models.mlp.epoch_orders import EpochOrders
from stages.models.mlp.mixed_inputs import SPARSE_INPUTS, MixedInputs

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "identity": lambda x: x,
}

OUTPUT_FUNCTIONS = {"classes": lambda outputs: softmax(outputs, axis=1), "labels": expit, "continuous": lambda outputs: outputs}

# variance of a sparse column's initial weights, as a share of a dense one's: a rare term would stay the noise that it starts as
SPARSE_INITIAL = 0.01

Weights = list[tuple[np.ndarray, np.ndarray]]  # per layer float32: (in, out), (out,)


@dataclass(frozen=True)
class Shape:
    """Widths of the hidden layers, and their activation."""

    widths: tuple[int, ...]
    activation: str

    def sizes(self, n_inputs: int, n_outputs: int) -> list[tuple[int, int]]:
        """Return (in, out) of each layer."""
        return list(pairwise([n_inputs, *self.widths, n_outputs]))

    def n_weights(self, n_inputs: int, n_outputs: int) -> int:
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in self.sizes(n_inputs, n_outputs))


@dataclass(frozen=True)
class Schedule:
    """Number of epochs, batch size, and `patience`: the number of epochs without a lower validation loss before a network stops.

    planned: the epochs over which the learning rate's schedule goes; None: `epochs`. A refit may end before.
    """

    epochs: int
    batch: int
    patience: int
    planned: int | None = None


@dataclass(frozen=True)
class UpdateRule:
    """How weights follow the gradient: a name of stages/optimizers/, its settings that are not the default, one of stages/schedules/."""

    optimizer: str = "adamw"
    settings: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "constant"

    @property
    def is_compiled(self) -> bool:
        """Return whether the compiled loop has it."""
        return self.optimizer == "adamw" and not self.settings

    def rates(self, initial: float, n_steps: int, n_planned: int) -> Iterator[float]:
        """Yield the learning rate of each of `n_steps` steps of a training that is planned with `n_planned`."""
        schedule: RateSchedule = component("schedules", self.schedule)
        settings = schedule.settings()
        return (schedule.rate(step, n_planned, initial, settings) for step in range(n_steps))


@dataclass(frozen=True)
class Network:
    """The parameters in which networks on the same training set differ.

    rate: learning rate. decay: weight decay. used: bool (n,), the training rows; the other rows are for validation. seed: of the initial
    weights. loss: log, hinge, hinge_max or squared; None: log, of continuous targets squared. margin: of hinges.
    """

    shape: Shape
    rate: float
    decay: float
    used: np.ndarray
    seed: int
    loss: str | None = None
    margin: float = 1.0
    rule: UpdateRule = UpdateRule()


@dataclass(frozen=True)
class TrainingSet:
    """The data that networks share: training and validation rows.

    target: int64 (n,) codes, or float32 (n, n_outputs). form: of the target, which says what a network's loss is taken of:
    classes; labels (mean over labels); continuous (mean over the known targets, 0 if none is known).
    """

    inputs: MixedInputs
    target: np.ndarray
    n_outputs: int
    form: str

    def untrained_output(self) -> float:
        """Return the output of a network that has learned nothing."""
        return {"classes": 1 / self.n_outputs, "labels": 0.5, "continuous": 0.0}[self.form]

    def loss_of(self, network: Network) -> str:
        """Return the name of a network's loss."""
        return network.loss or ("squared" if self.form == "continuous" else "log")


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


def initial_weights(shape: Shape, n_inputs: int, n_outputs: int, seed: int, n_sparse: int = 0) -> Weights:
    """Return uniform random weights of variance 2/in (ReLU, softplus) or 1/in, and biases of 0.

    The last `n_sparse` inputs are sparse columns, which count as SPARSE_INPUTS and have weights of SPARSE_INITIAL times the variance.

    Source: He et al. 2015; LeCun et al. 1998.
    """
    gain, rng, n_dense = 2.0 if shape.activation in ("relu", "softplus") else 1.0, np.random.default_rng(seed), n_inputs - n_sparse
    layers: Weights = []
    for fan_in, fan_out in shape.sizes(n_inputs, n_outputs):
        counted = fan_in if layers else n_dense + min(n_sparse, SPARSE_INPUTS)
        bound = np.float32((3 * gain / counted) ** 0.5)
        layers.append(((rng.random((fan_in, fan_out), np.float32) * 2 - 1) * bound, np.zeros(fan_out, dtype=np.float32)))
    layers[0][0][n_dense:] *= np.float32(SPARSE_INITIAL**0.5)
    return layers


def outputs_of(weights: Weights, inputs: MixedInputs, activation: str, form: str) -> np.ndarray:
    """Return probabilities, or standardised targets, of inputs (n, d): float32 (n, n_outputs)."""
    (first, first_bias), *others = weights
    hidden = inputs.times(first) + first_bias
    for weight, bias in others:
        hidden = ACTIVATIONS[activation](hidden) @ weight + bias
    found: np.ndarray = OUTPUT_FUNCTIONS[form](hidden)
    return found


def train_network(network: Network, data: TrainingSet, schedule: Schedule, orders: EpochOrders) -> TrainedNetwork:
    """Train one network with early stopping on its validation rows. Releases the interpreter's lock.

    Args:
        orders: the order of rows in each epoch, shared by the networks of a grid.
    """
    if not network.rule.is_compiled:
        # by its name: a published model's code is what its files import, and one that predicts does not need torch
        found: TrainedNetwork = import_module("stages.models.mlp.torch_training").train_network(network, data, schedule, orders)
        return found
    from stages.models.mlp import descent

    inputs, n_sparse = data.inputs, data.inputs.sparse.shape[1]
    uses_all = bool(network.used.all())
    scored = np.flatnonzero(np.ones_like(network.used) if uses_all else ~network.used)
    initial = initial_weights(network.shape, inputs.n_columns, data.n_outputs, network.seed, n_sparse)
    weights = np.concatenate([array.ravel() for layer in initial for array in layer])
    state, best = descent.AdamState(weights, np.zeros_like(weights), np.zeros_like(weights)), np.array([np.inf])
    rows = descent.Inputs(inputs.dense, inputs.sparse.indptr, inputs.sparse.indices, inputs.sparse.data)
    curve, outputs = np.zeros(orders.epochs), np.full((len(scored), data.n_outputs), data.untrained_output(), dtype=np.float32)
    n_steps = -(-len(inputs) // schedule.batch)
    planned = (schedule.planned or orders.epochs) * n_steps
    rates = np.fromiter(network.rule.rates(network.rate, orders.epochs * n_steps, planned), float)
    counts = np.array([descent.ACTIVATIONS[network.shape.activation], descent.LOSSES[data.loss_of(network), data.form], schedule.batch,
                       orders.epochs + 1 if uses_all else schedule.patience, 0, 0, 0])  # fmt: skip
    sizes = np.array([inputs.n_columns, *network.shape.widths, data.n_outputs])
    for chunk in orders.chunks():
        if descent.train_epochs(rows, _targets(data, slice(None)), network.used, chunk, rows._replace(dense=inputs.dense[scored]),
                                _targets(data, scored), scored, state, sizes, rates,
                                np.array([network.decay, network.margin]), counts, best, curve, outputs):  # fmt: skip
            break
    losses = curve[: counts[4]].tolist()
    if uses_all:
        layers = _layers(weights, network.shape.sizes(inputs.n_columns, data.n_outputs))
        return TrainedNetwork(outputs[:0], int(counts[4]), train_loss=losses, weights=layers)
    return TrainedNetwork(outputs, int(counts[6]), float(best[0]), held_out_loss=losses)


def _targets(data: TrainingSet, rows: Any) -> Any:
    from stages.models.mlp.descent import Targets

    if data.form == "classes":
        return Targets(data.target[rows], np.zeros((0, 1), dtype=np.float32))
    return Targets(np.zeros(0, dtype=np.int64), data.target[rows])


def _layers(flat: np.ndarray, sizes: Sequence[tuple[int, int]]) -> Weights:
    layers, start = [], 0
    for fan_in, fan_out in sizes:
        end = start + fan_in * fan_out
        layers.append((flat[start:end].reshape(fan_in, fan_out), flat[end : end + fan_out]))
        start = end + fan_out
    return layers
