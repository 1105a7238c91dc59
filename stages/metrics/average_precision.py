"""Average precision: AP = Σ (R_n − R_{n−1})·P_n over distinct thresholds, mean over labels; `average_precision_score`.

A label that no row has is ignored; scikit-learn warns and counts it 0.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, mean_of_defined, require_rows, require_scores


def average_precision(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean over labels of the average precision, in [0, 1]; NaN if no row has any label.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    return mean_of_defined(average_precision_by_output(target, prediction, scores))


def average_precision_by_output(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> np.ndarray:
    """Return the average precision of each label, float64 (n_labels,); NaN for a label that no row has."""
    from sklearn.metrics import average_precision_score

    require_rows(target, "average precision")
    scores = require_scores(scores, "average precision")
    values, occurs = np.full(target.shape[1], np.nan), (target != 0).any(axis=0)
    if occurs.any():
        holds, of_labels = label_indicator(target[:, occurs]), label_indicator(scores[:, occurs])
        values[occurs] = average_precision_score(holds, of_labels, average=None)[: occurs.sum()]
    return values


METRIC = Metric(
    name="average_precision",
    title="average precision",
    score=average_precision,
    greater_is_better=True,
    needs_scores=True,
    forms=("labels",),
    by_output=average_precision_by_output,
)
