"""What validate writes: every expectation on a data set's files, and whether it holds."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema
from stages.contracts.quantities import Count

Observed = int | float


class UnexpectedSample(Document):
    """A sample of which an expectation does not hold, and the value found."""

    sample_id: str
    value: str


class ExpectationResult(Document):
    """One expectation, and what was found.

    kwargs: arguments, without column and notes. observed: the one value of a table or column, if it has one. range: least and greatest
    finite value. checked, missing, unexpected: rows. offending: the first samples of which it does not hold.
    """

    expectation: str
    column: str
    notes: str
    kwargs: dict[str, Any]
    success: bool
    observed: Observed | None
    range: tuple[Observed, Observed] | None
    checked: Count
    missing: Count
    unexpected: Count
    offending: tuple[UnexpectedSample, ...]

    def contradictions(self) -> Iterable[str]:
        if self.range is not None and self.range[0] > self.range[1]:
            yield f"range: expected the least value first, found {self.range[0]:g} and {self.range[1]:g}"
        if self.unexpected > self.checked:
            yield f"unexpected: expected at most checked, {self.checked}, found {self.unexpected}"


class SuiteResult(Document):
    """The expectations on one file. n_absent: of a modality, the samples that lack it; nothing is expected of them."""

    suite: str
    success: bool
    n_rows: Count
    expectations: tuple[ExpectationResult, ...]
    n_absent: Count = 0

    def contradictions(self) -> Iterable[str]:
        if self.success and not all(found.success for found in self.expectations):
            yield "success: found true, expected false, as that of one of the expectations"


class Validation(Document):
    """Whether a data set's files hold what is expected of them, and no leak stops its training (leaks.json has the leaks)."""

    dataset: str = Field(description="name in params.yaml")
    success: bool = Field(description="whether every expectation holds and no leak is of level fail; if not, nothing is trained")
    suites: tuple[SuiteResult, ...] = Field(description="samples, splits, quarantined samples, and one per modality")

    def contradictions(self) -> Iterable[str]:
        if self.success and not all(suite.success for suite in self.suites):
            yield "success: found true, expected false, as that of one of the suites"


DOCUMENT = DocumentSchema(
    name="validation",
    path="data/validation/{dataset}/validation.json",
    meaning="every expectation on one data set's files, and whether it holds",
    kinds=(Validation,),
)
