"""Area under the ROC curve: the chance that a row of the class scores above a row of another; a tie counts one half.

Two classes: the score of class 1. More: the unweighted mean of one-versus-rest areas (macro), as in scikit-learn.
A class that is absent from the target, or the only one there, has no area and is left out; scikit-learn refuses such targets.
"""

import numpy as np

from stages.contracts import Metric


def roc_auc(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray) -> float:
    """Return the macro one-versus-rest area in [0, 1]; NaN if the target has one class only.

    Args:
        target: int class codes 0..n_classes-1 (n,).
        prediction: not used.
        scores: (n, n_classes), larger for the likelier class.
    Raises:
        ValueError: if there is no row.
    """
    if target.size == 0:
        raise ValueError("ROC-AUC of no rows is undefined; pass at least one row")
    n_classes = scores.shape[1]
    codes = [1] if n_classes == 2 else range(n_classes)
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


METRIC = Metric(name="roc_auc", title="ROC-AUC", score=roc_auc, greater_is_better=True, needs_scores=True)
