"""What validate also writes: leaks that it found between folds and from the target into the features."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema, Number
from stages.contracts.documents.validation_document import SuiteResult
from stages.contracts.quantities import SUMS, Count, Interval, agree

Level = Literal["fail", "warn", "ignore"]


class LeakGap(Interval):
    """How much better five nearest neighbors do with the leak than without it: explained shares of the target's variance."""

    with_leak: Number = Field(description="explained share, with the samples in their folds, or with the column")
    without: Number = Field(description="the same, without training samples that should be in the fold, or without the column")
    difference: Number = Field(description="with_leak minus without")
    lo: Number = Field(description="of its 95 % interval, by groups")
    hi: Number = Field(description="of its 95 % interval, by groups")
    n_samples: Count = Field(description="held-out training samples judged")

    def contradictions(self) -> Iterable[str]:
        yield from super().contradictions()
        if self.with_leak is not None and self.without is not None and not agree(self.with_leak - self.without, self.difference, SUMS):
            yield f"difference: expected {self.with_leak - self.without:g}, with_leak − without, found {self.difference:g}"


class Finding(Document):
    """One leak that was found."""

    code: str = Field(description="kind of leak, a section of docs/leaks.md")
    severity: Literal["high", "medium", "low"]
    level: Level = Field(description="by `leakage:` in params.yaml; fail: nothing is trained on the data set")
    subject: str = Field(description="samples, a modality name, or <modality name>.<column>")
    text: str = Field(description="what was found, one sentence")
    n_samples: Count = Field(description="samples concerned")
    samples: tuple[str, ...] = Field(description="the ids of the first of them")
    evidence: dict[str, Number] = Field(description="numbers that support it")
    remedy: str = Field(description="what to write in params.yaml, or to do")
    gap: LeakGap | None = Field(default=None, description="what the leak is worth to a simple model; null: not measured (leakage.gaps)")
    known: str = Field("", description="why it is no leak here, by the data set's file")
    documentation: str = Field(description="page and section")

    def contradictions(self) -> Iterable[str]:
        if len(self.samples) > self.n_samples:
            yield f"samples: are {len(self.samples)}; expected at most n_samples, {self.n_samples}"


class Leaks(Document):
    """The findings of the leakage gate on one data set."""

    dataset: str = Field(description="name in params.yaml")
    examined: bool = Field(description="whether it was examined: not if an expectation of validation.json failed")
    success: bool = Field(description="whether no finding is of level fail")
    open: tuple[str, ...] = Field(description="codes of findings of level warn or fail, by which a report marks the data set")
    findings: tuple[Finding, ...] = Field(description="by severity, code and subject; those of level ignore too")
    suite: SuiteResult | None = Field(description="the codes as expectations: no sample is concerned by a finding; null: not examined")
    limits: tuple[str, ...] = Field(default=(), description="what was compared in part only, as the data set is large")

    def contradictions(self) -> Iterable[str]:
        if self.success != all(finding.level != "fail" for finding in self.findings):
            yield "success: expected true exactly where no finding is of level fail"
        if set(self.open) != {finding.code for finding in self.findings if finding.level != "ignore"}:
            yield "open: expected the codes of the findings of level warn or fail"


DOCUMENT = DocumentSchema(
    name="leaks",
    path="data/validation/{dataset}/leaks.json",
    meaning="leaks found in one data set",
    kinds=(Leaks,),
)
