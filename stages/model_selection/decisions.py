"""From a learner's scores to predictions, by task: the likeliest class, every label above its threshold, or the numbers themselves."""

from dataclasses import dataclass

import numpy as np

from stages.contracts.task import Task

CLASSES: tuple[Task, ...] = ("binary", "multiclass")


def decide(task: Task, scores: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
    """Return the prediction of scores (n, n_outputs) in the form of stages/contracts/.

    Args:
        thresholds: float64 (n_outputs,), multilabel only.
    """
    if task in CLASSES:
        return scores.argmax(axis=1).astype(np.int32)
    if task == "multilabel":
        return (scores >= thresholds).astype(np.uint8)
    return scores.astype(np.float64)  # as the target: a time in seconds since 1970 is 64 s off in float32


def strata(task: Task, target: np.ndarray, n_outputs: int) -> np.ndarray:
    """Return what every fold should have its share of: float64 (n, n_strata), 1 where a row counts for it.

    Classes; labels that hold; for each number the quarter of its range of ranks in which it lies.
    """
    if task in CLASSES:
        return (target[:, None] == np.arange(n_outputs)).astype(np.float64)
    if task == "multilabel":
        return target.astype(np.float64)
    parts = []
    for values in target.T:
        known = ~np.isnan(values)
        edges = np.quantile(values[known], [0.25, 0.5, 0.75]) if known.any() else np.zeros(3)
        parts.append((np.searchsorted(edges, values, side="right")[:, None] == np.arange(4)) & known[:, None])
    return np.hstack(parts).astype(np.float64)


def known_means(target: np.ndarray) -> np.ndarray:
    """Return the mean of each column where it is not NaN, 0 where nothing is known: float64 (n_outputs,)."""
    known = ~np.isnan(target)
    return np.asarray(np.where(known, target, 0).sum(axis=0, dtype=np.float64) / np.maximum(known.sum(axis=0), 1))


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of each number over training rows: learners see standardised numbers, answers are in their own units."""

    mean: np.ndarray  # float64 (n_outputs,)
    deviation: np.ndarray  # float64 (n_outputs,), 1 where the number does not vary

    def standardised(self, target: np.ndarray) -> np.ndarray:
        """Return (target − mean) / deviation: float64 (n, n_outputs), NaN where not known."""
        return (target - self.mean) / self.deviation

    def restored(self, values: np.ndarray) -> np.ndarray:
        """Return values in the numbers' own units."""
        return values * self.deviation + self.mean


def fit_scale(target: np.ndarray) -> Scale:
    """Return the scale of training rows: float64 (n, n_outputs), NaN where not known."""
    mean = known_means(target)
    deviation = np.sqrt(known_means((target - mean) ** 2))
    return Scale(mean, np.where(deviation > 0, deviation, 1.0))
