"""Predictions of many configurations for the same rows, with the counts that metrics share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Stack:
    """target: (n,) or (n, n_outputs); predictions: (m, n) or (m, n, n_outputs), one of each configuration."""

    target: np.ndarray
    predictions: np.ndarray

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(true, predicted, hit) rows, int64 (n_outputs,), (m, n_outputs), (m, n_outputs), by class code or by label.

        Classes are counted up to the highest code that occurs anywhere.
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
        """Rows without a wrong label: int64 (m,)."""
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


def mean_where(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the mean of each row's wanted values, float64 (m,), NaN where none is; the same bits as numpy's mean of them alone.

    Args:
        values: float64 (m, n_values).
        wanted: bool (m, n_values) or (n_values,).
    """
    wanted = np.broadcast_to(wanted, values.shape)
    found = np.full(len(values), np.nan)
    patterns, of_row = np.unique(wanted, axis=0, return_inverse=True) if len(wanted) and (wanted != wanted[0]).any() else (wanted[:1], None)
    for i, pattern in enumerate(patterns):
        if pattern.any():
            rows = slice(None) if of_row is None else np.flatnonzero(of_row.ravel() == i)
            found[rows] = np.ascontiguousarray(values[rows][:, pattern]).mean(axis=1)
    return found
