"""Votes of the nearest neighbors in numpy, for every k at once; compiled_votes.py does the same for whole grids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import known_means


def vote_weights(distances: np.ndarray, weights: str, known: np.ndarray | None = None) -> np.ndarray:
    """Return each neighbor's vote: 1, or 1/distance; if neighbors have distance 0, only they vote.

    Args:
        distances: float64 (n, k), ascending in each row.
        weights: "uniform" or "distance".
        known: bool (n, k, n_outputs), whether the neighbor's target is known; the votes then have this shape.
    Source: scikit-learn's `weights="distance"`, with the same rule for distance 0.
    """
    if weights == "uniform":
        return np.ones_like(distances)
    zero = distances == 0
    if known is not None:
        distances, zero = distances[:, :, None], zero[:, :, None] & known
    inverse = 1.0 / np.where(distances == 0, 1.0, distances)
    return np.where(zero.any(axis=1, keepdims=True), zero, inverse)


def votes_for(codes: np.ndarray, weights: np.ndarray, ks: Sequence[int], n_classes: int) -> np.ndarray:
    """Return the summed votes per class for every k: float64 (n_k, n, n_classes), from one cumulative sum.

    Args:
        codes: int32 (n, k_max), the neighbors' class codes, nearest first.
        weights: float64 (n, k_max).
    """
    one_hot = np.zeros((*codes.shape, n_classes))
    np.put_along_axis(one_hot, codes[:, :, None].astype(np.int64), weights[:, :, None], axis=2)
    return np.cumsum(one_hot, axis=1)[:, np.asarray(ks) - 1].transpose(1, 0, 2)


def means_for(values: np.ndarray, weights: np.ndarray, ks: Sequence[int], fallback: np.ndarray) -> np.ndarray:
    """Return the weighted mean of the neighbors' known values for every k: float64 (n_k, n, n_outputs).

    Args:
        values: float64 (n, k_max, n_outputs), nearest first; NaN where not known.
        weights: float64 (n, k_max) or (n, k_max, n_outputs).
        fallback: float64 (n_outputs,), returned where no neighbor's value is known.
    """
    known = ~np.isnan(values)
    at = np.asarray(ks) - 1
    weights = weights if weights.ndim == 3 else weights[:, :, None]
    total = np.cumsum(np.where(known, values, 0) * weights, axis=1)[:, at]
    weight = np.cumsum(known * weights, axis=1)[:, at]
    means = np.where(weight > 0, total / np.where(weight > 0, weight, 1), fallback)
    return means.transpose(1, 0, 2)


def vote_probabilities(votes: np.ndarray, k: int) -> np.ndarray:
    """Return votes as probabilities: float32 (n, n_classes).

    The votes are scaled to sum to k, and one more vote is split equally between all classes (additive smoothing). No probability is 0, so
    the log-loss stays finite; the class with the most votes stays the most probable.
    """
    fraction = votes / votes.sum(axis=1, keepdims=True)
    return ((k * fraction + 1 / votes.shape[1]) / (k + 1)).astype(np.float32)


def label_probabilities(shares: np.ndarray, k: int) -> np.ndarray:
    """Return the share of k neighbors with a label as its probability, smoothed by one more neighbor that counts one half: float32."""
    return ((k * shares + 0.5) / (k + 1)).astype(np.float32)


@dataclass(frozen=True)
class Neighbors:
    """The nearest rows of some queries: distances float64 (n, k), rows int32 (n, k), sorted by (distance, row)."""

    distances: np.ndarray
    rows: np.ndarray


def scores_of(
    neighbors: Neighbors, target: np.ndarray, config: Mapping[str, Any], form: TargetForm, n_outputs: int, train: np.ndarray
) -> Scores:
    """Return the votes, shares or means of a configuration; where no neighbor's target is known, the mean over `train` rows."""
    k = config["n_neighbors"]
    distances, values = neighbors.distances[:, :k], target[neighbors.rows[:, :k]]
    if form == "classes":
        votes = votes_for(values, vote_weights(distances, config["weights"]), [k], n_outputs)[0]
        return Scores(votes, vote_probabilities(votes, k))
    values = values.astype(np.float64)
    known = ~np.isnan(values)
    weights = vote_weights(distances, config["weights"], None if known.all() else known)
    means = means_for(values, weights, [k], known_means(target[train]))[0]
    if form == "continuous":
        return Scores(means, None)
    probabilities = label_probabilities(means, k)
    return Scores(probabilities, probabilities)
