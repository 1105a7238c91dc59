"""What DVC shows: a flat summary with the same keys for every data set, a leaderboard and a confusion table."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.results_document import MeanScore
from stages.contracts.documents.summary_document import Summary
from stages.contracts.metric import Metric
from stages.evaluation.scores import goodness


def ranks(scores: Mapping[Candidate, MeanScore], metric: Metric, last: Collection[str] = ()) -> dict[Candidate, int]:
    """Return each candidate's rank by its mean score, from 1; equals keep their order.

    The models `last` stand behind all others, and behind them the ways of fusing that were not chosen on the inner folds.
    """

    def key(candidate: Candidate) -> tuple[bool, bool, float]:
        return not candidate.is_compared(scores), candidate.model in last, -goodness(scores[candidate].mean, metric)

    ranked = sorted(scores, key=key)
    return {candidate: rank for rank, candidate in enumerate(ranked, start=1)}


def summary(evaluation: Evaluation, metric: Metric) -> Summary:
    """Return the numbers that `dvc metrics` shows, of the primary `metric`."""
    score, best = evaluation.primary_score, evaluation.result(evaluation.best)
    of_model = {model: evaluation.best_of([model]) for model in evaluation.models}
    baseline = evaluation.best_of(evaluation.baselines)
    learned = [found for found in evaluation.ranked() if found.model in evaluation.learners]
    fused, single = ([goodness(score(found).mean, metric) for found in learned if (len(found.modalities) > 1) == several]
                     for several in (True, False))
    return Summary(
        best=" · ".join(evaluation.key(best.candidate)),
        metric=metric.name,
        score=rounded(score(best).mean),
        lo=rounded(score(best).lo),
        hi=rounded(score(best).hi),
        baseline=rounded(score(baseline).mean) if baseline else None,
        fusion_gain=rounded(max(fused) - max(single)) if fused and single else None,
        models={model: rounded(score(found).mean) for model, found in of_model.items() if found},
        rows=evaluation.rows.used,
        rows_available=evaluation.rows.available,
        quarantined=round(evaluation.quarantined.share, 6),
    )


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def leaderboard_rows(evaluation: Evaluation) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of leaderboard.csv, the best candidate first."""
    metrics = [metric.name for metric in evaluation.metrics]
    rows = [leaderboard_row(evaluation, found, metrics) for found in evaluation.candidates]
    columns = ["candidate", "rank", "model", "modalities", "fusion", *metrics, "lo", "hi", "score"]
    return columns, sorted(rows, key=lambda row: row[1])


def leaderboard_row(evaluation: Evaluation, found: CandidateResult, metrics: Sequence[str]) -> list[Any]:
    """Return a candidate's row: its scores, the interval of the primary one, and that again as `score`."""
    candidate, score = found.candidate, evaluation.primary_score(found)
    means = [found.scores[metric].mean for metric in metrics]
    name = " · ".join(evaluation.key(candidate))
    return [name, found.rank, found.model, candidate.combination, found.fusion, *means, score.lo, score.hi, score.mean]
