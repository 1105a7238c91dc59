"""R²: the share of a target's variance that is explained, 1 − Σ residual² / Σ (value − mean)², mean over targets; `r2_score`.

The mean is that of the scored rows: predicting it scores 0, and negative scores are possible. Unknown entries (NaN) are ignored, and so
are constant targets, whose R² is undefined; scikit-learn counts them 0 or 1.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.regression_inputs import by_target, mean_over
from stages.scoring.known_values import varies


def r2(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean R² over targets, at most 1; NaN if it is defined for none.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    return mean_over(r2_by_output(target, prediction), varies(target))


def r2_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return R² of each target, float64 (n_outputs,); NaN for one whose known entries are all equal."""
    from sklearn.metrics import r2_score

    def score(known: np.ndarray, predicted: np.ndarray) -> float:
        return float(r2_score(known, predicted)) if known.max() > known.min() else float("nan")

    return by_target(score, target, prediction, title="R²", worst=-np.inf)


METRIC = Metric(
    name="r2",
    title="R²",
    score=r2,
    greater_is_better=True,
    needs_scores=False,
    bounds=(float("-inf"), 1.0),
    forms=("continuous",),
    by_output=r2_by_output,
)
