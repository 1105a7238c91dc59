"""Counts over the predictions of many configurations, compiled by numba."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_classes(target: np.ndarray, predictions: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of predictions and of correct predictions of each class: int64 (m, n_classes) each.

    Args:
        target, predictions: int32 (n,), (m, n), codes below n_classes.
    """
    predicted, hits = np.zeros((predictions.shape[0], n_classes), np.int64), np.zeros((predictions.shape[0], n_classes), np.int64)
    for i in range(predictions.shape[0]):
        for j in range(predictions.shape[1]):
            code = predictions[i, j]
            predicted[i, code] += 1
            hits[i, code] += code == target[j]
    return predicted, hits


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_labels_above(target: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of predictions and of correct predictions of each label at each threshold: int64 (m, n_thresholds, n_labels).

    Args:
        target: bool (n, n_labels).
        scores: float32 (m, n, n_labels); a label is predicted if its score reaches the threshold.
        thresholds: float64, ascending.
    """
    shape = (scores.shape[0], thresholds.shape[0] + 1, scores.shape[2])
    predicted, hits = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for i in range(shape[0]):
        for row in range(scores.shape[1]):
            for label in range(shape[2]):
                score, n_below = np.float64(scores[i, row, label]), 0
                for t in range(thresholds.shape[0]):
                    n_below += thresholds[t] <= score
                predicted[i, n_below, label] += 1
                hits[i, n_below, label] += target[row, label]
        for t in range(shape[1] - 2, -1, -1):
            for label in range(shape[2]):
                predicted[i, t, label] += predicted[i, t + 1, label]
                hits[i, t, label] += hits[i, t + 1, label]
    return predicted[:, 1:], hits[:, 1:]
