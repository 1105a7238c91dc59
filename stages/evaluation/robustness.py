"""Scores under conditions that no model was trained for: each candidate's, with intervals, and what it loses against clean samples.

Tests are those of all differences (stages/evaluation/statistics.py), paired by folds and rows; Holm's correction is over all conditions of
one candidate. Scores are means over the seeds of the refits, as on the leaderboard.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stages.contracts.candidate import Candidate
from stages.contracts.documents.condition_scores import Robustness, StrengthCurve, StrengthPoint
from stages.contracts.metric import Metric
from stages.contracts.sample_condition import MISSING
from stages.evaluation.changed_predictions import Changed
from stages.evaluation.checked_predictions import BySeed
from stages.evaluation.comparisons import difference_of, practical_region, verdict
from stages.evaluation.design import Design
from stages.evaluation.scores import MetricScores, estimate, mean_over_seeds, score
from stages.evaluation.statistics import holm, posterior
from stages.evaluation.strength_area import area_kept


@dataclass(frozen=True)
class Judge:
    """How scores under conditions are judged. rope: as in comparisons.py. metrics: those without probabilities, the ranking one first.

    modalities: of the data set, in its order.
    """

    metrics: Sequence[Metric]
    design: Design
    rope: float
    modalities: Sequence[str]

    @property
    def metric(self) -> Metric:
        """Return the metric that ranks."""
        return self.metrics[0]


def robustness(changed: Iterable[Changed], primary: Mapping[Candidate, MetricScores], judge: Judge) -> tuple[Robustness, ...]:
    """Return what conditions do to candidates; primary: their scores of clean samples by the metric that ranks."""
    return tuple(judged_robustness(found, primary[found.candidate], judge) for found in changed)


def judged_robustness(changed: Changed, clean: MetricScores, judge: Judge) -> Robustness:
    """Return one candidate's scores under conditions, with what is lost."""
    metric, design, candidate, predicted = judge.metric, judge.design, changed.candidate, changed.predicted
    ordered = sorted(predicted, key=lambda condition: (judge.modalities.index(condition.modality), condition.corruption == MISSING))
    scored = {condition: mean_over_seeds([score(folds, metric, design) for folds in predicted[condition]]) for condition in ordered}
    differences = {condition: difference_of(found, clean, design) for condition, found in scored.items()}
    corrected = dict(zip(differences, holm([found.p for found in differences.values()]), strict=True))
    limit, rope = metric.bounds[1] - metric.bounds[0], practical_region(judge.rope, metric, clean.mean)
    points: dict[str, list[StrengthPoint]] = {}
    for condition, found in scored.items():
        mean, difference = estimate(found, predicted[condition], metric, design), differences[condition]
        upright = difference if metric.greater_is_better else replace(difference, difference=-difference.difference)
        said = verdict(upright.difference, corrected[condition], posterior(upright, rope), design.confidence)
        lo, hi = (float(np.clip(end, -limit, limit)) for end in (difference.lo, difference.hi))
        points.setdefault(condition.key, []).append(StrengthPoint(
            strength=condition.strength, mean=mean.mean, lo=mean.lo, hi=mean.hi, change=difference.difference, change_lo=lo, change_hi=hi,
            p=difference.p, p_corrected=corrected[condition], verdict=said, scores=other_scores(predicted[condition], judge)))  # fmt: skip
    curves = tuple(_curve(key, changed.units[key], of_key, clean.mean, metric) for key, of_key in points.items())
    return Robustness(model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, clean=clean.mean, curves=curves)


def other_scores(by_seed: BySeed, judge: Judge) -> dict[str, float]:
    """Return the mean score by every other metric without probabilities."""
    return {metric.name: mean_score(by_seed, metric) for metric in judge.metrics[1:]}


def mean_score(by_seed: BySeed, metric: Metric) -> float:
    """Return the mean over seeds, and over the folds that define it; NaN where none does."""
    folds = np.mean([[metric.score(fold.target, fold.prediction, None) for fold in folds] for folds in by_seed], axis=0)
    return MetricScores(folds, folds[:0]).mean


def _curve(key: str, unit: str, points: Sequence[StrengthPoint], clean: float, metric: Metric) -> StrengthCurve:
    modality, corruption = key.split("/")
    ascending = sorted(points, key=lambda point: point.strength)
    means = [float("nan") if point.mean is None else point.mean for point in ascending]
    area = area_kept([point.strength for point in ascending], means, clean, greater_is_better=metric.greater_is_better)
    return StrengthCurve(modality=modality, corruption=corruption, unit=unit, points=tuple(ascending), area=area)
