"""Coverage error: how many of a row's labels, those of highest scores first, hold all of its true labels, mean over rows; `coverage_error`.

The best value is the mean number of true labels, not 0. Ties count against: all labels of a score are taken. A row without a label counts
0. Multi-label papers (Zhang and Zhou 2007) count ranks from 0: their coverage is smaller by the share of rows that have a label.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, require_rows, require_scores


def coverage_error(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean number of labels down to the last true one, in [0, n_labels].

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    from sklearn.metrics import coverage_error

    require_rows(target, "coverage error")
    scores = require_scores(scores, "coverage error")
    holds = label_indicator(target)
    return float(coverage_error(holds, label_indicator(scores)) * target.shape[1] / holds.shape[1])  # of a single label, repeated: half


METRIC = Metric(
    name="coverage_error",
    title="coverage error",
    score=coverage_error,
    greater_is_better=False,
    needs_scores=True,
    bounds=(0.0, float("inf")),
    forms=("labels",),
)
