"""One-error: the share of rows whose label of highest score does not hold.

Of labels that tie for the highest score, the share that does not hold counts. A row without a label counts 0, as in the other rankings of
labels.
Source: R. E. Schapire and Y. Singer 2000, BoosTexter, Machine Learning 39. Differs: ties, and rows without a label.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import require_rows, require_scores
from stages.metric_inputs.first_labels import first_label_errors


def one_error(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the share of rows whose first label is wrong, in [0, 1]; 0 is best.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    require_rows(target, "one-error")
    scores = require_scores(scores, "one-error")
    return float(first_label_errors(target != 0, scores).mean())


METRIC = Metric(
    name="one_error",
    title="one-error",
    score=one_error,
    greater_is_better=False,
    needs_scores=True,
    forms=("labels",),
)
