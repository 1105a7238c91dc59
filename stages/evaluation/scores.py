"""Scores of every candidate, with their intervals: over folds, or over bootstrap resamples of an official test split or of test blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

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
    resample_runs,
)

CROSS_VALIDATION = "corrected resampled t over outer folds (Nadeau & Bengio 2003)"
BOOTSTRAP = "bootstrap of whole groups of the official test split"
NO_INTERVAL = f"none: the official test split has fewer than {FEWEST_GROUPS} groups"
TIME_BOOTSTRAP = "bootstrap of runs of consecutive whole groups within each test block, of these models and these periods alone"
NO_TIME_INTERVAL = f"none: a test block has fewer than {FEWEST_GROUPS} groups"


@dataclass(frozen=True)
class MetricScores:
    """Scores of one candidate on one metric. folds: (n_folds,); resamples: (n_resamples,), means over the folds that define it, or empty if
    folds are drawn: their spread is then what the interval is of.
    """

    folds: np.ndarray
    resamples: np.ndarray

    @property
    def mean(self) -> float:
        """Return the mean over the folds that define it; NaN where none does."""
        return mean_defined(self.folds)


def mean_defined(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; NaN where all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def goodness(value: float | None, metric: Metric) -> float:
    """Return a score with its sign turned where less is better, so that more is; −∞ where it is undefined (None or NaN)."""
    if value is None or np.isnan(value):
        return float("-inf")
    return value if metric.greater_is_better else -value


@dataclass(frozen=True)
class Uncertainty:
    """How sure a score is: n_test / n_train of the splits and the level of the intervals.

    drawn: whether folds are drawn, so that their spread tells how scores vary; if not, and without resamples, nothing does.
    """

    test_per_train: float
    confidence: float
    drawn: bool = True

    def estimate(self, scores: MetricScores, bounds: tuple[float, float]) -> Estimate:
        """Return the mean score with its interval."""
        if scores.resamples.size:
            return bootstrap_interval(scores.mean, scores.resamples, confidence=self.confidence, bounds=bounds)
        if not self.drawn:
            return Estimate(scores.mean, np.nan, np.nan)
        return fold_interval(scores.folds, test_per_train=self.test_per_train, confidence=self.confidence, bounds=bounds)

    def difference(self, a: MetricScores, b: MetricScores) -> Difference:
        """Return the paired difference a − b with its interval and p."""
        if a.resamples.size:
            return bootstrap_difference(mean_defined(a.folds - b.folds), a.resamples - b.resamples, confidence=self.confidence)
        if not self.drawn:
            return Difference(mean_defined(a.folds - b.folds), np.nan, np.nan, np.nan)
        return fold_difference(a.folds, b.folds, test_per_train=self.test_per_train, confidence=self.confidence)


def bootstrap_rows(splits: Splits) -> list[list[np.ndarray]]:
    """Return the bootstrap resamples of each test fold, as row numbers into its predictions: of an official test split, or in time order.

    Empty if folds are drawn, or if there are too few groups to resample: scores then have no interval and no test.
    """
    if splits.times is None and len(splits.folds) > 1:
        return []
    groups = [[splits.groups[row] for row in fold.rows] for fold in splits.folds]
    if min(len(set(names)) for names in groups) < FEWEST_GROUPS:
        return []
    if splits.times is None:
        return [list(resample_groups(groups[0]))]
    ranks = pc.rank(splits.times, tiebreaker="dense").to_numpy().astype(np.int64)
    return [list(resample_runs(names, ranks[fold.rows])) for names, fold in zip(groups, splits.folds, strict=True)]


def interval_method(splits: Splits) -> str:
    """Return how intervals come about, or why there are none."""
    if splits.times is None and len(splits.folds) > 1:
        return CROSS_VALIDATION
    done, not_done = (BOOTSTRAP, NO_INTERVAL) if splits.times is None else (TIME_BOOTSTRAP, NO_TIME_INTERVAL)
    return done if bootstrap_rows(splits) else not_done


def score(
    predictions: Sequence[FoldPredictions], metrics: Mapping[str, Metric], resamples: Sequence[Sequence[np.ndarray]], reference: np.ndarray
) -> dict[str, MetricScores]:
    """Return the scores of one candidate by metric.

    Args:
        resamples: of each fold, as `bootstrap_rows` returns them.
        reference: the data set's targets, to which the metrics are bound.
    """
    found = {}
    for name, metric in metrics.items():
        folds = [metric.score(fold.target, fold.prediction, fold.probabilities) for fold in predictions]
        resampled = [score_resamples(metric, rows, fold, reference) for rows, fold in zip(resamples, predictions, strict=False)]
        found[name] = MetricScores(np.asarray(folds, dtype=np.float64), _mean_over_folds(resampled))
    return found


def _mean_over_folds(resampled: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of each resample over the folds that define it, float64 (n_resamples,); empty without folds."""
    if not resampled:
        return np.empty(0)
    if len(resampled) == 1:
        return resampled[0]
    values = np.stack(resampled)
    n_defined = (~np.isnan(values)).sum(axis=0)
    return np.divide(np.nansum(values, axis=0), n_defined, out=np.full(values.shape[1], np.nan), where=n_defined > 0)
