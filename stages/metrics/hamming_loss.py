"""Hamming loss: the share of wrong pairs of row and label.

Low by itself where few labels hold: read it beside the control's.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.stacks import Stack


def hamming_loss(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of labels that are wrong, in [0, 1]; 0 is best.

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("Hamming loss of no rows is undefined; pass at least one row")
    return int(np.count_nonzero(target != prediction)) / target.size


def hamming_losses(stack: Stack) -> np.ndarray:
    """Return the Hamming loss of each prediction of a stack, float64 (m,)."""
    true, predicted, hits = (counts.sum(axis=-1) for counts in stack.counts)
    return (true + predicted - 2 * hits) / stack.target.size


METRIC = Metric(
    name="hamming_loss",
    title="Hamming loss",
    score=hamming_loss,
    greater_is_better=False,
    needs_scores=False,
    tasks=("multilabel",),
    score_stack=hamming_losses,
)
