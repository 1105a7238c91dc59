"""Subset accuracy: the share of rows all of whose labels are right; the strictest score of multi-label predictions."""

import numpy as np

from stages.contracts import Metric


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


METRIC = Metric(
    name="subset_accuracy",
    title="subset accuracy",
    score=subset_accuracy,
    greater_is_better=True,
    needs_scores=False,
    tasks=("multilabel",),
)
