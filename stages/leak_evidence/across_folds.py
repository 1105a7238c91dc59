"""Samples that belong together although one is tested in a fold that trains on another."""

import numpy as np

MOST_NAMED = 20


def members(keys: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return bool (n,): rows whose key (0: none) also has a row of another code."""
    known = np.flatnonzero(keys != 0)
    found = np.zeros(len(keys), dtype=bool)
    if len(known) == 0:
        return found
    order = known[np.argsort(keys[known], kind="stable")]
    starts = np.flatnonzero(np.r_[True, keys[order][1:] != keys[order][:-1]])
    low, high = np.minimum.reduceat(codes[order], starts), np.maximum.reduceat(codes[order], starts)
    differs = np.repeat(low != high, np.diff(np.r_[starts, len(order)]))
    found[order[differs]] = True
    return found


def split_by_folds(keys: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return bool (n,): rows whose key (0: none) also has a row that a fold of some repeat does not hold.

    Args:
        folds: int16 (n_repeats, n).
    """
    return np.any([members(keys, fold) for fold in folds], axis=0)


def pairs_apart(a: np.ndarray, b: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return bool of the shape of `a`: whether rows a and b are in different folds in some repeat."""
    return np.any([fold[a] != fold[b] for fold in folds], axis=0)


def in_clusters(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows (bool (n,)) as numbers, those of one key next to one another, so that the first ids name whole clusters."""
    found = np.flatnonzero(rows)
    first = {key: place for place, key in reversed(list(enumerate(keys[found].tolist())))}
    places = np.array([first[key] for key in keys[found].tolist()], dtype=np.int64)
    return found[np.argsort(places, kind="stable")]
