"""Predictions from the neighbors of a chunk of rows, for every k at once, compiled by numba.

A neighbor's vote is 1, or 1/distance; if neighbors have distance 0, only they vote (scikit-learn's `weights="distance"`). The rows at one
distance are a group. Of the group that holds the k-th neighbor all rows vote, with the votes that the nearer rows leave: of t rows, where
m are nearer, each has (k − m)/t of its vote. Groups are added by ascending distance, and a group's rows are counted before they are
weighted, so that the order of rows does not matter and equal votes compare equal.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, error_model="numpy")
def vote_classes(
    neighbor_distances: np.ndarray, neighbor_rows: np.ndarray, n_tied: np.ndarray, tied_sums: np.ndarray, target: np.ndarray,
    positions: np.ndarray, ks: np.ndarray, config_indices: np.ndarray, by_distance: bool, predictions: np.ndarray, n_classes: int,
) -> None:  # fmt: skip
    """Write the class with the most votes; ties go to the lowest code.

    Args:
        neighbor_distances, neighbor_rows, n_tied, tied_sums: of (n_combinations, n_rows) queries, as in `Neighbors`.
        target: int32 (n,), class codes.
        positions: int64 (n_rows,), index of each row in the last axis of `predictions`; −1: not written.
        ks, config_indices: int64 (n_ks,), numbers of neighbors, ascending, and the indices of their configurations.
        by_distance: whether votes are weighted by 1/distance.
        predictions: int32 (n_combinations, n_configs, n_train), of which predictions[:, config_indices, positions] are written.
    """
    votes, counts, present = np.empty(n_classes), np.zeros(n_classes), np.empty(n_classes, np.int64)
    n_kept = neighbor_rows.shape[2]
    for s in range(neighbor_rows.shape[0]):
        for r in range(neighbor_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows = neighbor_distances[s, r], neighbor_rows[s, r]
            votes[:] = 0.0
            best, at, start = 0, 0, 0
            exact = distances[0] == 0.0
            tied = n_tied[s, r] > 0
            for i in range(1, n_kept):
                tied |= distances[i] == distances[i - 1]
            if not tied:  # most rows of continuous features; without groups it is faster
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
                continue
            while at < ks.shape[0]:
                distance, stop = distances[start], start + 1
                while stop < n_kept and distances[stop] == distance:
                    stop += 1
                n = stop - start + (n_tied[s, r] if stop == n_kept else 0)
                weight = 1.0
                if by_distance:
                    weight = (1.0 if distance == 0.0 else 0.0) if exact else 1.0 / distance
                if n == 1:
                    code = target[rows[start]]
                    votes[code] += weight
                    if votes[code] > votes[best] or (votes[code] == votes[best] and code < best):
                        best = code
                    while at < ks.shape[0] and ks[at] == stop:
                        predictions[s, config_indices[at], position] = best
                        at += 1
                    start = stop
                    continue
                n_present = 0
                if stop == n_kept and n_tied[s, r] > 0:
                    for code in range(n_classes):
                        counts[code] = tied_sums[s, r, code]
                        if counts[code] > 0.0:
                            present[n_present] = code
                            n_present += 1
                for i in range(start, stop):
                    code = target[rows[i]]
                    if counts[code] == 0.0:
                        present[n_present] = code
                        n_present += 1
                    counts[code] += 1.0
                while at < ks.shape[0] and ks[at] <= stop:
                    share = ks[at] - start
                    winner = best
                    most = votes[best] + counts[best] * share / n * weight if by_distance else votes[best] * n + counts[best] * share
                    for p in range(n_present):
                        code = present[p]
                        value = votes[code] + counts[code] * share / n * weight if by_distance else votes[code] * n + counts[code] * share
                        if value > most or (value == most and code < winner):
                            winner, most = code, value
                    predictions[s, config_indices[at], position] = winner
                    at += 1
                for p in range(n_present):
                    code = present[p]
                    votes[code] += counts[code] * weight
                    counts[code] = 0.0
                    if votes[code] > votes[best] or (votes[code] == votes[best] and code < best):
                        best = code
                start = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_votes(
    neighbor_distances: np.ndarray, neighbor_rows: np.ndarray, n_tied: np.ndarray, tied_sums: np.ndarray, target: np.ndarray, k: int,
    by_distance: bool, votes: np.ndarray,
) -> None:  # fmt: skip
    """Write the votes for each class: float64 (n_rows, n_classes); the other arguments as for `vote_classes`, of n_rows queries."""
    n_kept, n_classes = neighbor_rows.shape[1], votes.shape[1]
    counts = np.empty(n_classes)
    for r in range(neighbor_rows.shape[0]):
        distances, rows, to = neighbor_distances[r], neighbor_rows[r], votes[r]
        to[:] = 0.0
        exact, start = distances[0] == 0.0, 0
        while start < k:
            distance, stop = distances[start], start + 1
            counts[:] = 0.0
            counts[target[rows[start]]] = 1.0
            while stop < n_kept and distances[stop] == distance:
                counts[target[rows[stop]]] += 1.0
                stop += 1
            n = stop - start
            if stop == n_kept and n_tied[r] > 0:
                n += n_tied[r]
                for code in range(n_classes):
                    counts[code] += tied_sums[r, code]
            weight = 1.0
            if by_distance:
                weight = (1.0 if distance == 0.0 else 0.0) if exact else 1.0 / distance
            share = min(k - start, n)
            for code in range(n_classes):
                if by_distance:
                    to[code] += counts[code] * share / n * weight
                else:  # one division of whole numbers, so that equal votes are equal
                    to[code] = (to[code] * n + counts[code] * share) / n
            start = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def mean_targets(
    neighbor_distances: np.ndarray, neighbor_rows: np.ndarray, n_tied: np.ndarray, tied_sums: np.ndarray, target: np.ndarray,
    positions: np.ndarray, ks: np.ndarray, config_indices: np.ndarray, by_distance: bool, predictions: np.ndarray, fallbacks: np.ndarray,
    fallback_of: np.ndarray, smoothed: bool,
) -> None:  # fmt: skip
    """Write the weighted mean of the neighbors' known targets.

    Args:
        neighbor_distances, neighbor_rows, n_tied, tied_sums, positions, ks, config_indices, by_distance: as for `vote_classes`.
        target: float64 (n, n_outputs), NaN where not known.
        predictions: float (n_combinations, n_configs, n_train, n_outputs).
        fallbacks, fallback_of: float64 (n_fallbacks, n_outputs), int16 (n_rows,): the value where no neighbor's target is known.
        smoothed: whether to smooth by one more neighbor that counts one half (probabilities of labels).
    """
    n_outputs, n_kept = target.shape[1], neighbor_rows.shape[2]
    totals, weights, exact = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs, np.bool_)
    sums, errors, known = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs)
    for s in range(neighbor_rows.shape[0]):
        for r in range(neighbor_rows.shape[1]):
            position = positions[r]
            if position < 0:
                continue
            distances, rows, fallback = neighbor_distances[s, r], neighbor_rows[s, r], fallbacks[fallback_of[r]]
            totals[:], weights[:], exact[:] = 0.0, 0.0, False
            at, start = 0, 0
            while at < ks.shape[0]:
                distance, stop = distances[start], start + 1
                while stop < n_kept and distances[stop] == distance:
                    stop += 1
                inverse = 1.0 / distance if by_distance and distance > 0.0 else 1.0
                n = stop - start + (n_tied[s, r] if stop == n_kept else 0)
                if n == 1:
                    for j in range(n_outputs):
                        value = target[rows[start], j]
                        if not np.isnan(value):
                            exact[j] = exact[j] or (by_distance and distance == 0.0)
                            vote = (1.0 if distance == 0.0 else 0.0) if exact[j] else inverse
                            totals[j] += value * vote
                            weights[j] += vote
                    while at < ks.shape[0] and ks[at] == stop:
                        outputs = predictions[s, config_indices[at], position]
                        for j in range(n_outputs):
                            mean = totals[j] / weights[j] if weights[j] > 0.0 else fallback[j]
                            outputs[j] = (ks[at] * mean + 0.5) / (ks[at] + 1) if smoothed else mean
                        at += 1
                    start = stop
                    continue
                sums[:], errors[:], known[:] = 0.0, 0.0, 0.0
                if stop == n_kept and n_tied[s, r] > 0:
                    for j in range(n_outputs):
                        sums[j], errors[j] = tied_sums[s, r, j], tied_sums[s, r, n_outputs + j]
                        known[j] = tied_sums[s, r, 2 * n_outputs + j]
                for i in range(start, stop):
                    for j in range(n_outputs):
                        value, before = target[rows[i], j], sums[j]
                        if not np.isnan(value):  # Neumaier's sum, as in topk.py
                            sums[j] = before + value
                            shift = sums[j] - before
                            errors[j] += (before - (sums[j] - shift)) + (value - shift)
                            known[j] += 1.0
                for j in range(n_outputs):
                    sums[j] += errors[j]
                    exact[j] = exact[j] or (by_distance and distance == 0.0 and known[j] > 0.0)
                while at < ks.shape[0] and ks[at] <= stop:
                    share = ks[at] - start
                    outputs = predictions[s, config_indices[at], position]
                    for j in range(n_outputs):
                        total, weight = totals[j], weights[j]
                        if by_distance:
                            vote = (1.0 if distance == 0.0 else 0.0) if exact[j] else inverse
                            total += sums[j] * share / n * vote
                            weight += known[j] * share / n * vote
                        else:
                            total, weight = total * n + sums[j] * share, weight * n + known[j] * share
                        mean = total / weight if weight > 0.0 else fallback[j]
                        outputs[j] = (ks[at] * mean + 0.5) / (ks[at] + 1) if smoothed else mean
                    at += 1
                for j in range(n_outputs):
                    vote = (1.0 if distance == 0.0 else 0.0) if exact[j] else inverse
                    totals[j] += sums[j] * vote
                    weights[j] += known[j] * vote
                start = stop
