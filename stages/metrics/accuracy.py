"""Accuracy: the share of rows whose predicted class is the true one; scikit-learn's `accuracy_score`."""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import no_warnings, require_rows


def accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the share of correct predictions, in [0, 1].

    Args:
        target, prediction: int class codes (n,).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn.metrics import accuracy_score

    require_rows(target, "accuracy")
    with no_warnings():
        return float(accuracy_score(target, prediction))


METRIC = Metric(name="accuracy", title="accuracy", score=accuracy, greater_is_better=True, needs_scores=False)
