"""Macro-F1: the mean over classes of F1 = 2·TP / (true rows + predicted rows).

Classes present in neither target nor prediction are left out; a class in one of them alone counts 0, as in scikit-learn.
"""

import numpy as np

from stages.contracts import Metric


def macro_f1(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean F1 of the classes present in target or prediction, in [0, 1].

    Args:
        target, prediction: int class codes 0..n_classes-1 (n,).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("macro-F1 of no rows is undefined; pass at least one row")
    n_classes = int(max(target.max(), prediction.max())) + 1
    rows = np.bincount(target, minlength=n_classes) + np.bincount(prediction, minlength=n_classes)
    hits = np.bincount(target[target == prediction], minlength=n_classes)
    present = rows > 0
    return float(np.mean(2 * hits[present] / rows[present]))


METRIC = Metric(name="macro_f1", title="Macro-F1", score=macro_f1, greater_is_better=True, needs_scores=False)
