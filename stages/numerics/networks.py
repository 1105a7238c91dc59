"""Many small networks of one shape trained side by side as one batched matrix product.

Networks of a group share inputs, mini-batches and shape; each has its own initial weights, learning rate, weight decay, training
rows (as weights 0 or 1) and stopping time. A network that has stopped leaves the batch, so its work is freed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

torch.set_num_threads(1)  # see stages/__init__.py: sums must not depend on the number of threads

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "linear": lambda x: x,
}

Weights = list[tuple[torch.Tensor, torch.Tensor]]  # per layer: (B, in, out), (B, 1, out)


@dataclass(frozen=True)
class Shape:
    """Layer widths (hidden only) and activation."""

    width: int
    depth: int
    activation: str


@dataclass(frozen=True)
class Schedule:
    """How long and in what steps networks train. `patience` epochs without a lower held-out loss stop a network."""

    epochs: int
    batch: int
    patience: int


@dataclass(frozen=True)
class Loss:
    """What a network is trained to lower, and how its outputs are read; one of LOSSES.

    of(outputs (B, n, n_outputs), target) → (B, n). read(outputs) → probabilities or numbers. ignorant: what an untrained network says.
    """

    of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    read: Callable[[torch.Tensor], torch.Tensor]
    ignorant: Callable[[int], float]


def _cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    chosen = logits.gather(2, target[None, :, None].expand(len(logits), -1, 1)).squeeze(2)
    return torch.logsumexp(logits, dim=2) - chosen


def _binary_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean over labels of −ln p(label as it is)."""
    return (functional.softplus(logits) - logits * target).mean(dim=2)


def _squared_error(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error over the numbers that are known (not NaN); 0 where none is."""
    known = ~torch.isnan(target)
    errors = torch.where(known, outputs - torch.nan_to_num(target), 0.0) ** 2
    return errors.sum(dim=2) / known.sum(dim=1).clamp(min=1)


LOSSES = {
    "classes": Loss(_cross_entropy, lambda logits: torch.softmax(logits, dim=-1), lambda n_outputs: 1 / n_outputs),
    "labels": Loss(_binary_cross_entropy, torch.sigmoid, lambda n_outputs: 0.5),
    "numbers": Loss(_squared_error, lambda outputs: outputs, lambda n_outputs: 0.0),
}


@dataclass
class Trained:
    """What a network ended as: its answers (n_held_out, n_outputs) at `best_epoch` (1-based), loss per epoch."""

    held_out: np.ndarray
    best_epoch: int = 0
    best_loss: float = float("inf")
    train_loss: list[float] = field(default_factory=list)
    held_out_loss: list[float] = field(default_factory=list)


def initial_weights(shape: Shape, n_inputs: int, n_outputs: int, seeds: Sequence[int]) -> Weights:
    """Return weights for one network per seed: uniform with variance 2/in (ReLU, softplus) or 1/in, biases 0.

    Source: He et al. 2015; LeCun et al. 1998.
    """
    sizes = [n_inputs, *[shape.width] * shape.depth, n_outputs]
    gain = 2.0 if shape.activation in ("relu", "softplus") else 1.0
    layers = []
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    for fan_in, fan_out in pairwise(sizes):
        bound = (3 * gain / fan_in) ** 0.5
        weight = torch.stack([(torch.rand(fan_in, fan_out, generator=g) * 2 - 1) * bound for g in generators])
        layers.append((weight.requires_grad_(), torch.zeros(len(seeds), 1, fan_out).requires_grad_()))
    return layers


def forward(weights: Weights, inputs: torch.Tensor, activation: str) -> torch.Tensor:
    """Return outputs (B, n, n_outputs) of inputs (n, d), shared by all networks."""
    (first, bias), *rest = weights
    n_networks, fan_in, fan_out = first.shape
    # one large product instead of B small ones: the inputs are the same for all networks
    hidden = (inputs @ first.permute(1, 0, 2).reshape(fan_in, -1)).reshape(-1, n_networks, fan_out).permute(1, 0, 2) + bias
    for weight, bias in rest:
        hidden = torch.baddbmm(bias, ACTIVATIONS[activation](hidden), weight)
    return hidden


class _AdamW:
    """Adam with decoupled weight decay, a learning rate and a decay per network. Source: Loshchilov and Hutter, 2019, algorithm 2."""

    def __init__(self, weights: Weights, rates: torch.Tensor, decays: torch.Tensor) -> None:
        self.parameters = [parameter for layer in weights for parameter in layer]
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.rates, self.decays, self.steps = rates[:, None, None], decays[:, None, None], 0

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        self.steps += 1
        correction1, correction2 = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for parameter, gradient, (mean, square) in zip(self.parameters, gradients, self.moments, strict=True):
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            update = mean / ((square / correction2).sqrt_().add_(1e-8))
            parameter.mul_(1 - self.rates * self.decays).sub_(update * (self.rates / correction1))

    def keep(self, alive: torch.Tensor) -> Weights:
        """Drop the networks not in `alive` (indices); return the remaining weights."""
        self.rates, self.decays = self.rates[alive], self.decays[alive]
        self.moments = [(mean[alive], square[alive]) for mean, square in self.moments]
        self.parameters = [parameter.detach()[alive].requires_grad_() for parameter in self.parameters]
        return [(self.parameters[i], self.parameters[i + 1]) for i in range(0, len(self.parameters), 2)]


@dataclass(frozen=True)
class Group:
    """Networks of one shape. rates, decays: float (B,); used: bool (B, n), each network's training rows; seeds: B integers."""

    shape: Shape
    rates: np.ndarray
    decays: np.ndarray
    used: np.ndarray
    seeds: Sequence[int]


@dataclass(frozen=True)
class Examples:
    """What a group learns from. inputs: float32 (n, d). target: int64 (n,) codes, or float32 (n, n_outputs); loss: key of LOSSES."""

    inputs: np.ndarray
    target: np.ndarray
    n_outputs: int
    loss: str


def train_group(group: Group, examples: Examples, schedule: Schedule, order_seed: int) -> tuple[list[Trained], Weights]:
    """Train all networks of a group; rows that a network does not train on stop it early.

    Args:
        order_seed: seed of the mini-batches' order, shared by the group.
    Returns:
        One Trained per network, and the last weights (of the networks that ran to the end).
    """
    X, y, loss = torch.from_numpy(examples.inputs), torch.from_numpy(examples.target), LOSSES[examples.loss]
    used = torch.from_numpy(group.used.astype(np.float32))
    weights = initial_weights(group.shape, X.shape[1], examples.n_outputs, group.seeds)
    optimizer = _AdamW(weights, torch.from_numpy(group.rates.astype(np.float32)), torch.from_numpy(group.decays.astype(np.float32)))
    order = torch.Generator().manual_seed(order_seed)
    nothing = loss.ignorant(examples.n_outputs)
    trained = [Trained(held_out=np.full(((~mask).sum(), examples.n_outputs), nothing)) for mask in group.used]
    alive = torch.arange(len(group.seeds))
    for epoch in range(1, schedule.epochs + 1):
        for batch in torch.randperm(len(y), generator=order).split(schedule.batch):
            outputs = forward(weights, X[batch], group.shape.activation)
            weight = used[alive][:, batch]
            losses = loss.of(outputs, y[batch]) * weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
            optimizer.step(torch.autograd.grad(losses.sum(), optimizer.parameters))
        outputs = forward(weights, X, group.shape.activation).detach()
        stopped = _record(trained, alive, outputs, loss.of(outputs, y), loss, used, epoch, schedule)
        if stopped.any():
            remaining = torch.nonzero(~stopped).ravel()
            weights, alive = optimizer.keep(remaining), alive[remaining]
        if len(alive) == 0:
            break
    return trained, weights


def _record(
    trained: list[Trained],
    alive: torch.Tensor,
    outputs: torch.Tensor,
    losses: torch.Tensor,
    loss: Loss,
    used: torch.Tensor,
    epoch: int,
    schedule: Schedule,
) -> torch.Tensor:
    """Note losses and the best epoch of each living network; return which have stopped: bool (B,)."""
    stopped = torch.zeros(len(alive), dtype=torch.bool)
    for place, index in enumerate(alive.tolist()):
        network, mask = trained[index], used[index] > 0
        network.train_loss.append(float(losses[place, mask].mean()))
        if mask.all():
            network.best_epoch = epoch
            continue
        held_out = float(losses[place, ~mask].mean())
        network.held_out_loss.append(held_out)
        if held_out < network.best_loss:
            network.best_epoch, network.best_loss = epoch, held_out
            network.held_out = loss.read(outputs[place, ~mask]).numpy()
        stopped[place] = epoch - network.best_epoch >= schedule.patience
    return stopped
