"""Scores of every candidate with their intervals: over folds and groups of rows.

The score of a fold is the mean over the seeds of its refits; a row's value is the mean of those that it has with each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stages.contracts.documents.evaluation_document import FEWEST_GROUPS, SeedSpread
from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import BySeed, FoldPredictions, Splits
from stages.evaluation.design import Design
from stages.evaluation.intervals import Estimate, error_interval, resample_weights, share_interval
from stages.evaluation.pooled import pool
from stages.evaluation.regression_resamples import error_ratios
from stages.evaluation.row_values import row_values
from stages.evaluation.statistics import half_width_of

SHARES = "effective number of rows (Clopper & Pearson) by"
ERRORS = "errors, Q² and R²: bootstrap of whole groups"
CROSS_VALIDATION = f"{SHARES} the larger of the corrected resampled t over outer folds and the spread of groups; {ERRORS}"
ONE_SPLIT = f"{SHARES} the spread of groups of the official test split; {ERRORS}"
TIME_ORDER = (f"{SHARES} the larger of t over the test blocks, without a correction (none is derived for training sets that grow), and the "
              f"spread of groups; {ERRORS}")  # fmt: skip
NO_INTERVAL = f"none: the official test split has fewer than {FEWEST_GROUPS} groups"


@dataclass(frozen=True)
class MetricScores:
    """Scores of one candidate on one metric. folds: (n_folds,). values: float64 (N,), of the tested rows, as in row_values.py.

    seeds: of means over several seeds, how far those of each seed lie apart.
    """

    folds: np.ndarray
    values: np.ndarray
    seeds: SeedSpread | None = None

    @property
    def n_seeds(self) -> int:
        """Return over how many seeds they are means."""
        return self.seeds.n_seeds if self.seeds else 1

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


def has_intervals(design: Design) -> bool:
    """Return whether there is enough to judge by: several folds, or a test split with enough groups."""
    return not design.is_one_split or design.n_groups >= FEWEST_GROUPS


def interval_method(splits: Splits, design: Design) -> str:
    """Return how intervals come about, or why there are none."""
    if splits.times is not None:
        return TIME_ORDER
    if not has_intervals(design):
        return NO_INTERVAL
    return ONE_SPLIT if design.is_one_split else CROSS_VALIDATION


def score(predictions: Sequence[FoldPredictions], metric: Metric, design: Design) -> MetricScores:
    """Return the scores of one candidate on a metric that is bound to the data set's targets."""
    folds = [metric.score(fold.target, fold.prediction, fold.probabilities) for fold in predictions]
    return with_row_values(predictions, folds, metric, design)


def with_row_values(predictions: Sequence[FoldPredictions], folds: Sequence[float], metric: Metric, design: Design) -> MetricScores:
    """Return the scores of one candidate whose score on each fold is known."""
    ends = np.cumsum([len(fold.target) for fold in predictions])
    values = [
        row_values(metric, fold, design.groups[end - len(fold.target) : end], value)
        for fold, end, value in zip(predictions, ends, folds, strict=True)
    ]
    return MetricScores(np.asarray(folds, dtype=np.float64), np.concatenate(values))


def mean_over_seeds(found: Sequence[MetricScores]) -> MetricScores:
    """Return the mean of a candidate's scores with each seed; NaN where one of them is undefined."""
    if len(found) == 1:
        return found[0]
    folds, values = (np.mean([getattr(of_seed, name) for of_seed in found], axis=0) for name in ("folds", "values"))
    return MetricScores(folds, values, seed_spread(found))


def seed_spread(found: Sequence[MetricScores]) -> SeedSpread:
    """Return how far a candidate's scores with each of several seeds lie apart."""
    folds = np.array([of_seed.folds for of_seed in found])
    ranges = np.ptp(folds[:, ~np.isnan(folds).any(axis=0)], axis=0)
    return SeedSpread(n_seeds=len(found), sd=float(np.std([of_seed.mean for of_seed in found], ddof=1)),
                      fold_range=float(ranges.max()) if ranges.size else float("nan"))


def estimate(scores: MetricScores, by_seed: BySeed, metric: Metric, design: Design) -> Estimate:
    """Return the mean score with its interval."""
    mean, nan = scores.mean, float("nan")
    if np.isnan(mean) or not has_intervals(design):
        return Estimate(mean, nan, nan)
    pooled, (low, high) = pool(scores.values, design), metric.bounds
    half = half_width_of(scores.folds, pooled, design)
    if np.isinf([low, high]).all():
        return Estimate(mean, mean - half, mean + half)
    if np.isfinite([low, high]).all():
        found = share_interval((mean - low) / (high - low), half / (high - low), pooled, design)
        return Estimate(mean, *(low + end * (high - low) for end in (found.lo, found.hi)))
    # an error above its best value, or what it leaves of the best score
    sign, best = (1.0, low) if np.isfinite(low) else (-1.0, high)
    errors = replace(pooled, sums=sign * (pooled.sums - best * pooled.weights))
    ratios = error_ratios(metric.name, by_seed, errors, design, resample_weights(design.n_blocks))
    ends = error_interval(sign * (mean - best), ratios, errors, design.confidence, widening=design.overlap)
    return Estimate(mean, *np.clip(sorted(best + sign * end for end in ends), *metric.attainable).tolist())
