"""Counts that F1, recall and their like are made of: true, predicted and rightly predicted rows, per class or per label."""

import numpy as np


def class_counts(target: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (true, predicted, hit) rows, int64 (n_outputs,) each.

    Args:
        target, prediction: int class codes (n,), counted up to the highest code that occurs; or 0 and 1 per label (n, n_labels).
    """
    if target.ndim == 2:
        holds, said = target != 0, prediction != 0
        return np.count_nonzero(holds, axis=0), np.count_nonzero(said, axis=0), np.count_nonzero(holds & said, axis=0)
    n_classes = int(max(target.max(), prediction.max())) + 1
    hits = np.bincount(target[target == prediction], minlength=n_classes)
    return np.bincount(target, minlength=n_classes), np.bincount(prediction, minlength=n_classes), hits
