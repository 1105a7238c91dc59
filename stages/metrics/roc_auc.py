"""Area under the ROC curve: the probability that a row of a class scores above a row of another, ties count one half; `roc_auc_score`.

Two classes: the score of class 1. More classes: the unweighted mean of one-versus-rest areas (macro). Labels: the unweighted mean over
labels. The area is undefined for a class that is absent from the target or the only one in it, and for a constant label; these are ignored.
scikit-learn refuses such targets.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, require_rows, require_scores


def roc_auc(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the macro one-versus-rest area in [0, 1]; NaN if the target has a single class, or all labels are constant.

    Args:
        target: int class codes 0..n_classes-1 (n,), or 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_outputs), larger for the likelier class or label.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    from sklearn.metrics import roc_auc_score

    require_rows(target, "ROC-AUC")
    scores = require_scores(scores, "ROC-AUC")
    if target.ndim == 1:
        codes = np.array([1]) if scores.shape[1] == 2 else np.arange(scores.shape[1])
        holds, scores = target[:, None] == codes, scores[:, codes]
    else:
        holds = target != 0
    defined = holds.any(axis=0) & ~holds.all(axis=0)
    if not defined.any():
        return float("nan")
    return float(roc_auc_score(label_indicator(holds[:, defined].astype(np.uint8)), label_indicator(scores[:, defined])))


METRIC = Metric(
    name="roc_auc",
    title="ROC-AUC",
    score=roc_auc,
    greater_is_better=True,
    needs_scores=True,
    forms=("classes", "labels"),
)
