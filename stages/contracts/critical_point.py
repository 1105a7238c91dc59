"""What is known of the point of a loss at which training ended: how steep it is there, and how it curves."""

from dataclasses import dataclass
from typing import Literal

CriticalVerdict = Literal["minimum", "saddle", "undetermined"]
VERDICTS: tuple[CriticalVerdict, ...] = ("minimum", "saddle", "undetermined")


@dataclass(frozen=True)
class CriticalPoint:
    """Gradient and extreme curvature of a network's mean training loss, without weight decay, where training ended.

    n_weights: of the network. n_rows: training rows of the loss whose second derivatives are taken.
    loss: mean over these rows. gradient_norm: of the loss over all training rows. gradient_limit: what it may be at a critical point.
    hessian_min, hessian_max: the extreme eigenvalues. hessian_min_error, hessian_max_error: how far off they may be; where not all
    dimensions were looked at, but for a chance of 1 in 1,000.
    n_negative: the Hessian has at least so many eigenvalues that are clearly below 0.
    loss_change: the lowest loss along the most negative direction, minus the loss; above 0 where it rises at once.
    """

    n_weights: int
    n_rows: int
    loss: float
    gradient_norm: float
    gradient_limit: float
    hessian_min: float
    hessian_min_error: float
    hessian_max: float
    hessian_max_error: float
    n_negative: int
    loss_change: float
    verdict: CriticalVerdict
