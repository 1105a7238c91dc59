"""Average precision: the precision at the rank of each row that has the label, mean over those rows; macro over labels.

Rows of equal score share a rank, the last of theirs, which is scikit-learn's AP = Σ (R_n − R_{n−1})·P_n over distinct thresholds.
A label that no row has is left out; scikit-learn warns and counts it 0.
"""

import numpy as np

from stages.contracts.metric import Metric


def average_precision(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray) -> float:
    """Return the mean over labels of the average precision, in [0, 1]; NaN if no row has any label.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row.
    """
    values = average_precision_by_output(target, prediction, scores)
    occurs = ~np.isnan(values)
    return float(np.mean(values[occurs])) if occurs.any() else float("nan")


def average_precision_by_output(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
    """Return the average precision of each label, float64 (n_labels,); NaN for a label that no row has."""
    if target.size == 0:
        raise ValueError("average precision of no rows is undefined; pass at least one row")
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked, holds = np.take_along_axis(scores, order, axis=0), np.take_along_axis(target != 0, order, axis=0)
    places = np.broadcast_to(np.arange(len(target))[:, None], ranked.shape)
    is_last = np.vstack([ranked[1:] != ranked[:-1], np.ones((1, ranked.shape[1]), dtype=bool)])
    last = np.minimum.accumulate(np.where(is_last, places, len(target))[::-1], axis=0)[::-1]  # of the rows of this row's score
    precision = np.take_along_axis(np.cumsum(holds, axis=0), last, axis=0) / (last + 1)
    n_true = holds.sum(axis=0)
    total = np.where(holds, precision, 0.0).sum(axis=0)
    return np.divide(total, n_true, out=np.full(n_true.size, np.nan), where=n_true > 0)


METRIC = Metric(
    name="average_precision",
    title="average precision",
    score=average_precision,
    greater_is_better=True,
    needs_scores=True,
    tasks=("multilabel",),
    by_output=average_precision_by_output,
)
