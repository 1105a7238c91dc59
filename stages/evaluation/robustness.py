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
from stages.evaluation.scores import MetricScores, estimate, mean_over_seeds, with_row_values
from stages.evaluation.statistics import posterior
from stages.evaluation.strength_area import area_kept
from stages.scoring.stacked_scores import scorer
from stages.scoring.stacks import Stack


@dataclass(frozen=True)
class Judge:
    """How scores under conditions are judged. rope: as in comparisons.py. metrics: those without probabilities, the ranking one first.

    modalities: of the data set, in its order. targets: of all of its samples, by which Q² is scaled.
    """

    metrics: Sequence[Metric]
    targets: np.ndarray
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
    by_metric = {each.name: fold_scores([predicted[condition] for condition in ordered], each, judge) for each in judge.metrics}
    others = {condition: {name: mean_score(found[place]) for name, found in by_metric.items() if name != metric.name}
              for place, condition in enumerate(ordered)}  # fmt: skip
    scored = {condition: _with_rows(predicted[condition], by_metric[metric.name][place], judge) for place, condition in enumerate(ordered)}
    # intervals of the changes hold for all conditions together, as their corrected p does
    together = replace(design, confidence=1 - (1 - design.confidence) / max(len(scored), 1))
    differences = {condition: difference_of(found, clean, together) for condition, found in scored.items()}
    corrected = {condition: float(np.minimum(1.0, found.p * len(scored))) for condition, found in differences.items()}
    limit, rope = metric.bounds[1] - metric.bounds[0], practical_region(judge.rope, metric, clean.mean)
    points: dict[str, list[StrengthPoint]] = {}
    for condition, found in scored.items():
        mean, difference = estimate(found, predicted[condition], metric, design), differences[condition]
        upright = difference if metric.greater_is_better else replace(difference, difference=-difference.difference)
        said = verdict(upright.difference, corrected[condition], posterior(upright, rope), design.confidence)
        lo, hi = (float(np.clip(end, -limit, limit)) for end in (difference.lo, difference.hi))
        points.setdefault(condition.key, []).append(StrengthPoint(
            strength=condition.strength, mean=mean.mean, lo=mean.lo, hi=mean.hi, change=difference.difference, change_lo=lo, change_hi=hi,
            p=difference.p, p_corrected=corrected[condition], verdict=said, scores=others[condition]))  # fmt: skip
    curves = tuple(_curve(key, changed.units[key], of_key, clean.mean, metric) for key, of_key in points.items())
    return Robustness(model=candidate.model, modalities=candidate.modalities, fusion=candidate.fusion, clean=clean.mean, curves=curves)


def fold_scores(predicted: Sequence[BySeed], metric: Metric, judge: Judge) -> np.ndarray:
    """Return the score of each condition's predictions, with each seed, on each fold: float64 (n_conditions, n_seeds, n_folds)."""
    score, n_seeds, n_folds = scorer(metric, judge.targets), len(predicted[0]), len(predicted[0][0])
    found = np.empty((len(predicted), n_seeds, n_folds))
    for place in range(n_folds):
        predictions = np.stack([folds[place].prediction for by_seed in predicted for folds in by_seed])
        found[:, :, place] = score(Stack(predicted[0][0][place].target, predictions)).reshape(-1, n_seeds)
    return found


def mean_score(folds: np.ndarray) -> float:
    """Return the mean over seeds, and over the folds that define it, of scores float64 (n_seeds, n_folds); NaN where none does."""
    return MetricScores(folds.mean(axis=0), folds[:0]).mean


def _with_rows(by_seed: BySeed, folds: np.ndarray, judge: Judge) -> MetricScores:
    """Return the mean over seeds of the scores float64 (n_seeds, n_folds) by the metric that ranks, with values of rows."""
    return mean_over_seeds([with_row_values(predictions, of_seed.tolist(), judge.metric, judge.design)
                            for predictions, of_seed in zip(by_seed, folds, strict=True)])  # fmt: skip


def _curve(key: str, unit: str, points: Sequence[StrengthPoint], clean: float, metric: Metric) -> StrengthCurve:
    modality, corruption = key.split("/")
    ascending = sorted(points, key=lambda point: point.strength)
    means = [float("nan") if point.mean is None else point.mean for point in ascending]
    area = area_kept([point.strength for point in ascending], means, clean, greater_is_better=metric.greater_is_better)
    return StrengthCurve(modality=modality, corruption=corruption, unit=unit, points=tuple(ascending), area=area)
