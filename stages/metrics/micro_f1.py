"""Micro-F1: F1 = 2·TP / (true + predicted) over all pairs of row and label at once; scikit-learn's `f1_score`.

Frequent labels weigh more. If no label holds and none is predicted, there is no error and the score is 1 (`zero_division=1`).
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, no_warnings, require_rows


def micro_f1(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the F1 of all labels together, in [0, 1].

    Args:
        target, prediction: 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn.metrics import f1_score

    require_rows(target, "micro-F1")
    with no_warnings():
        return float(f1_score(label_indicator(target), label_indicator(prediction), average="micro", zero_division=1.0))


METRIC = Metric(
    name="micro_f1",
    title="micro-F1",
    score=micro_f1,
    greater_is_better=True,
    needs_scores=False,
    forms=("labels",),
)
