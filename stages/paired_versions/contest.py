"""Whether one candidate of the present version is better than one of an earlier version, by the test that comparing versions uses."""

from dataclasses import dataclass

from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.foundation.registry import component
from stages.paired_versions.candidate_moves import verdict_on
from stages.paired_versions.paired_evidence import paired_evidence
from stages.paired_versions.same_test_rows import in_order, orders, why_not_comparable
from stages.paired_versions.version_files import VersionFiles


@dataclass(frozen=True)
class ContestResult:
    """is_better: whether the test shows it. reason: the difference and its p, or why there is no test."""

    is_better: bool
    reason: str


def contest(earlier: VersionFiles, champion: Candidate, present: VersionFiles, challenger: Candidate, confidence: float) -> ContestResult:
    """Return whether `challenger` is shown to be better than `champion` on the same test rows; one test, so that p is not corrected."""
    if why := why_not_comparable(earlier.described_splits, present.described_splits):
        return ContestResult(False, why)
    names = [files.described(candidate.model).scoring for files, candidate in ((earlier, champion), (present, challenger))]
    if names[0] != names[1]:
        return ContestResult(False, f"other metric: {names[0]} before, {names[1]} now")
    before, after = earlier.described_splits[0], present.described_splits[0]
    metric: Metric = component("metrics", names[1]).bound_to(after.targets)
    old = in_order(earlier.by_candidate(champion.model)[champion], orders(before, after))
    evidence = paired_evidence(old, present.by_candidate(challenger.model)[challenger], after, metric=metric, confidence=confidence)
    said = f"{metric.title} {evidence.before:.3f} before, {evidence.after:.3f} now, p {evidence.p:.3f}"
    return ContestResult(verdict_on(evidence, evidence.p, metric, confidence) == "moved up", said)
