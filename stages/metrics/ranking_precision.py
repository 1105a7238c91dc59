"""Ranking precision: how many of the labels ranked as high as one that holds hold too; `label_ranking_average_precision_score`.

The mean over a row's labels, then over rows: the average precision of papers on multilabel learning. `average_precision` ranks the rows of
each label instead. Ties share the last rank. A row with no label, or with all, counts 1.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.label_ranks import label_ranks, ranking_precisions


def ranking_precision(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean over rows of the label ranking average precision, in [0, 1].

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    return float(ranking_precisions(label_ranks(target, scores, "ranking precision")).mean())


METRIC = Metric(
    name="ranking_precision",
    title="ranking precision",
    score=ranking_precision,
    greater_is_better=True,
    needs_scores=True,
    forms=("labels",),
)
