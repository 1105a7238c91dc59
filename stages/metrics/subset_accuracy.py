"""Subset accuracy: the share of rows with all labels correct, the strictest metric of labels; scikit-learn's `accuracy_score`."""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, no_warnings, require_rows


def subset_accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of rows without a wrong label, in [0, 1].

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn.metrics import accuracy_score

    require_rows(target, "subset accuracy")
    with no_warnings():
        return float(accuracy_score(label_indicator(target), label_indicator(prediction)))


METRIC = Metric(
    name="subset_accuracy",
    title="subset accuracy",
    score=subset_accuracy,
    greater_is_better=True,
    needs_scores=False,
    forms=("labels",),
)
