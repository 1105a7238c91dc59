"""Weights of modalities: the points of a grid on a simplex."""

from itertools import combinations
from math import comb

import numpy as np


def simplex(n: int, n_steps: int) -> np.ndarray:
    """Return all weights of `n` modalities in steps of 1 / n_steps that sum to 1: float64 (n_points, n), equal weights first.

    Equal weights are a point even where the steps do not reach them. The others are ordered by their distance from them: what departs
    least wins ties.
    """
    bars = np.array(list(combinations(range(n_steps + n - 1), n - 1)), dtype=np.int64).reshape(-1, n - 1)
    ends = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), n_steps + n - 1)])
    parts = np.diff(ends, axis=1) - 1
    # in whole numbers, so that no rounding orders them; n · part of n_steps is equal
    departure = ((n * parts - n_steps) ** 2).sum(axis=1)
    parts = parts[np.lexsort((*parts.T, departure))]
    weights = parts / n_steps
    is_equal = (n * parts == n_steps).all(axis=1)
    return np.vstack([np.full((1, n), 1 / n), weights[~is_equal]])


def finest(n: int, most_points: int) -> int:
    """Return the largest number of steps whose grid has at most `most_points` points, at least 1."""
    n_steps = 1
    while comb(n_steps + n, n - 1) <= most_points and n_steps < most_points:
        n_steps += 1
    return n_steps
