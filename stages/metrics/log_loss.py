"""Log-loss: the mean of −ln p(true class), in nats.

Probabilities are widened to float64 and clipped to [ε, 1−ε] with float64's ε = 2.2e-16, as in scikit-learn,
so that a probability of zero for the true class costs 36 nats and not infinity. Rows are not renormalised.
"""

import numpy as np

from stages.contracts.metric import Metric

EPSILON = float(np.finfo(np.float64).eps)
SUM_TOLERANCE = 1e-3  # rows of float32 probabilities add up to 1 within about 1e-6 per class


def log_loss(target: np.ndarray, prediction: np.ndarray | None, scores: np.ndarray) -> float:
    """Return the mean negative log-probability of the true class; 0 is best.

    Args:
        target: int class codes 0..n_classes-1 (n,).
        prediction: not used.
        scores: probabilities (n, n_classes), rows adding up to 1.
    Raises:
        ValueError: if there is no row, or a row's scores are no probabilities.
    """
    if target.size == 0:
        raise ValueError("log-loss of no rows is undefined; pass at least one row")
    probability = np.asarray(scores, dtype=np.float64)
    wrong = ~(np.abs(probability.sum(axis=1) - 1) <= SUM_TOLERANCE) | (probability < 0).any(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"log-loss needs probabilities: the scores of row {row} add up to {probability[row].sum():g}, expected 1")
    of_truth = np.clip(probability[np.arange(target.size), target], EPSILON, 1 - EPSILON)
    return float(-np.mean(np.log(of_truth)))


METRIC = Metric(
    name="log_loss", title="log-loss", score=log_loss, greater_is_better=False, needs_scores=True, bounds=(0.0, float("inf"))
)
