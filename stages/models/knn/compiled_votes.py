"""Predictions from the neighbors of a chunk of rows, for every k at once, compiled by numba.

A neighbor's vote is 1, or 1/distance; if neighbors have distance 0, only they vote (scikit-learn's `weights="distance"`).
Votes are added one by one, nearest first, in the order of a cumulative sum over the neighbors.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def vote_classes(
    neighbor_distances: np.ndarray, neighbor_rows: np.ndarray, target: np.ndarray, positions: np.ndarray, ks: np.ndarray,
    config_indices: np.ndarray, by_distance: bool, predictions: np.ndarray, n_classes: int,
) -> None:  # fmt: skip
    """Write the class with the most votes; ties go to the lowest code.

    Args:
        neighbor_distances, neighbor_rows: float64, int32 (n_combinations, n_rows, k_max), sorted by (distance, row).
        target: int32 (n,), class codes.
        positions: int64 (n_rows,), index of each row in the last axis of `predictions`; −1: not written.
        ks, config_indices: int64 (n_ks,), numbers of neighbors, ascending, and the indices of their configurations.
        by_distance: whether votes are weighted by 1/distance.
        predictions: int32 (n_combinations, n_configs, n_train), of which predictions[:, config_indices, positions] are written.
    """
    votes = np.empty(n_classes)
    for s in range(neighbor_rows.shape[0]):
        for r in range(neighbor_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows = neighbor_distances[s, r], neighbor_rows[s, r]
            votes[:] = 0.0
            best, at = 0, 0
            exact = distances[0] == 0.0
            for i in range(ks[-1]):
                weight = 1.0
                if by_distance:
                    weight = (1.0 if distances[i] == 0.0 else 0.0) if exact else 1.0 / distances[i]
                code = target[rows[i]]
                votes[code] += weight
                if votes[code] > votes[best] or (votes[code] == votes[best] and code < best):
                    best = code
                while at < ks.shape[0] and ks[at] == i + 1:
                    predictions[s, config_indices[at], position] = best
                    at += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mean_targets(
    neighbor_distances: np.ndarray, neighbor_rows: np.ndarray, target: np.ndarray, positions: np.ndarray, ks: np.ndarray,
    config_indices: np.ndarray, by_distance: bool, predictions: np.ndarray, fallbacks: np.ndarray, fallback_of: np.ndarray, smoothed: bool,
) -> None:  # fmt: skip
    """Write the weighted mean of the neighbors' known targets.

    Args:
        neighbor_distances, neighbor_rows, positions, ks, config_indices, by_distance: as for `vote_classes`.
        target: float64 (n, n_outputs), NaN where not known.
        predictions: float (n_combinations, n_configs, n_train, n_outputs).
        fallbacks, fallback_of: float64 (n_fallbacks, n_outputs), int16 (n_rows,): the value where no neighbor's target is known.
        smoothed: whether to smooth by one more neighbor that counts one half (probabilities of labels).
    """
    n_outputs = target.shape[1]
    totals, weights, exact = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs, np.bool_)
    for s in range(neighbor_rows.shape[0]):
        for r in range(neighbor_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows, fallback = neighbor_distances[s, r], neighbor_rows[s, r], fallbacks[fallback_of[r]]
            totals[:], weights[:], exact[:] = 0.0, 0.0, False
            if by_distance:
                i = 0
                while i < ks[-1] and distances[i] == 0.0:
                    for j in range(n_outputs):
                        exact[j] = exact[j] or not np.isnan(target[rows[i], j])
                    i += 1
            at = 0
            for i in range(ks[-1]):
                distance, values = distances[i], target[rows[i]]
                inverse = 1.0 / distance if by_distance and distance > 0.0 else 1.0
                for j in range(n_outputs):
                    weight = inverse
                    if exact[j]:
                        weight = 1.0 if distance == 0.0 else 0.0
                    if not np.isnan(values[j]):
                        totals[j] += values[j] * weight
                        weights[j] += weight
                while at < ks.shape[0] and ks[at] == i + 1:
                    outputs = predictions[s, config_indices[at], position]
                    for j in range(n_outputs):
                        mean = totals[j] / weights[j] if weights[j] > 0.0 else fallback[j]
                        outputs[j] = (ks[at] * mean + 0.5) / (ks[at] + 1) if smoothed else mean
                    at += 1
