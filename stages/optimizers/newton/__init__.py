"""Damped Newton: θ ← θ + t·p, where p solves (H + λ·I)·p = −g by conjugate gradients; H is the Hessian of the loss, g its gradient.

The Hessian is never built: conjugate gradients need its products with vectors, which two passes of differentiation give. They end when the
residual is `tol` times the gradient's norm, after `max_iter` products, or where vᵀ(H + λ·I)v ≤ 0, at a saddle, or is undefined: then p
is what was reached, or −g if that is nothing, so that it always leads downhill.

t is the first of 1, 1/2, 1/4, … at which the loss falls by at least 10⁻⁴·t times the slope gᵀp, but for rounding; 0 after 30 halvings. A
quadratic's minimum is reached in one step, with λ = 0, if its conjugate gradients end within `max_iter` products: those of 50 weights with
condition 10⁴ do, those of 300 with 10⁶ need several steps. The learning rate is not used.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class NewtonSettings(Settings):
    damping: float = Field(0.0, ge=0, description="λ, added to the Hessian's diagonal: the larger, the shorter the steps, towards −g / λ")
    tol: float = Field(1e-10, gt=0, lt=1, description="conjugate gradients stop at a residual of so many times the gradient's norm")
    max_iter: int = Field(250, ge=1, description="most products with the Hessian per step")


def make(parameters: Sequence["torch.Tensor"], settings: NewtonSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return damped Newton; the learning rate is not used."""
    from stages.optimizers.newton.newton_steps import DampedNewton

    return DampedNewton(parameters, damping=settings.damping, tol=settings.tol, max_iter=settings.max_iter)


OPTIMIZER = Optimizer(
    name="newton",
    title="damped Newton",
    settings=NewtonSettings,
    make=make,
    full_batch=True,
    source="the lecture, How to follow the gradient, which names it; formula: Nocedal & Wright 2006, Numerical Optimization, algorithm 7.1",
    searches_step=True,
)
