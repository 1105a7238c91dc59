"""The label of highest score of each row, and whether it is wrong: the rule of one-error, of a whole table and row by row."""

import numpy as np


def first_label_errors(holds: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return per row the share of its labels of highest score that do not hold, float64 (n,); 0 of a row without a true label.

    Args:
        holds: bool (n, n_labels). scores: float (n, n_labels).
    """
    first = scores == scores.max(axis=1, keepdims=True)
    return np.where(holds.any(axis=1), (first & ~holds).sum(axis=1) / first.sum(axis=1), 0.0)
