"""Area under the ROC curve: the chance that a row of the class scores above a row of another; a tie counts one half.

Two classes: the score of class 1. More: the unweighted mean of one-versus-rest areas (macro), as in scikit-learn. Labels: the
unweighted mean of each label's area. A class that is absent from the target, or the only one there, has no area and is left out;
so is a label that all rows or none have. scikit-learn refuses such targets.
"""

import numpy as np

from stages.contracts.metric import Metric


def roc_auc(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray) -> float:
    """Return the macro one-versus-rest area in [0, 1]; NaN if the target has one class only, or no label has both values.

    Args:
        target: int class codes 0..n_classes-1 (n,), or 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_outputs), larger for the likelier class or label.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("ROC-AUC of no rows is undefined; pass at least one row")
    n_outputs = scores.shape[1]
    if target.ndim == 2:
        areas = [_area(scores[:, label], target[:, label] != 0) for label in range(n_outputs)]
    else:
        codes = [1] if n_outputs == 2 else range(n_outputs)
        areas = [_area(scores[:, code], target == code) for code in codes]
    defined = [area for area in areas if not np.isnan(area)]
    return float(np.mean(defined)) if defined else float("nan")


def _area(score: np.ndarray, positive: np.ndarray) -> float:
    """Return the share of (positive, negative) pairs in the right order; NaN where there is no pair.

    Counts are whole numbers, so ties are exact: average ranks by another road.
    """
    above, below = score[positive], np.sort(score[~positive])
    if above.size == 0 or below.size == 0:
        return float("nan")
    wins_and_half_ties = np.searchsorted(below, above, "left").sum() + np.searchsorted(below, above, "right").sum()
    return float(wins_and_half_ties / (2 * above.size * below.size))


METRIC = Metric(
    name="roc_auc",
    title="ROC-AUC",
    score=roc_auc,
    greater_is_better=True,
    needs_scores=True,
    tasks=("binary", "multiclass", "multilabel"),
)
