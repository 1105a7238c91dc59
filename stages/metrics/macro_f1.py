"""Macro-F1: the mean over classes, or over labels, of F1 = 2·TP / (true rows + predicted rows); scikit-learn's `f1_score`.

Classes and labels that are neither in the target nor predicted are ignored (`zero_division=nan`); if all are, there is no error and the
score is 1. One that is only in the target or only predicted counts 0.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, no_warnings, require_rows


def macro_f1(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean F1 of the classes or labels present in target or prediction, in [0, 1].

    Args:
        target, prediction: int class codes 0..n_classes-1 (n,), or 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    from sklearn.metrics import f1_score

    require_rows(target, "macro-F1")
    with no_warnings():
        value = float(f1_score(label_indicator(target), label_indicator(prediction), average="macro", zero_division=np.nan))
    return 1.0 if np.isnan(value) else value


def f1_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return the F1 of each class up to the highest code, or of each label, float64; NaN for one that is neither true nor predicted."""
    from sklearn.metrics import f1_score

    require_rows(target, "macro-F1")
    n_outputs = int(max(target.max(), prediction.max())) + 1 if target.ndim == 1 else target.shape[1]
    labels = np.arange(n_outputs) if target.ndim == 1 else None
    with no_warnings():
        values = f1_score(label_indicator(target), label_indicator(prediction), labels=labels, average=None, zero_division=np.nan)
    return np.asarray(values, dtype=np.float64)[:n_outputs]


METRIC = Metric(
    name="macro_f1",
    title="macro-F1",
    score=macro_f1,
    greater_is_better=True,
    needs_scores=False,
    forms=("classes", "labels"),
    by_output=f1_by_output,
)
