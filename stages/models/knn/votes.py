"""Votes of the nearest neighbors as scores of one configuration; compiled_votes.py counts them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import known_means
from stages.models.knn.neighbors import Neighbors, kernel_array


def votes_of(neighbors: Neighbors, codes: np.ndarray, weights: str, k: int, n_classes: int) -> np.ndarray:
    """Return the votes of n queries' neighbors per class: float64 (n, n_classes); codes: int32 (n_train,)."""
    from stages.models.knn.compiled_votes import count_votes

    votes = np.empty((len(neighbors.rows), n_classes))
    count_votes(*neighbors.arrays(), kernel_array(codes, np.int32), k, weights == "distance", votes)
    return votes


def means_of(neighbors: Neighbors, values: np.ndarray, weights: str, k: int, fallback: np.ndarray) -> np.ndarray:
    """Return the weighted means of the known values of n queries' neighbors: float64 (n, n_outputs).

    Args:
        values: float64 (n_train, n_outputs), NaN where not known.
        fallback: float64 (n_outputs,), returned where no neighbor's value is known.
    """
    from stages.models.knn.compiled_votes import mean_targets

    n, one = len(neighbors.rows), np.zeros(1, np.int64)
    means = np.empty((1, 1, n, values.shape[1]))
    arrays = [array[None] for array in neighbors.arrays()]
    values = kernel_array(values, np.float64)
    mean_targets(*arrays, values, np.arange(n), one + k, one, weights == "distance", means, fallback[None], np.zeros(n, np.int16), False)
    return means[0, 0]


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


def scores_of(
    neighbors: Neighbors, target: np.ndarray, config: Mapping[str, Any], form: TargetForm, n_outputs: int, train: np.ndarray
) -> Scores:
    """Return the votes, shares or means of a configuration; where no neighbor's target is known, the mean over `train` rows."""
    k, weights = config["n_neighbors"], config["weights"]
    if form == "classes":
        votes = votes_of(neighbors, target, weights, k, n_outputs)
        return Scores(votes, vote_probabilities(votes, k))
    means = means_of(neighbors, target, weights, k, known_means(target[train]))
    if form == "continuous":
        return Scores(means, None)
    probabilities = label_probabilities(means, k)
    return Scores(probabilities, probabilities)


def tied_share(neighbors: Neighbors, k: int) -> float | None:
    """Return the share of queries whose k-th neighbor is as near as the next candidate; None if there are no queries."""
    if not len(neighbors.rows):
        return None
    next_tied = neighbors.distances[:, k] == neighbors.distances[:, k - 1] if k < neighbors.distances.shape[1] else neighbors.n_tied > 0
    return float(next_tied.mean())
