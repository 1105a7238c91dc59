"""Balanced accuracy: the mean recall over the classes that are present in the target.

A class absent from the target has no recall and is left out, as in scikit-learn.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.confusion_counts import class_counts
from stages.scoring.stacks import Stack, mean_where


def balanced_accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean recall of the classes present, in [0, 1].

    Args:
        target, prediction: int class codes 0..n_classes-1 (n,).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("balanced accuracy of no rows is undefined; pass at least one row")
    true, _, hits = class_counts(target, prediction)
    present = true > 0
    return float(np.mean(hits[present] / true[present]))


def balanced_accuracies(stack: Stack) -> np.ndarray:
    """Return the balanced accuracy of each prediction of a stack, float64 (m,)."""
    true, _, hits = stack.counts
    return mean_where(hits / np.maximum(true, 1), true > 0)


METRIC = Metric(
    name="balanced_accuracy",
    title="balanced accuracy",
    score=balanced_accuracy,
    greater_is_better=True,
    needs_scores=False,
    score_stack=balanced_accuracies,
)
