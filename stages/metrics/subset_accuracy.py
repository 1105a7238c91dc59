"""Subset accuracy: the share of rows all of whose labels are right; the strictest score of multi-label predictions."""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.stacks import Stack


def subset_accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of rows without a wrong label, in [0, 1].

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("subset accuracy of no rows is undefined; pass at least one row")
    return int(np.count_nonzero((target == prediction).all(axis=1))) / len(target)


def subset_accuracies(stack: Stack) -> np.ndarray:
    """Return the subset accuracy of each prediction of a stack, float64 (m,)."""
    return np.count_nonzero((stack.target == stack.predictions).all(axis=2), axis=1) / len(stack.target)


METRIC = Metric(
    name="subset_accuracy",
    title="subset accuracy",
    score=subset_accuracy,
    greater_is_better=True,
    needs_scores=False,
    tasks=("multilabel",),
    score_stack=subset_accuracies,
)
