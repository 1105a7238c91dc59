"""What evaluate writes for `dvc metrics`: a few numbers with the same keys for every data set."""

from collections.abc import Iterable

from pydantic import Field

from stages.contracts.document import DocumentSchema, Number
from stages.contracts.quantities import Count, Interval, Share, is_above


class Summary(Interval):
    """The numbers that `dvc metrics show` and `dvc metrics diff` compare; null where there is none."""

    best: str = Field(description="the best candidate: model · modality combination")
    metric: str = Field(description="that ranks")
    score: Number = Field(description="of the best candidate")
    lo: Number = Field(description="of its interval")
    hi: Number = Field(description="of its interval")
    baseline: Number = Field(description="score of the best baseline")
    fusion_gain: Number = Field(description="how far the best learner on a fused combination is ahead of the best on a single modality; "
                                "positive: better")
    models: dict[str, Number] = Field(description="each model's best score")
    rows: Count = Field(description="samples used")
    rows_available: Count = Field(description="samples there are")
    quarantined: Share = Field(description="share of the samples that could not be read")

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        if is_above(self.rows, self.rows_available):
            yield f"rows: expected at most rows_available, {self.rows_available}, found {self.rows}"


DOCUMENT = DocumentSchema(
    name="summary",
    path="data/evaluation/{dataset}/summary.json",
    meaning="numbers of one data set for `dvc metrics`",
    kinds=(Summary,),
)
