"""Log-loss: the mean of −ln p(true class), in nats; scikit-learn's `log_loss` of float64 probabilities.

It clips probabilities to [ε, 1−ε] with float64's ε = 2.2e-16, so that a probability of zero for the true class costs 36 nats instead of
infinity. Rows are not renormalised.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.classification_inputs import no_warnings, require_rows, require_scores

SUM_TOLERANCE = 1e-3  # rows of float32 probabilities add up to 1 within about 1e-6 per class


def log_loss(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray | None) -> float:
    """Return the mean negative log-probability of the true class; 0 is best.

    Args:
        target: int class codes 0..n_classes-1 (n,).
        prediction: not used.
        scores: probabilities (n, n_classes), rows adding up to 1.
    Raises:
        ValueError: if there is no row, no scores, or a row's scores are not probabilities.
    """
    from sklearn import metrics

    require_rows(target, "log-loss")
    probability = np.asarray(require_scores(scores, "log-loss"), dtype=np.float64)
    wrong = ~(np.abs(probability.sum(axis=1) - 1) <= SUM_TOLERANCE) | (probability < 0).any(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"log-loss needs probabilities: the scores of row {row} add up to {probability[row].sum():g}, expected 1")
    with no_warnings():  # sums of float32 probabilities differ from 1 by more than float64's precision
        return float(metrics.log_loss(target, np.minimum(probability, 1.0), labels=np.arange(probability.shape[1])))


GREATEST = -float(np.log(np.finfo(np.float64).eps))  # 36.04 nats: the loss of a row whose true class has probability 0

METRIC = Metric(
    name="log_loss", title="log-loss", score=log_loss, greater_is_better=False, needs_scores=True, bounds=(0.0, float("inf")),
    limit=GREATEST,
)  # fmt: skip
