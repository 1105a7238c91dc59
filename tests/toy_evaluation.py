"""Make an evaluation of a few scores, for tests that read one and need no stage to have run."""

from collections.abc import Mapping
from typing import Any

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, FoldScores, Quarantined
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.metric import Metric
from stages.contracts.table_schema import Rows
from stages.foundation.registry import component


def fold_scores(mean: float | None, *folds: float | None) -> FoldScores:
    """Return a score from 0 to 1 whose interval is 0.1 to either side of its mean; without folds given, five are equal to it."""
    lo, hi = (None, None) if mean is None else (max(mean - 0.1, 0.0), min(mean + 0.1, 1.0))
    return FoldScores(mean=mean, lo=lo, hi=hi, folds=folds or (mean,) * 5)


def candidate_result(candidate: Candidate, rank: int, scores: Mapping[str, FoldScores], **details: Any) -> CandidateResult:
    """Return a candidate's scores; details that are not given are empty."""
    nothing: dict[str, Any] = {"configs": (), "grid": (), "sweeps": {}, "curves": {}}
    return CandidateResult(model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, rank=rank, scores=scores,
                           **nothing | details)


def toy_evaluation(scores: Mapping[Candidate, Mapping[str, FoldScores]], *metrics: str, **changes: Any) -> Evaluation:
    """Return the evaluation of candidates, the best first, on as many folds as the first has; the first of `metrics` ranks."""
    n_folds = len(next(iter(next(iter(scores.values())).values())).folds)
    known: list[Metric] = [component("metrics", name) for name in metrics]
    ranked = [candidate_result(candidate, rank, found) for rank, (candidate, found) in enumerate(scores.items(), start=1)]
    usual: dict[str, Any] = {
        "dataset": "toy", "title": "Toy", "licence": "CC0", "citation": "none", "group": "none", "rows": Rows(used=9, available=10),
        "shipped": True, "task": "binary", "form": "classes", "target": "kind", "outputs": ("red", "ripe"), "counts": None,
        "quarantined": Quarantined(rows=0, share=0.0), "n_groups": 9, "n_folds": n_folds, "n_repeats": 1, "n_inner_folds": 3,
        "interval": "", "confidence": 0.95, "not_applicable": {}, "n_bins": None, "ranges": None, "comparisons": (),
        "rope": 0.01, "choice_bias": None,
        "modalities": tuple(dict.fromkeys(name for candidate in scores for name in candidate.modalities)),
        "models": tuple(dict.fromkeys(candidate.model for candidate in scores)), "baselines": (),
        "combinations": tuple(sorted(dict.fromkeys(found.modalities for found in scores if found.modalities), key=len)),
    }  # fmt: skip
    titles = tuple(MetricInfo(name=metric.name, title=metric.title, greater_is_better=metric.greater_is_better,
                              attainable=metric.attainable) for metric in known)  # fmt: skip
    return Evaluation(**usual | changes, metrics=titles, best=next(iter(scores)), candidates=tuple(ranked))
