"""Ranking loss: of the pairs of a label that holds and one that does not, the share that is ordered wrongly; `label_ranking_loss`.

The mean over rows. Ties are wrong. A row with no label, or with all, has none of these pairs: its loss is 0.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.label_ranks import label_ranks, ranking_losses


def ranking_loss(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean share of wrong pairs, in [0, 1]; 0 is best.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    return float(ranking_losses(label_ranks(target, scores, "ranking loss")).mean())


METRIC = Metric(
    name="ranking_loss", title="ranking loss", score=ranking_loss, greater_is_better=False, needs_scores=True, forms=("labels",)
)
