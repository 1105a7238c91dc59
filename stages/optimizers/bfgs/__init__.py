"""BFGS: θ ← θ + t·p with p = −B·g, where B estimates the inverse Hessian from the steps s and the changes y of the gradient.

B ← (I − ρ·s·yᵀ)·B·(I − ρ·y·sᵀ) + ρ·s·sᵀ with ρ = 1 / yᵀs; B is I at first, and (yᵀs / yᵀy)·I before its first update.

t fulfills the Wolfe conditions (constants 10⁻⁴ and 0.9): the first that does of 1, or at the first step the smaller of 1 and 1 / ‖g‖, and
what doubling and bisection give. Where 40 trials find none, θ stays and B starts again. The learning rate is not used.

B has n² numbers: `lbfgs` is for many parameters. scipy's BFGS is not taken, as it cannot be stopped after a step and continued.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class BfgsSettings(Settings):
    """No settings."""


def make(parameters: Sequence["torch.Tensor"], settings: BfgsSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return BFGS; the learning rate is not used."""
    from stages.optimizers.bfgs.bfgs_steps import Bfgs

    return Bfgs(parameters)


OPTIMIZER = Optimizer(
    name="bfgs",
    title="BFGS",
    settings=BfgsSettings,
    make=make,
    full_batch=True,
    source="the lecture, How to follow the gradient, which names it; update: Nocedal & Wright 2006, Numerical Optimization, algorithm "
    "6.1; length of the step: Lewis & Overton 2013, Mathematical Programming 141, 135, algorithm 2.6",
    searches_step=True,
)
