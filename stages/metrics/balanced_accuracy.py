"""Balanced accuracy: the mean recall over the classes that are present in the target; scikit-learn's `balanced_accuracy_score`.

A class absent from the target has no recall and is ignored.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import no_warnings, require_rows


def balanced_accuracy(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean recall of the classes present, in [0, 1].

    Args:
        target, prediction: int class codes 0..n_classes-1 (n,).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn.metrics import balanced_accuracy_score

    require_rows(target, "balanced accuracy")
    with no_warnings():
        return float(balanced_accuracy_score(target, prediction))


METRIC = Metric(
    name="balanced_accuracy",
    title="balanced accuracy",
    score=balanced_accuracy,
    greater_is_better=True,
    needs_scores=False,
)
