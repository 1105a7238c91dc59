"""Training of a stack: networks of one shape and configuration, each on rows of its own, side by side.

All numbers of a network are computed from its own rows, seeds and weights. A stack is trained by one thread, so that its bytes do not
depend on the number of cores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.contracts.optimizer import Optimizer
from stages.contracts.schedule import Schedule
from stages.foundation.registry import component
from stages.models.network.fused_network import Dropping, FusedNetwork
from stages.models.network.inputs.fitted_input import Batches
from stages.models.network.network_losses import NetworkLoss

if TYPE_CHECKING:
    import torch

EVALUATED = 256  # rows per network at a time
WARM_UP = 20  # steps in which the learning rate rises: Adam's first steps are long however small the gradient; units of ReLU die of them
MOST_NORM = 5.0  # of a network's gradient: steps of recurrent networks explode without a limit


@dataclass(frozen=True)
class StackData:
    """What networks are trained on. batches: by part of the network. target: encoded, of every row. weights: float32 (n,), of each row."""

    batches: Mapping[str, Batches]
    target: np.ndarray
    weights: np.ndarray
    loss: NetworkLoss
    device: str


@dataclass(frozen=True)
class NetworkStack:
    """The networks of a stack. used, held_out: rows of each. seeds: of each one's first weights. seed: of orders and of what is dropped."""

    used: Sequence[np.ndarray]
    held_out: Sequence[np.ndarray]
    seeds: Sequence[int]
    seed: int


@dataclass(frozen=True)
class Plan:
    """How a configuration is trained. epochs: of this stack, at most; max_iter: those over which the learning rate changes.

    patience: epochs in which no network of the stack has a lower held-out loss, before all stop.
    """

    config: Mapping[str, Any]
    epochs: int
    max_iter: int
    batch_size: int
    patience: int


@dataclass
class TrainedStack:
    """answers: of each network's held-out rows at its best epoch (1-based). Losses: per epoch, float64 (n_networks,)."""

    network: FusedNetwork
    answers: list[np.ndarray]
    best_epochs: np.ndarray
    best_losses: np.ndarray
    train_losses: list[np.ndarray] = field(default_factory=list)
    held_out_losses: list[np.ndarray] = field(default_factory=list)


def train_stack(build: Callable[[Sequence[int]], FusedNetwork], data: StackData, stack: NetworkStack, plan: Plan) -> TrainedStack:
    """Return the networks that `build` makes of their seeds, trained; with early stopping if any rows are held out."""
    import torch

    torch.set_num_threads(1)  # of this thread
    torch.set_flush_denormal(True)  # moments of weights without a gradient become so small that they slow down each step
    try:
        return _trained(build, data, stack, plan)
    finally:
        torch.set_flush_denormal(False)  # the thread has other tasks, too


def _trained(build: Callable[[Sequence[int]], FusedNetwork], data: StackData, stack: NetworkStack, plan: Plan) -> TrainedStack:
    network, n_networks = build(stack.seeds), len(stack.used)
    trained = TrainedStack(network, [np.zeros(0)] * n_networks, np.zeros(n_networks, int), np.full(n_networks, np.inf))
    stepper = _Stepper(network, data, stack, plan)
    stops_early = any(len(rows) for rows in stack.held_out)
    for epoch in range(1, plan.epochs + 1):
        trained.train_losses.append(stepper.epoch())
        if stops_early:
            losses, answers = evaluated(network, data, stack.held_out)
            trained.held_out_losses.append(losses)
            for index in np.flatnonzero(losses < trained.best_losses):
                trained.best_losses[index], trained.best_epochs[index], trained.answers[index] = losses[index], epoch, answers[index]
            if epoch - trained.best_epochs.max() >= plan.patience:
                break
    if stops_early and (trained.best_epochs == 0).any():  # a loss that was never a number
        for index in np.flatnonzero(trained.best_epochs == 0):
            trained.answers[index], trained.best_epochs[index] = np.nan_to_num(answers[index]), 1
    return trained


def evaluated(network: FusedNetwork, data: StackData, rows: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the mean loss of each network's rows, float64 (n_networks,), and its answers (n, n_outputs)."""
    import torch

    longest, losses, found = max(map(len, rows)), np.zeros(len(rows)), [list[np.ndarray]() for _ in rows]
    with torch.no_grad():
        for start in range(0, longest, EVALUATED):
            chunk = [of_one[start : start + EVALUATED] for of_one in rows]
            places, known = side_by_side(chunk)
            outputs = network.outputs(tensors(data, places))
            of_rows = data.loss.of_rows(outputs, tensor(data.target[places], data.device)).cpu().numpy()
            answers = data.loss.answers(outputs).cpu().numpy()
            losses += (of_rows * known).sum(axis=1, dtype=np.float64)
            for index, of_one in enumerate(chunk):
                found[index].append(answers[index, : len(of_one)])
    return losses / np.maximum(1, [len(of_one) for of_one in rows]), [np.concatenate(parts) for parts in found]


def side_by_side(rows: Sequence[np.ndarray], length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of each network as int64 (n_networks, longest), filled with a row of its own, and which are not filled: float32."""
    longest = max(length, *map(len, rows))
    places, known = np.zeros((len(rows), longest), np.int64), np.zeros((len(rows), longest), np.float32)
    for index, of_one in enumerate(rows):
        places[index] = of_one[0] if len(of_one) else next(other[0] for other in rows if len(other))
        places[index, : len(of_one)], known[index, : len(of_one)] = of_one, 1
    return places, known


def tensors(data: StackData, places: np.ndarray) -> dict[str, dict[str, "torch.Tensor"]]:
    """Return the batch of rows int64 (n_networks, n_batch), by part."""
    return {part: {name: tensor(values, data.device) for name, values in batch(places).items()} for part, batch in data.batches.items()}


def tensor(values: np.ndarray, device: str) -> "torch.Tensor":
    """Return an array on a device."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


class _Stepper:
    """The optimizer of a stack and what its steps draw."""

    def __init__(self, network: FusedNetwork, data: StackData, stack: NetworkStack, plan: Plan) -> None:
        import torch

        config = plan.config
        self.network, self.data, self.stack, self.plan = network, data, stack, plan
        self.rule: Optimizer = component("optimizers", config["optimizer"])
        self.schedule: Schedule = component("schedules", config["schedule"])
        settings = self.rule.settings()
        # the stack decays weights as AdamW does, whatever the rule
        if "weight_decay" in self.rule.settings.model_fields:
            settings = settings.model_copy(update={"weight_decay": 0.0})
        self.weights = network.weights
        self.whole, self.gradient = self.weights.together()
        self.n_decayed = sum(weight.numel() for weight in self.weights.decayed())
        leaves = list(self.weights.tensors.values()) if self.rule.full_batch else [self.whole]
        self.optimizer = self.rule.make(leaves, settings, config["learning_rate_init"])
        self.orders = np.random.default_rng(stack.seed)
        longest = max(map(len, stack.used))
        self.batch_size = longest if self.rule.full_batch else plan.batch_size
        self.n_batches = -(-longest // self.batch_size)
        self.step = 0
        generator = torch.Generator(device=data.device).manual_seed(stack.seed)
        self.dropping = Dropping(config["dropout"], config["modality_dropout"], generator)

    def epoch(self) -> np.ndarray:
        """Take the steps of an epoch; return the mean training loss of each network, float64 (n_networks,)."""
        total, weight = np.zeros(len(self.stack.used)), np.zeros(len(self.stack.used))
        for rows in self._batches():
            places, known = side_by_side(rows)
            of_rows = known * self.data.weights[places]
            total += self._take_step(places, of_rows) * of_rows.sum(axis=1)
            weight += of_rows.sum(axis=1)
        return total / np.maximum(weight, 1e-12)

    def _batches(self) -> Iterator[list[np.ndarray]]:
        orders = [self.orders.permutation(rows) for rows in self.stack.used]
        for start in range(0, self.n_batches * self.batch_size, self.batch_size):
            yield [order[start : start + self.batch_size] for order in orders]

    def _take_step(self, places: np.ndarray, of_rows: np.ndarray) -> np.ndarray:
        """Follow the gradient of a batch; return the networks' losses before."""
        import torch

        data, config = self.data, self.plan.config
        batch, target = tensors(data, places), tensor(data.target[places], data.device)
        shares = tensor(of_rows / np.maximum(of_rows.sum(axis=1, keepdims=True), 1e-12), data.device)
        rate = self.schedule.rate(self.step, self.plan.max_iter * self.n_batches, config["learning_rate_init"], self.schedule.settings())
        if not self.rule.full_batch:
            rate *= min(1.0, (self.step + 1) / WARM_UP)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.step += 1
        drawn, found = self.dropping.generator.get_state(), list[torch.Tensor]()

        def closure(*, backward: bool = True) -> torch.Tensor:
            self.dropping.generator.set_state(drawn)  # a rule that asks several times asks of the same networks
            losses = (data.loss.of_rows(self.network.outputs(batch, self.dropping), target) * shares).sum(dim=1)
            found.append(losses.detach())
            total = losses.sum()
            if self.rule.full_batch:
                total = total + 0.5 * config["weight_decay"] * sum((weight**2).sum() for weight in self.weights.decayed())
            if backward:
                self.gradient.zero_()
                total.backward()
                if not self.rule.full_batch:
                    self._limit_gradients()
            return total

        if not self.rule.full_batch:
            self.whole[: self.n_decayed] *= 1 - rate * config["weight_decay"]
        self.optimizer.step(closure)
        return found[0].cpu().numpy().astype(np.float64)

    def _limit_gradients(self) -> None:
        """Shorten the gradient of each network to MOST_NORM."""
        import torch

        gradients = [weight.grad for weight in self.weights.tensors.values()]
        norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]).norm(dim=0)
        shorter = (MOST_NORM / norms.clamp(min=1e-12)).clamp(max=1.0)
        if bool((shorter < 1).any()):
            for gradient in gradients:
                gradient.mul_(shorter.reshape(-1, *[1] * (gradient.dim() - 1)))
