"""What bias_variance writes: how a model's loss splits into bias and variance over bootstraps, by the values of one parameter."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema


class CapacityPoint(Document):
    """A value of the parameter. bias, variance: of the loss, one per repeat and outer fold; their sum is the mean loss of the bootstraps.

    bias: the squared distance of the main prediction from the target, the target's own noise included.
    """

    value: Any
    bias: tuple[float, ...]
    variance: tuple[float, ...]

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
    loss: str = Field(description="that is decomposed, in words")
    n_bootstraps: int = Field(description="of each outer fold's training rows, by groups")
    points: tuple[CapacityPoint, ...] = Field(description="by value; none: not applicable")
    skipped: tuple[SkippedValue, ...] = Field((), exclude_if=lambda value: not value, description="values that are not compared, and why")
    not_applicable: str | None = Field(description="why there is no point")

    def contradictions(self) -> Iterable[str]:
        if (not self.points) != bool(self.not_applicable):
            yield "not_applicable: expected a reason where there is no point, and none where there are points"
        for place, point in enumerate(self.points):
            if not point.bias or len(point.bias) != len(point.variance):
                yield f"points.{place}: bias and variance are not of the same folds"

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


DOCUMENT = DocumentSchema(
    name="bias_variance",
    path="data/predictions/{dataset}/bias_variance/{model}/bias_variance.json",
    meaning="bias and variance of a model by the values of one parameter",
    kinds=(BiasVariance,),
)
