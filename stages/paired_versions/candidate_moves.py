"""What became of each candidate of a data set between two versions, before the correction for the number of tests and after it."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial

from stages.contracts.candidate import Candidate
from stages.contracts.documents.version_comparison_document import CandidateMove, Move
from stages.contracts.metric import Metric
from stages.foundation.registry import component
from stages.paired_versions.paired_evidence import PairedEvidence, corrected, paired_evidence
from stages.paired_versions.same_test_rows import are_equal, in_order, orders, training_note, why_not_comparable
from stages.paired_versions.version_files import VersionFiles


@dataclass(frozen=True)
class PairedCandidate:
    """A candidate that stands in one version or both. evidence: None where it was not tested; reason: why not, if it is not obvious."""

    candidate: Candidate
    move: Move
    reason: str = ""
    evidence: PairedEvidence | None = None


@dataclass(frozen=True)
class PairedDataset:
    """A data set's candidates, by model. metric: of the tests; None if there is none. note: what limits the comparison."""

    candidates: tuple[PairedCandidate, ...]
    metric: Metric | None = None
    note: str = ""


def paired(before: VersionFiles, after: VersionFiles, identical: Set[str], confidence: float) -> PairedDataset:
    """Return each candidate of a data set with its evidence, not yet corrected.

    Args:
        before, after: the predictions of each model that the version has; before: not needed for those in `identical`.
        identical: models whose predictions are the same file in both.
    """
    shared = [model for model in after.predictions if model in before.predictions and model not in identical]
    why = why_not_comparable(before.described_splits, after.described_splits) if shared else ""
    note = training_note(before.described_splits[0], after.described_splits[0]) if shared and not why else why
    found: list[PairedCandidate] = []
    metrics: dict[str, Metric] = {}
    for model in after.predictions:
        if model in identical:
            found += [PairedCandidate(candidate, "identical") for candidate in after.candidates(model)]
        elif model not in before.predictions:
            found += [PairedCandidate(candidate, "new") for candidate in after.candidates(model)]
        elif reason := why or _other_metric(before, after, model):
            found += _both_or_one(before, after, model, reason)
        else:
            metric = metrics.setdefault(model, _metric(after, model))
            found += _tested(before, after, model, metric, confidence)
    for model in before.predictions:
        if model not in after.predictions:
            found += [PairedCandidate(candidate, "removed") for candidate in before.candidates(model)]
    return PairedDataset(tuple(found), next(iter(metrics.values()), None), note)


def _metric(files: VersionFiles, model: str) -> Metric:
    metric: Metric = component("metrics", files.described(model).scoring)
    return metric.bound_to(files.described_splits[0].targets)


def _other_metric(before: VersionFiles, after: VersionFiles, model: str) -> str:
    old, new = before.described(model).scoring, after.described(model).scoring
    return "" if old == new else f"other metric: {old} before, {new} now"


def _both_or_one(before: VersionFiles, after: VersionFiles, model: str, reason: str) -> Iterator[PairedCandidate]:
    """Yield a model's candidates where nothing can be tested."""
    old, new = before.candidates(model), after.candidates(model)
    for candidate in new:
        yield PairedCandidate(candidate, "not comparable", reason) if candidate in old else PairedCandidate(candidate, "new")
    yield from (PairedCandidate(candidate, "removed") for candidate in old if candidate not in new)


def _tested(before: VersionFiles, after: VersionFiles, model: str, metric: Metric, confidence: float) -> Iterator[PairedCandidate]:
    """Yield a model's candidates, those in both versions with their evidence."""
    splits = after.described_splits[0]
    places = orders(before.described_splits[0], splits)
    old, new = before.by_candidate(model), after.by_candidate(model)
    for candidate, predictions in new.items():
        if candidate not in old:
            yield PairedCandidate(candidate, "new")
            continue
        earlier = in_order(old[candidate], places)
        if are_equal(earlier, predictions):
            yield PairedCandidate(candidate, "identical")
        else:
            evidence = paired_evidence(earlier, predictions, splits, metric=metric, confidence=confidence)
            yield PairedCandidate(candidate, "no evidence", evidence=evidence)
    yield from (PairedCandidate(candidate, "removed") for candidate in old if candidate not in new)


def with_verdicts(found: Mapping[str, PairedDataset], confidence: float) -> dict[str, tuple[CandidateMove, ...]]:
    """Return the candidates of all data sets with p corrected for the number of tests (Holm), and the verdict that follows."""
    tested = [(dataset, item.evidence) for dataset, pair in found.items() for item in pair.candidates if item.evidence]
    of_test = iter(corrected([evidence.p for _, evidence in tested]))
    moves: dict[str, tuple[CandidateMove, ...]] = {}
    for dataset, pair in found.items():
        moves[dataset] = tuple(_move(item, pair.metric, next(of_test) if item.evidence else None, confidence) for item in pair.candidates)
    return moves


def _move(item: PairedCandidate, metric: Metric | None, p_corrected: float | None, confidence: float) -> CandidateMove:
    candidate, evidence = item.candidate, item.evidence
    names = partial(CandidateMove, model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion)
    if evidence is None or metric is None or p_corrected is None:
        return names(move=item.move, reason=item.reason)
    return names(
        reason=evidence.reason, move=verdict_on(evidence, p_corrected, metric, confidence), before=evidence.before, after=evidence.after,
        difference=evidence.difference, lo=evidence.lo, hi=evidence.hi, p_fold=evidence.p_fold, p_row=evidence.p_row, p=evidence.p,
        p_corrected=p_corrected, rows=evidence.rows,
    )  # fmt: skip


def verdict_on(evidence: PairedEvidence, p_corrected: float, metric: Metric, confidence: float) -> Move:
    """Return "moved up" where the version is better, "moved down" where it is worse, "no evidence" where the test shows neither."""
    gain = evidence.difference if metric.greater_is_better else -evidence.difference
    if not p_corrected < 1 - confidence:  # NaN too
        return "no evidence"
    return "moved up" if gain > 0 else "moved down"
