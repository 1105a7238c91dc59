"""Accuracy: the share of rows whose predicted class is the true one."""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.stacks import Stack


def accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of correct predictions, in [0, 1].

    Args:
        target, prediction: int class codes (n,).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("accuracy of no rows is undefined; pass at least one row")
    return int(np.count_nonzero(target == prediction)) / target.size


def accuracies(stack: Stack) -> np.ndarray:
    """Return the accuracy of each prediction of a stack, float64 (m,)."""
    _, _, hits = stack.counts
    return hits.sum(axis=1) / stack.target.size


METRIC = Metric(
    name="accuracy", title="accuracy", score=accuracy, greater_is_better=True, needs_scores=False, score_stack=accuracies
)
