"""Scores of every candidate, with their intervals: over folds, or over bootstrap resamples of one official test split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.bootstrap_scores import score_resamples
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.statistics import (
    FEWEST_GROUPS,
    Difference,
    Estimate,
    bootstrap_difference,
    bootstrap_interval,
    fold_difference,
    fold_interval,
    resample_groups,
)

CROSS_VALIDATION = "corrected resampled t over outer folds (Nadeau & Bengio 2003)"
BOOTSTRAP = "bootstrap of whole groups of the official test split"
TIME_ORDER = "t over the test blocks, without a correction: none is derived for training sets that grow"
NO_INTERVAL = f"none: the official test split has fewer than {FEWEST_GROUPS} groups"


@dataclass(frozen=True)
class MetricScores:
    """Scores of one candidate on one metric. folds: (n_folds,); resamples: (n_resamples,), or empty if there are several folds."""

    folds: np.ndarray
    resamples: np.ndarray

    @property
    def mean(self) -> float:
        """Return the mean over the folds that define it; NaN where none does."""
        defined = self.folds[~np.isnan(self.folds)]
        return float(defined.mean()) if defined.size else float("nan")


def goodness(value: float | None, metric: Metric) -> float:
    """Return a score with its sign turned where less is better, so that more is; −∞ where it is undefined (None or NaN)."""
    if value is None or np.isnan(value):
        return float("-inf")
    return value if metric.greater_is_better else -value


@dataclass(frozen=True)
class Uncertainty:
    """How sure a score is: n_test / n_train of the splits, 0 where the variance is not corrected by it, and the level of the intervals."""

    test_per_train: float
    confidence: float

    def estimate(self, scores: MetricScores, bounds: tuple[float, float]) -> Estimate:
        """Return the mean score with its interval."""
        if scores.resamples.size:
            return bootstrap_interval(float(scores.folds[0]), scores.resamples, confidence=self.confidence, bounds=bounds)
        return fold_interval(scores.folds, test_per_train=self.test_per_train, confidence=self.confidence, bounds=bounds)

    def difference(self, a: MetricScores, b: MetricScores) -> Difference:
        """Return the paired difference a − b with its interval and p."""
        if a.resamples.size:
            return bootstrap_difference(float((a.folds - b.folds)[0]), a.resamples - b.resamples, confidence=self.confidence)
        return fold_difference(a.folds, b.folds, test_per_train=self.test_per_train, confidence=self.confidence)


def bootstrap_rows(splits: Splits) -> list[np.ndarray]:
    """Return the bootstrap resamples of the one test split, as row numbers into its predictions.

    Empty if there are several folds, or too few groups to resample: scores then have no interval and no test.
    """
    groups = [splits.groups[row] for row in splits.folds[0].rows]
    if len(splits.folds) > 1 or len(set(groups)) < FEWEST_GROUPS:
        return []
    return list(resample_groups(groups))


def interval_method(splits: Splits) -> str:
    """Return how intervals come about, or why there are none."""
    if splits.times is not None:
        return TIME_ORDER
    return CROSS_VALIDATION if len(splits.folds) > 1 else BOOTSTRAP if bootstrap_rows(splits) else NO_INTERVAL


def score(
    predictions: Sequence[FoldPredictions], metrics: Mapping[str, Metric], resamples: Sequence[np.ndarray], reference: np.ndarray
) -> dict[str, MetricScores]:
    """Return the scores of one candidate by metric; reference: the data set's targets, to which the metrics are bound."""
    found = {}
    for name, metric in metrics.items():
        folds = [metric.score(fold.target, fold.prediction, fold.probabilities) for fold in predictions]
        found[name] = MetricScores(np.asarray(folds, dtype=np.float64), score_resamples(metric, resamples, predictions[0], reference))
    return found
