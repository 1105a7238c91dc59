"""Label ranking average precision: at each true label of a row the share of true labels among those ranked as high, mean over rows.

scikit-learn's `label_ranking_average_precision_score`. It is what multi-label papers (Zhang and Zhou 2007) call average precision; the
metric `average_precision` ranks the rows of each label instead. Ties count against. A row of which all labels hold, or none, counts 1.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import label_indicator, require_rows, require_scores


def label_ranking_precision(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean precision at the true labels, in (0, 1].

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    from sklearn.metrics import label_ranking_average_precision_score

    require_rows(target, "label ranking average precision")
    scores = require_scores(scores, "label ranking average precision")
    return float(label_ranking_average_precision_score(label_indicator(target), label_indicator(scores)))


METRIC = Metric(
    name="label_ranking_precision",
    title="label ranking average precision",
    score=label_ranking_precision,
    greater_is_better=True,
    needs_scores=True,
    forms=("labels",),
)
