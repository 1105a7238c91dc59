"""The sign-flip test of paired differences by group: exact McNemar where every group is one row and every difference 0 or ±1.

If two models are equally good, each group's difference is as likely to have the other sign. p is the share of all assignments of signs
whose sum is at least as far from zero. Whole numbers (rows that only one of the two gets right) are counted exactly, by the characteristic
function of the sum; other differences by all assignments where there are few groups, else by a seeded sample.

Source: Fisher 1935, The Design of Experiments, ch. 21; McNemar 1947, Psychometrika 12, 153.
"""

from functools import lru_cache

import numpy as np
from scipy.special import ndtr

N_FLIPS = 9_999
MOST_EXACT = 12  # groups whose 2^n assignments are all tried
LONGEST_SUM = 2_000_000  # of whole numbers; beyond it the sum is as good as normal
ROUNDING = 1e-9


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of no difference, in (0, 1]; 1 where no group differs.

    Args:
        differences: float64 (n_groups,), sums over each group's rows.
    """
    moved = np.abs(differences[differences != 0])
    if not moved.size:
        return 1.0
    observed = abs(float(differences.sum()))
    rounded = np.rint(moved)
    if np.array_equal(rounded, moved):
        return _exact_whole(rounded.astype(np.int64), round(observed))
    if moved.size <= MOST_EXACT:
        flips = np.array(np.meshgrid(*[[-1.0, 1.0]] * moved.size)).reshape(moved.size, -1).T
        return float(np.mean(np.abs(flips @ moved) >= observed * (1 - ROUNDING)))
    sums = np.abs(_flips(moved.size) @ np.sort(moved))
    return float((np.count_nonzero(sums >= observed * (1 - ROUNDING)) + 1) / (N_FLIPS + 1))


def _exact_whole(sizes: np.ndarray, observed: int) -> float:
    """Return P(|Σ ± sizes| ≥ observed)."""
    total = int(sizes.sum())
    if total > LONGEST_SUM:
        return float(min(1.0, 2 * ndtr((1 - observed) / np.sqrt(float((sizes.astype(np.float64) ** 2).sum())))))
    length = 2 * total + 1
    angle = 2 * np.pi * np.arange(total + 1) / length
    spectrum = np.ones(total + 1)
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        spectrum *= np.cos(size * angle) ** count
    density = np.fft.irfft(spectrum, length)  # of the sum 0, 1, … total, −total, … −1
    tail = 2 * density[observed : total + 1].sum() if observed else 1.0
    return float(np.clip(tail, 2.0 ** (1 - min(len(sizes), 1000)), 1.0))


@lru_cache(maxsize=4)
def _flips(n: int) -> np.ndarray:
    """Return random signs, float32 (N_FLIPS, n): the same for every pair, so that p depends on the differences alone."""
    return np.random.default_rng(n).integers(0, 2, (N_FLIPS, n), dtype=np.int8).astype(np.float32) * 2 - 1
