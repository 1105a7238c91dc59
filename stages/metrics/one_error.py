"""One-error: the share of rows whose highest-scored label does not hold.

Of tied highest labels the share that does not hold counts. A row with no label, or with all, counts 0.

Source: Schapire & Singer 2000, Machine Learning 39, 135.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.label_ranks import label_ranks, top_errors


def one_error(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the share of rows with a wrong first label, in [0, 1]; 0 is best.

    Args:
        target: 0 and 1 per label (n, n_labels).
        prediction: not used.
        scores: (n, n_labels), larger where the label is likelier.
    Raises:
        ValueError: if there is no row, or no scores.
    """
    return float(top_errors(label_ranks(target, scores, "one-error")).mean())


METRIC = Metric(name="one_error", title="one-error", score=one_error, greater_is_better=False, needs_scores=True, forms=("labels",))
