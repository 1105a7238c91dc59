"""Predictions of many configurations for the same rows, and the counts that metrics share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Stack:
    """The predictions of m configurations.

    target: (n,) or (n, n_outputs). predictions: (m, n) or (m, n, n_outputs).
    """

    target: np.ndarray
    predictions: np.ndarray

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of true, predicted and correctly predicted rows, int64 (n_outputs,), (m, n_outputs), (m, n_outputs), by class or label.

        Classes are counted up to the highest code in targets and predictions.
        """
        if self.target.ndim == 2:
            true, predicted = self.target != 0, self.predictions != 0
            return np.count_nonzero(true, axis=0), np.count_nonzero(predicted, axis=1), np.count_nonzero(true & predicted, axis=1)
        from stages.scoring.compiled_counts import count_classes

        n_classes = int(max(self.target.max(), self.predictions.max())) + 1
        predictions = np.ascontiguousarray(self.predictions, np.int32)
        predicted, hits = count_classes(np.ascontiguousarray(self.target, np.int32), predictions, n_classes)
        return np.bincount(self.target, minlength=n_classes), predicted, hits

    @property
    def n_rows(self) -> int:
        return len(self.target)

    @property
    def n_exact(self) -> np.ndarray:
        """Number of rows without a wrong label: int64 (m,)."""
        return np.asarray(np.count_nonzero((self.target == self.predictions).all(axis=2), axis=1))

    @cached_property
    def known(self) -> np.ndarray:
        """Where a target is known: bool (n, n_outputs)."""
        return ~np.isnan(self.target)

    @property
    def has_known(self) -> np.ndarray:
        """Which targets have a known value: bool (n_outputs,)."""
        return np.asarray(self.known.any(axis=0))

    @cached_property
    def residuals(self) -> np.ndarray:
        """target − prediction, 0 where the target is not known: float64 (m, n, n_outputs)."""
        return np.where(self.known, self.target - self.predictions.astype(np.float64), 0.0)


def mean_where(values: np.ndarray, selected: np.ndarray) -> np.ndarray:
    """Return the mean of each row's selected values, float64 (m,), NaN if there is none; the same bits as numpy's mean of them alone.

    Args:
        values: float64 (m, n_values).
        selected: bool (m, n_values) or (n_values,).
    """
    selected = np.broadcast_to(selected, values.shape)
    means = np.full(len(values), np.nan)
    varies = len(selected) > 0 and (selected != selected[0]).any()
    patterns, pattern_of = np.unique(selected, axis=0, return_inverse=True) if varies else (selected[:1], None)
    for i, pattern in enumerate(patterns):
        if pattern.any():
            rows = slice(None) if pattern_of is None else np.flatnonzero(pattern_of.ravel() == i)
            means[rows] = np.ascontiguousarray(values[rows][:, pattern]).mean(axis=1)
    return means
