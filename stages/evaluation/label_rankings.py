"""What each row adds to the metrics that rank the labels of a row: they are means over rows, so a row's value is its own score.

Definitions, ties and rows without pairs: stages/metrics/ (ranking_loss, coverage_error, label_ranking_precision, one_error).
"""

import numpy as np

from stages.evaluation.checked_predictions import FoldPredictions
from stages.metric_inputs.first_labels import first_label_errors


def ranking_losses(predicted: FoldPredictions) -> np.ndarray:
    """Return per row the share of pairs of a true and another label in the wrong order, float64 (n,); 0 without a pair."""
    holds, scores = _labels(predicted)
    wrong = (holds[:, :, None] & ~holds[:, None, :] & (scores[:, :, None] <= scores[:, None, :])).sum(axis=(1, 2))
    n_pairs = holds.sum(axis=1) * (~holds).sum(axis=1)
    return np.asarray(wrong / np.maximum(n_pairs, 1))


def coverages(predicted: FoldPredictions) -> np.ndarray:
    """Return per row the number of labels whose score is at least the lowest of a true one, float64 (n,); 0 without a true label."""
    holds, scores = _labels(predicted)
    lowest = np.where(holds, scores, np.inf).min(axis=1, keepdims=True)
    return np.asarray((scores >= lowest).sum(axis=1), dtype=np.float64)


def ranking_precisions(predicted: FoldPredictions) -> np.ndarray:
    """Return per row the mean over true labels of the share of true ones among the labels ranked as high, float64 (n,)."""
    holds, scores = _labels(predicted)
    as_high = scores[:, None, :] >= scores[:, :, None]  # row, label, the others that are ranked as high
    precision = (as_high & holds[:, None, :]).sum(axis=2) / as_high.sum(axis=2)
    n_true = holds.sum(axis=1)
    mean = np.where(holds, precision, 0.0).sum(axis=1) / np.maximum(n_true, 1)
    return np.where(n_true > 0, mean, 1.0)


def one_errors(predicted: FoldPredictions) -> np.ndarray:
    """Return per row the share of its labels of highest score that do not hold, float64 (n,); 0 without a true label."""
    return first_label_errors(*_labels(predicted))


def _labels(predicted: FoldPredictions) -> tuple[np.ndarray, np.ndarray]:
    """Return bool (n, n_labels), whether a label holds, and the probabilities."""
    assert predicted.probabilities is not None
    return predicted.target != 0, predicted.probabilities
