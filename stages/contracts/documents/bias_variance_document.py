"""What bias_variance writes: how a model's loss splits into bias and variance over bootstraps, by the values of one parameter."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema
from stages.contracts.quantities import ROUNDING, Finite, NonNegative, repeated
from stages.contracts.task import TargetForm

Loss = Literal["share of wrong rows", "share of wrong labels", "squared error in units of the variance"]
LOSSES: Mapping[TargetForm, Loss] = {
    "classes": "share of wrong rows", "labels": "share of wrong labels", "continuous": "squared error in units of the variance",
}  # fmt: skip


class CapacityPoint(Document):
    """A value of the parameter. bias, variance: of the loss, one per repeat and outer fold; their sum is the mean loss of the bootstraps.

    bias: the squared distance of the main prediction from the target, the target's own noise included; what B bootstraps add to it,
    variance / B, is subtracted, so that it may be a little below 0.
    """

    value: Any
    bias: tuple[Finite, ...]
    variance: tuple[NonNegative, ...]

    @property
    def mean_bias(self) -> float:
        """Return the mean over outer folds."""
        return sum(self.bias) / len(self.bias)

    @property
    def mean_variance(self) -> float:
        """Return the mean over outer folds."""
        return sum(self.variance) / len(self.variance)


class SkippedValue(Document):
    """A value of the parameter that is not compared, and why."""

    value: Any
    why: str


class BiasVariance(Document):
    """The decomposition of a candidate's squared loss."""

    dataset: str = Field(description="name in params.yaml")
    model: str = Field(description="a folder under stages/models/")
    modalities: tuple[str, ...] = Field(description="all that the model reads")
    fusion: str = Field(description="the way of fusing")
    parameter: str = Field(description="whose values are compared")
    loss: Loss = Field(description="that is decomposed")
    n_bootstraps: int = Field(ge=2, description="of each outer fold's training rows, by groups")
    points: tuple[CapacityPoint, ...] = Field(description="by value; none: not applicable")
    skipped: tuple[SkippedValue, ...] = Field((), exclude_if=lambda value: not value, description="values that are not compared, and why")
    not_applicable: str | None = Field(description="why there is no point")

    def contradictions(self) -> Iterable[str]:
        if (not self.points) != bool(self.not_applicable):
            yield "not_applicable: expected a reason where there is no point, and none where there are points"
        for name, values in (("modalities", self.modalities), ("points", [repr(point.value) for point in self.points])):
            for value in repeated(values):
                yield f"{name}: {value} is there twice"
        for place, point in enumerate(self.points):
            n_folds = len(self.points[0].bias)
            if not point.bias or not len(point.bias) == len(point.variance) == n_folds:
                yield f"points.{place}: bias and variance are not of the same folds"
            for fold, (bias, variance) in enumerate(zip(point.bias, point.variance, strict=False)):
                yield from self._loss_mistakes(f"points.{place}.bias.{fold}", bias, variance)

    def _loss_mistakes(self, key: str, bias: float, variance: float) -> Iterable[str]:
        """Return in what the parts of one fold's loss cannot be, a line each."""
        rounding = ROUNDING * max(1.0, abs(bias), variance)
        least = -variance / self.n_bootstraps
        if bias < least - rounding:
            yield f"{key}: expected at least {least:g}, minus variance / n_bootstraps, found {bias:g}"
        if self.loss != LOSSES["continuous"] and bias + variance > 1 + rounding:
            yield f"{key}: expected at most 1 with its variance, a {self.loss}, found {bias:g} + {variance:g}"

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


DOCUMENT = DocumentSchema(
    name="bias_variance",
    path="data/predictions/{dataset}/bias_variance/{model}/bias_variance.json",
    meaning="bias and variance of a model by the values of one parameter",
    kinds=(BiasVariance,),
)
