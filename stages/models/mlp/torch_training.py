"""Training of one network by an optimizer of stages/optimizers/, with automatic gradients in float64: for every rule but compiled AdamW.

Batches, initial weights and early stopping are those of the compiled loop. A full-batch rule takes one step per epoch. Weight decay: on
mini-batches θ ← (1 − ε·λ)·θ before each step, as AdamW; of full-batch rules λ/2·|θ|² is a part of the loss. Biases decay, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from stages.contracts.optimizer import LossClosure, Optimizer
from stages.foundation.registry import component
from stages.models.mlp.epoch_orders import EpochOrders
from stages.models.mlp.mixed_inputs import MixedInputs
from stages.models.mlp.networks import Network, Schedule, TrainedNetwork, TrainingSet, initial_weights

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid, "softplus": functional.softplus, "identity": lambda x: x,
}  # fmt: skip
ANSWERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "classes": partial(torch.softmax, dim=1), "labels": torch.sigmoid, "continuous": lambda x: x,
}  # fmt: skip
Layers = list[tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class TensorRows:
    """Inputs and targets of some rows. sparse: None if there is no sparse column."""

    dense: torch.Tensor
    sparse: torch.Tensor | None
    target: torch.Tensor


def train_network(network: Network, data: TrainingSet, schedule: Schedule, orders: EpochOrders) -> TrainedNetwork:
    """Train one network, as `networks.train_network`."""
    torch.set_num_threads(1)  # of this thread
    layers = _leaves(network, data)
    uses_all = bool(network.used.all())
    scored = rows_of(data, network.used if uses_all else ~network.used)
    untrained = np.full((len(scored.target), data.n_outputs), data.untrained_output(), np.float32)
    found = TrainedNetwork(untrained[:0] if uses_all else untrained)
    curve = found.train_loss if uses_all else found.held_out_loss
    for epoch, _ in enumerate(_epochs(network, data, schedule, orders, layers), start=1):
        loss, outputs = _scored(network, data, layers, scored)
        curve.append(loss)
        if uses_all:
            found.best_epoch = epoch
            continue
        if loss < found.best_loss:
            found.best_epoch, found.best_loss, found.held_out = epoch, loss, outputs
        if epoch - found.best_epoch >= schedule.patience:
            break
    if uses_all:
        found.weights = [(weight.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32)) for weight, bias in layers]
    return found


def rows_of(data: TrainingSet, rows: np.ndarray) -> TensorRows:
    """Return some rows in float64; continuous targets keep NaN where not known."""
    inputs: MixedInputs = data.inputs.taken(rows)
    target = torch.from_numpy(data.target[rows])
    sparse = None
    if inputs.sparse.shape[1]:
        stored = inputs.sparse.tocoo()
        places, values = np.stack([stored.row, stored.col]), stored.data.astype(np.float64)
        sparse = torch.sparse_coo_tensor(places, values, stored.shape, check_invariants=True).coalesce()
    return TensorRows(torch.from_numpy(inputs.dense.astype(np.float64)), sparse, target if data.form == "classes" else target.double())


def outputs_for(layers: Layers, rows: TensorRows, activation: str) -> torch.Tensor:
    """Return the last layer's outputs (n, n_outputs)."""
    (first, first_bias), *others = layers
    n_dense = rows.dense.shape[1]
    hidden = rows.dense @ first[:n_dense] + first_bias
    if rows.sparse is not None:
        hidden = hidden + torch.sparse.mm(rows.sparse, first[n_dense:])
    for weight, bias in others:
        hidden = ACTIVATIONS[activation](hidden) @ weight + bias
    return hidden


def mean_loss(outputs: torch.Tensor, target: torch.Tensor, form: str, loss: str, margin: float) -> torch.Tensor:
    """Return the mean over rows of a network's loss, as the compiled loop has it."""
    if form == "continuous":
        known = ~torch.isnan(target)
        errors = torch.where(known, outputs - torch.nan_to_num(target), 0.0) ** 2
        return (errors.sum(dim=1) / known.sum(dim=1).clamp(min=1)).mean()
    if form == "labels":
        if loss == "log":
            return functional.binary_cross_entropy_with_logits(outputs, target)
        return (margin - (2 * target - 1) * outputs).clamp(min=0).mean()
    if loss == "log":
        return functional.cross_entropy(outputs, target)
    right = target[:, None]
    gaps = (outputs - outputs.gather(1, right) + margin).scatter(1, right, 0.0).clamp(min=0)
    return (gaps.max(dim=1).values if loss == "hinge_max" else gaps.sum(dim=1)).mean()


def loss_closure(network: Network, data: TrainingSet, layers: Layers, rows: TensorRows) -> LossClosure:
    """Return the loss of some rows as a function of the weights, as optimizers call it; of full-batch rules with the penalty."""
    parameters = _parameters(layers)
    decay = network.decay if component("optimizers", network.rule.optimizer).full_batch else 0.0

    def closure(*, backward: bool = True) -> torch.Tensor:
        outputs = outputs_for(layers, rows, network.shape.activation)
        total = mean_loss(outputs, rows.target, data.form, data.loss_of(network), network.margin)
        if decay:
            total = total + 0.5 * decay * torch.stack([(parameter**2).sum() for parameter in parameters]).sum()
        if backward:
            for parameter in parameters:
                parameter.grad = None
            total.backward()
        return total

    return closure


def _leaves(network: Network, data: TrainingSet) -> Layers:
    initial = initial_weights(network.shape, data.inputs.n_columns, data.n_outputs, network.seed, data.inputs.sparse.shape[1])
    return [(torch.tensor(weight, dtype=torch.float64, requires_grad=True), torch.tensor(bias, dtype=torch.float64, requires_grad=True))
            for weight, bias in initial]  # fmt: skip


def _parameters(layers: Layers) -> list[torch.Tensor]:
    return [parameter for layer in layers for parameter in layer]


def _epochs(network: Network, data: TrainingSet, schedule: Schedule, orders: EpochOrders, layers: Layers) -> Iterator[None]:
    """Train, and yield after each epoch."""
    rule: Optimizer = component("optimizers", network.rule.optimizer)
    settings: Any = rule.settings(**network.rule.settings)
    if "weight_decay" in rule.settings.model_fields:  # decays here, whatever the rule
        settings = settings.model_copy(update={"weight_decay": 0.0})
    parameters = _parameters(layers)
    stepper = rule.make(parameters, settings, network.rate)
    n_steps = 1 if rule.full_batch else -(-len(data.inputs) // schedule.batch)
    rates = network.rule.rates(network.rate, orders.epochs * n_steps, (schedule.planned or orders.epochs) * n_steps)
    whole = loss_closure(network, data, layers, rows_of(data, network.used)) if rule.full_batch else None
    for order in (order for chunk in orders.chunks() for order in chunk):
        for start in range(0, n_steps * schedule.batch, schedule.batch):
            rate = next(rates)
            for group in stepper.param_groups:
                group["lr"] = rate
            if whole is not None:
                stepper.step(whole)
                continue
            batch = order[start : start + schedule.batch]
            rows = batch[network.used[batch]]
            if len(rows):
                loss_closure(network, data, layers, rows_of(data, rows))()
            with torch.no_grad():
                for parameter in parameters:
                    parameter.mul_(1 - rate * network.decay)
                    if not len(rows):
                        parameter.grad = torch.zeros_like(parameter)
            stepper.step()
        yield


def _scored(network: Network, data: TrainingSet, layers: Layers, rows: TensorRows) -> tuple[float, np.ndarray]:
    """Return the mean loss of rows and what the network answers: float32 (n, n_outputs)."""
    with torch.no_grad():
        outputs = outputs_for(layers, rows, network.shape.activation)
        loss = float(mean_loss(outputs, rows.target, data.form, data.loss_of(network), network.margin))
        answers = ANSWERS[data.form](outputs).numpy().astype(np.float32)
    return loss, answers
