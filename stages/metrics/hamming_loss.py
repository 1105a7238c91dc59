"""Hamming loss: the share of wrong pairs of row and label; scikit-learn's `hamming_loss`.

It is low whenever few labels hold: compare it with the baseline's.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, no_warnings, require_rows


def hamming_loss(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of labels that are wrong, in [0, 1]; 0 is best.

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn import metrics

    require_rows(target, "Hamming loss")
    with no_warnings():
        return float(metrics.hamming_loss(label_indicator(target), label_indicator(prediction)))


METRIC = Metric(
    name="hamming_loss",
    title="Hamming loss",
    score=hamming_loss,
    greater_is_better=False,
    needs_scores=False,
    forms=("labels",),
)
