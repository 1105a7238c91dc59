"""Adam's update without bias correction, as a torch optimizer."""

from collections.abc import Sequence
from typing import Any

import torch

from stages.contracts.optimizer import LossClosure


class UncorrectedAdam(torch.optim.Optimizer):
    """The rule of stages/optimizers/adam_uncorrected. betas: shares of the mean gradient and mean squared gradient that are kept."""

    def __init__(self, parameters: Sequence[torch.Tensor], lr: float, betas: tuple[float, float], *, eps: float) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps})

    def step(self, closure: LossClosure | None = None) -> Any:
        """Do one update and return the loss before it; without a closure the gradients are used that are there, and None is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._move(parameter, group)
        return loss

    def _move(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["mean"].mul_(beta1).add_(parameter.grad, alpha=1 - beta1)
        state["square"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
        parameter.addcdiv_(state["mean"], state["square"].sqrt().add_(group["eps"]), value=-group["lr"])
