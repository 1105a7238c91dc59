"""Cross-entropy and hinge loss of scores, in closed form, with their derivatives.

cross-entropy   log Σⱼ exp(fⱼ) − f_y
hinge           Σ_{j≠y} max(0, fⱼ − f_y + Δ)
Δ outside       Σ_{j≠y} max(0, fⱼ − f_y) + Δ, as the lecture's slide Second Loss Function reads: Δ is added once
"""

import numpy as np

KINDS = ("cross-entropy", "hinge", "Δ outside")


def wrong_gaps(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return f_j − f_y of every wrong class j, and −∞ of the right one: float (n, k)."""
    rows = np.arange(len(classes))
    gaps = scores - scores[rows, classes][:, None]
    gaps[rows, classes] = -np.inf
    return gaps


def loss_of(kind: str, scores: np.ndarray, classes: np.ndarray, delta: float) -> np.ndarray:
    """Return the loss of each row, float (n,). kind: one of KINDS. scores: (n, k). classes: int (n,)."""
    gaps = wrong_gaps(scores, classes)
    if kind == "cross-entropy":
        return np.log1p(np.exp(gaps).sum(axis=1))
    if kind == "hinge":
        return np.maximum(0, gaps + delta).sum(axis=1)
    return np.maximum(0, gaps).sum(axis=1) + delta


def slopes_of(kind: str, scores: np.ndarray, classes: np.ndarray, delta: float) -> np.ndarray:
    """Return the derivatives of each row's loss by its scores: float (n, k)."""
    gaps = wrong_gaps(scores, classes)
    if kind == "cross-entropy":
        slopes = np.exp(gaps) / (1 + np.exp(gaps).sum(axis=1, keepdims=True))
    else:
        slopes = (gaps + (delta if kind == "hinge" else 0) > 0).astype(float)
    slopes[np.arange(len(classes)), classes] = -slopes.sum(axis=1)
    return slopes


def margins(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return f_y minus the largest wrong score: float (n,)."""
    return -wrong_gaps(scores, classes).max(axis=1)
