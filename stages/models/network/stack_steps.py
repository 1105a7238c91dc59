"""The steps by which a stack of networks is trained: batches, gradients and the update rule.

Small networks cost calls, not arithmetic: what the steps of an epoch share is done once per epoch, and what one operation tells of the
whole stack is not asked of each tensor.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stages.contracts.optimizer import Optimizer
from stages.contracts.schedule import Schedule
from stages.foundation.registry import component
from stages.models.network.fused_network import Dropping, FusedNetwork
from stages.models.network.stack_data import NetworkStack, Plan, StackData, side_by_side, tensor, tensors

if TYPE_CHECKING:
    import torch

WARM_UP = 20  # steps in which the learning rate rises: Adam's first steps are long however small the gradient; units of ReLU die of them
MOST_NORM = 5.0  # of a network's gradient: steps of recurrent networks explode without a limit


class Stepper:
    """The optimizer of a stack and what its steps draw."""

    def __init__(self, network: FusedNetwork, data: StackData, stack: NetworkStack, plan: Plan) -> None:
        import torch

        config = plan.config
        self.network, self.data, self.stack, self.plan = network, data, stack, plan
        self.rule: Optimizer = component("optimizers", config["optimizer"])
        self.schedule: Schedule = component("schedules", config["schedule"])
        self.schedule_settings, settings = self.schedule.settings(), self.rule.settings()
        # the stack decays weights as AdamW does, whatever the rule
        if "weight_decay" in self.rule.settings.model_fields:
            settings = settings.model_copy(update={"weight_decay": 0.0})
        self.weights = network.weights
        self.whole, self.gradient = self.weights.together()
        self.decayed = self.whole[: sum(weight.numel() for weight in self.weights.decayed())]
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
        import torch

        places, known = side_by_side([self.orders.permutation(rows) for rows in self.stack.used])
        weights = known * self.data.weights[places]
        of_batches = np.add.reduceat(weights, np.arange(0, places.shape[1], self.batch_size), axis=1)  # (n_networks, n_batches)
        of_rows = np.repeat(np.maximum(of_batches, 1e-12), self.batch_size, axis=1)[:, : places.shape[1]]
        target, shares = tensor(self.data.target[places], self.data.device), tensor(weights / of_rows, self.data.device)
        losses = [self._take_step(places[:, rows], target[:, rows], shares[:, rows]) for rows in self._batches(places.shape[1])]
        total = (torch.stack(losses, dim=1).cpu().numpy().astype(np.float64) * of_batches).sum(axis=1)
        found: np.ndarray = total / np.maximum(of_batches.sum(axis=1, dtype=np.float64), 1e-12)
        return found

    def _batches(self, n_rows: int) -> Iterator[slice]:
        for start in range(0, n_rows, self.batch_size):
            yield slice(start, start + self.batch_size)

    def _take_step(self, places: np.ndarray, target: "torch.Tensor", shares: "torch.Tensor") -> "torch.Tensor":
        """Follow the gradient of a batch; return the losses before, (n_networks,). shares: of the rows in the loss of their network."""
        import torch

        data, batch, rate = self.data, tensors(self.data, places), self._next_rate()
        # a rule that asks several times asks of the same networks
        drawn = self.dropping.generator.get_state() if self.rule.full_batch else None
        found = list[torch.Tensor]()

        def closure(*, backward: bool = True) -> torch.Tensor:
            if drawn is not None:
                self.dropping.generator.set_state(drawn)
            losses = (data.loss.of_rows(self.network.outputs(batch, self.dropping), target) * shares).sum(dim=1)
            found.append(losses.detach())
            total = losses.sum()
            if self.rule.full_batch:
                total = total + 0.5 * self.plan.config["weight_decay"] * sum((weight**2).sum() for weight in self.weights.decayed())
            if backward:
                self.gradient.zero_()
                total.backward()
                if not self.rule.full_batch:
                    self._limit_gradients()
            return total

        if not self.rule.full_batch:
            self.decayed *= 1 - rate * self.plan.config["weight_decay"]
        self.optimizer.step(closure)
        return found[0]

    def _next_rate(self) -> float:
        """Return the learning rate of this step, which the optimizer then has."""
        n_steps = self.plan.max_iter * self.n_batches
        rate = self.schedule.rate(self.step, n_steps, self.plan.config["learning_rate_init"], self.schedule_settings)
        if not self.rule.full_batch:
            rate *= min(1.0, (self.step + 1) / WARM_UP)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.step += 1
        return rate

    def _limit_gradients(self) -> None:
        """Shorten the gradient of each network to MOST_NORM."""
        import torch

        if float(torch.linalg.vector_norm(self.gradient)) <= MOST_NORM:
            return  # that of all networks together is not longer
        gradients = [weight.grad for weight in self.weights.tensors.values()]
        norms = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]).norm(dim=0)
        shorter = (MOST_NORM / norms.clamp(min=1e-12)).clamp(max=1.0)
        if bool((shorter < 1).any()):
            for gradient in gradients:
                gradient.mul_(shorter.reshape(-1, *[1] * (gradient.dim() - 1)))
