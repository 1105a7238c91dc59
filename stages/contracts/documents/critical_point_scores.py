"""What evaluate says of the points of the loss at which the training of a candidate's networks ended, as a part of its document."""

from collections.abc import Iterable

from stages.contracts.critical_point import CriticalVerdict
from stages.contracts.document import Document, Number
from stages.contracts.quantities import Count, CountFromOne, MaybeNonNegative, is_above


class FoldCriticalPoint(Document):
    """Of the network of one outer fold: the gradient and the extreme curvature of its mean training loss where training ended.

    n_weights: of the network. n_rows: training rows whose loss was differentiated twice; loss: mean over them. gradient_norm: of the loss
    over all training rows. gradient_limit: what it may be at a critical point. hessian_min, hessian_max: extreme eigenvalues, each
    with the greatest error. n_negative: at least so many eigenvalues are clearly below 0. loss_change: of steps along the most
    negative direction, the lowest loss minus that of the point. null where the loss is not finite.
    """

    repeat: Count
    fold: Count
    n_weights: CountFromOne
    n_rows: CountFromOne
    loss: Number
    gradient_norm: MaybeNonNegative
    gradient_limit: MaybeNonNegative
    hessian_min: Number
    hessian_min_error: MaybeNonNegative
    hessian_max: Number
    hessian_max_error: MaybeNonNegative
    n_negative: Count
    loss_change: Number
    verdict: CriticalVerdict

    def contradictions(self) -> Iterable[str]:
        if is_above(self.hessian_min, self.hessian_max):
            yield f"hessian_min: expected at most hessian_max, {self.hessian_max:g}, found {self.hessian_min:g}"
        if self.n_negative > self.n_weights:
            yield f"n_negative: expected at most n_weights, {self.n_weights}, found {self.n_negative}"
        if self.verdict != "undetermined" and (None in (self.gradient_norm, self.gradient_limit) or self.gradient_is_large):
            yield f"verdict: expected undetermined, as gradient_norm is not within gradient_limit, found {self.verdict}"

    @property
    def gradient_is_large(self) -> bool:
        """Return whether the gradient is too large for a critical point."""
        return is_above(self.gradient_norm, self.gradient_limit)
