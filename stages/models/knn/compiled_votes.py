"""What the neighbours of the rows of a tile say, for every k at once, compiled by numba.

A neighbour's vote is 1, or 1/distance; where neighbours are at distance 0, they alone vote (scikit-learn's `weights="distance"`).
Votes are added nearest first, one by one, as a cumulative sum over the neighbours would.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def vote_classes(
    near_distances: np.ndarray, near_rows: np.ndarray, target: np.ndarray, positions: np.ndarray, ks: np.ndarray, places: np.ndarray,
    by_distance: bool, found: np.ndarray, n_classes: int,
) -> None:  # fmt: skip
    """Write the class with the most votes, of equals the lowest code.

    Args:
        near_distances, near_rows: float64, int32 (n_subsets, n_rows, k_max), by (distance, row).
        target: int32 (n,), class codes.
        positions: int64 (n_rows,), where a row's answer stands; −1: nowhere.
        ks, places: int64 (n_ks,), numbers of neighbours, ascending, and where their answers stand.
        by_distance: whether votes are weighted.
        found: int32 (n_subsets, n_configs, n_answers), of which found[:, places, positions] are written.
    """
    votes = np.empty(n_classes)
    for s in range(near_rows.shape[0]):
        for r in range(near_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows = near_distances[s, r], near_rows[s, r]
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
                    found[s, places[at], position] = best
                    at += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mean_numbers(
    near_distances: np.ndarray, near_rows: np.ndarray, target: np.ndarray, positions: np.ndarray, ks: np.ndarray, places: np.ndarray,
    by_distance: bool, found: np.ndarray, fallbacks: np.ndarray, fallback_of: np.ndarray, shrunk: bool,
) -> None:  # fmt: skip
    """Write the weighted mean of the neighbours' numbers, of those that are known.

    Args:
        near_distances, near_rows, positions, ks, places, by_distance: as for `vote_classes`.
        target: float64 (n, n_outputs), NaN where not known.
        found: float (n_subsets, n_configs, n_answers, n_outputs).
        fallbacks, fallback_of: float64 (n_fallbacks, n_outputs), int16 (n_rows,), the mean where no neighbour's number is known.
        shrunk: whether one more neighbour is half for, half against: labels' probabilities.
    """
    n_outputs = target.shape[1]
    totals, weights, exact = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs, np.bool_)
    for s in range(near_rows.shape[0]):
        for r in range(near_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows, fallback = near_distances[s, r], near_rows[s, r], fallbacks[fallback_of[r]]
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
                    answers = found[s, places[at], position]
                    for j in range(n_outputs):
                        mean = totals[j] / weights[j] if weights[j] > 0.0 else fallback[j]
                        answers[j] = (ks[at] * mean + 0.5) / (ks[at] + 1) if shrunk else mean
                    at += 1
