"""Macro-F1: the mean over classes, or over labels, of F1 = 2·TP / (true rows + predicted rows).

Those present in neither target nor prediction are left out (where all are, no mistake was made: 1); one in target or prediction
alone counts 0, as in scikit-learn. Differs for labels: scikit-learn counts a label that is in neither as 0.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.confusion_counts import class_counts
from stages.scoring.stacks import Stack, mean_where


def macro_f1(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean F1 of the classes or labels present in target or prediction, in [0, 1].

    Args:
        target, prediction: int class codes 0..n_classes-1 (n,), or 0 and 1 per label (n, n_labels).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    values = f1_by_output(target, prediction)
    present = ~np.isnan(values)
    return float(np.mean(values[present])) if present.any() else 1.0


def f1_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return the F1 of each class or label, float64; NaN for one that is in neither target nor prediction."""
    if target.size == 0:
        raise ValueError("macro-F1 of no rows is undefined; pass at least one row")
    true, predicted, hits = class_counts(target, prediction)
    rows = true + predicted
    return np.divide(2 * hits, rows, out=np.full(rows.size, np.nan), where=rows > 0)


def macro_f1s(stack: Stack) -> np.ndarray:
    """Return the macro-F1 of each prediction of a stack, float64 (m,)."""
    true, predicted, hits = stack.counts
    rows = true + predicted
    scores = mean_where(2 * hits / np.maximum(rows, 1), rows > 0)
    return np.where(np.isnan(scores), 1.0, scores)


METRIC = Metric(
    name="macro_f1",
    title="macro-F1",
    score=macro_f1,
    greater_is_better=True,
    needs_scores=False,
    tasks=("binary", "multiclass", "multilabel"),
    by_output=f1_by_output,
    score_stack=macro_f1s,
)
