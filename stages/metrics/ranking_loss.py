"""Ranking loss: the share of pairs of a label that holds and one that does not in the wrong order, mean over rows; `label_ranking_loss`.

Labels are ordered by their scores within a row; pairs that tie count as wrong. A row of which all labels hold, or none, has no pair and
counts 0.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, require_rows, require_scores


def ranking_loss(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean share of pairs in the wrong order, in [0, 1]; 0 is best.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    from sklearn.metrics import label_ranking_loss

    require_rows(target, "ranking loss")
    scores = require_scores(scores, "ranking loss")
    return float(label_ranking_loss(label_indicator(target), label_indicator(scores)))


METRIC = Metric(
    name="ranking_loss",
    title="ranking loss",
    score=ranking_loss,
    greater_is_better=False,
    needs_scores=True,
    forms=("labels",),
)
