"""Micro-F1: F1 = 2·TP / (true + predicted) over all pairs of row and label at once, so that frequent labels weigh more.

Where no label holds and none is predicted, no mistake was made: 1. (scikit-learn warns and says 0.)
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.confusion_counts import class_counts
from stages.scoring.stacks import Stack


def micro_f1(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the F1 of all labels together, in [0, 1].

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("micro-F1 of no rows is undefined; pass at least one row")
    true, predicted, hits = (int(counts.sum()) for counts in class_counts(target, prediction))
    return 2 * hits / (true + predicted) if true + predicted else 1.0


def micro_f1s(stack: Stack) -> np.ndarray:
    """Return the micro-F1 of each prediction of a stack, float64 (m,)."""
    true, predicted, hits = (counts.sum(axis=-1) for counts in stack.counts)
    rows = true + predicted
    return np.where(rows > 0, 2 * hits / np.maximum(rows, 1), 1.0)


METRIC = Metric(
    name="micro_f1",
    title="micro-F1",
    score=micro_f1,
    greater_is_better=True,
    needs_scores=False,
    tasks=("multilabel",),
    score_stack=micro_f1s,
)
