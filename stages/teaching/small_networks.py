"""Small networks in torch, float64 on one thread, trained by the rules of stages/optimizers/ and stages/schedules/.

torch takes seconds to import: functions do, so that checking settings does not wait for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.foundation.registry import component

if TYPE_CHECKING:
    import torch

Layers = Sequence["tuple[torch.Tensor, torch.Tensor]"]
ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "softplus")


@dataclass(frozen=True)
class Recipe:
    """How parameters are trained. optimizer, schedule: names of files. batch_size: rows per step, drawn anew each epoch; None: all."""

    optimizer: str = "adam"
    learning_rate: float = 0.01
    n_steps: int = 500
    schedule: str = "constant"
    batch_size: int | None = None
    optimizer_settings: Mapping[str, Any] = field(default_factory=dict)


def activated(name: str, values: "torch.Tensor") -> "torch.Tensor":
    """Return an activation function of values; name: one of ACTIVATIONS."""
    import torch

    functions = {"identity": lambda given: given, "logistic": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
                 "softplus": torch.nn.functional.softplus}  # fmt: skip
    found: torch.Tensor = functions[name](values)
    return found


def new_layers(sizes: Sequence[int], seed: int, *, gain: float = 1.0) -> Layers:
    """Return weights (n_out, n_in), normal with standard deviation gain / √n_in, and biases 0, of each layer, as leaves with gradients.

    Args:
        sizes: of the input, the hidden layers and the output. gain: √2 for ReLU (He et al. 2015, arXiv:1502.01852).
    """
    import torch

    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(sizes):
        weights = rng.standard_normal((n_out, n_in)) * gain / np.sqrt(n_in)
        layers.append((torch.from_numpy(weights).requires_grad_(), torch.zeros(n_out, dtype=torch.float64, requires_grad=True)))
    return layers


def outputs_of(layers: Layers, X: "torch.Tensor", activation: str) -> "torch.Tensor":
    """Return the outputs (n, n_out) of rows (n, n_in): every layer but the last is followed by the activation."""
    values = X
    for place, (weights, bias) in enumerate(layers):
        values = values @ weights.T + bias
        if place < len(layers) - 1:
            values = activated(activation, values)
    return values


def flat_parameters(layers: Layers) -> "list[torch.Tensor]":
    return [tensor for layer in layers for tensor in layer]


def train(parameters: "Sequence[torch.Tensor]", loss_of: "Callable[[torch.Tensor], torch.Tensor]", n_rows: int, recipe: Recipe, *,
          seed: int, until: Callable[[float], bool] = lambda loss: False) -> np.ndarray:
    """Train parameters in place; return the loss before each step, and after the last: float64 (steps + 1,).

    Args:
        parameters: leaves. loss_of: the mean loss over rows, given as an int64 tensor of row numbers. n_rows: of the training data.
        seed: of the batches. until: ends the training at the first loss for which it is true; a loss that is not finite ends it, too.
    """
    import torch

    rule, schedule = component("optimizers", recipe.optimizer), component("schedules", recipe.schedule)
    optimizer = rule.make(list(parameters), rule.settings(**recipe.optimizer_settings), recipe.learning_rate)
    batches = row_batches(n_rows, recipe.batch_size, seed)
    every, losses = torch.arange(n_rows), []
    for step in range(recipe.n_steps):
        rows = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step, recipe.n_steps, recipe.learning_rate, schedule.settings())

        def closure(*, backward: bool = True, rows: torch.Tensor = rows) -> torch.Tensor:
            if not backward:
                return loss_of(rows)
            optimizer.zero_grad()
            loss = loss_of(rows)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure).detach()))
        if not np.isfinite(losses[-1]) or until(losses[-1]):
            return np.array(losses)
    with torch.no_grad():
        losses.append(float(loss_of(every)))
    return np.array(losses)


def row_batches(n_rows: int, size: int | None, seed: int) -> "Any":
    """Yield tensors of row numbers without end: all of them each time, or batches of shuffled rows, each row once per epoch."""
    import torch

    rng = np.random.default_rng(seed)
    while True:
        order = np.arange(n_rows) if size is None else rng.permutation(n_rows)
        for start in range(0, n_rows, size or n_rows):
            yield torch.from_numpy(order[start:start + (size or n_rows)])
