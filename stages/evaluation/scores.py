"""Scores of every model and subset, with their intervals: over folds, or over bootstrap draws of one official test split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.contracts.metric import Metric
from stages.evaluation.draws import score_draws
from stages.evaluation.held_out import Outcome, Protocol
from stages.evaluation.statistics import (
    FEWEST_GROUPS,
    Difference,
    Estimate,
    draw_difference,
    draw_groups,
    draw_interval,
    fold_difference,
    fold_interval,
)

CROSS_VALIDATION = "corrected resampled t over outer folds (Nadeau & Bengio 2003)"
BOOTSTRAP = "bootstrap of whole groups of the official test split"
NO_INTERVAL = f"none: the official test split has fewer than {FEWEST_GROUPS} groups"


@dataclass(frozen=True)
class Scores:
    """Scores of one model and subset on one metric. folds: (n_folds,); draws: (n_draws,) or empty if there are folds to vary over."""

    folds: np.ndarray
    draws: np.ndarray

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
    """How sure a score is: n_test / n_train of the protocol and the level of the intervals."""

    test_per_train: float
    confidence: float

    def estimate(self, scores: Scores, bounds: tuple[float, float]) -> Estimate:
        """Return the mean score with its interval."""
        if scores.draws.size:
            return draw_interval(float(scores.folds[0]), scores.draws, confidence=self.confidence, bounds=bounds)
        return fold_interval(scores.folds, test_per_train=self.test_per_train, confidence=self.confidence, bounds=bounds)

    def difference(self, a: Scores, b: Scores) -> Difference:
        """Return the paired difference a − b with its interval and p."""
        if a.draws.size:
            return draw_difference(float((a.folds - b.folds)[0]), a.draws - b.draws, confidence=self.confidence)
        return fold_difference(a.folds, b.folds, test_per_train=self.test_per_train, confidence=self.confidence)


def bootstrap_rows(protocol: Protocol) -> list[np.ndarray]:
    """Return the bootstrap draws of the one test split, as row numbers into its outcome.

    Empty if there are several folds, or too few groups to draw from: scores then stand without interval and test.
    """
    groups = [protocol.groups[row] for row in protocol.folds[0].rows]
    if len(protocol.folds) > 1 or len(set(groups)) < FEWEST_GROUPS:
        return []
    return list(draw_groups(groups))


def score(outcomes: Sequence[Outcome], metrics: Mapping[str, Metric], draws: Sequence[np.ndarray]) -> dict[str, Scores]:
    """Return the scores of one model and subset by metric."""
    found = {}
    for name, metric in metrics.items():
        folds = [metric.score(o.target, o.prediction, o.scores) for o in outcomes]
        only = outcomes[0]
        drawn = score_draws(metric, draws, (only.target, only.prediction, only.scores))
        found[name] = Scores(np.asarray(folds, dtype=np.float64), drawn)
    return found
