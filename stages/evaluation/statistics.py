"""Intervals and tests of cross-validated scores.

Folds share training rows, so the scores of folds are not independent and the plain t-interval is too narrow. Nadeau and
Bengio's corrected resampled t widens the variance of the mean of J scores from s²/J to s²·(1/J + n_test/n_train), J − 1 degrees
of freedom; J counts every fold of every repeat. With one official test split there are no folds to vary over: whole groups
of test rows are resampled instead (bootstrap), the same resamples for every model, so that differences stay paired.
In time order training sets are nested and grow, for which the correction is not derived: there the plain t over the test blocks is used,
n_test/n_train = 0 (docs/decisions/0047-intervals-in-time-order.md).
A score that is undefined in a fold (NaN) counts neither in the mean nor in J.

Source: Nadeau & Bengio 2003, Machine Learning 52, doi:10.1023/A:1024068626366, eq. 9 and 10; Holm 1979.
Differs: n_test/n_train is the mean over folds, which are of unequal size when groups stay whole.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

N_RESAMPLES = 2000
FEWEST_FOLDS = 3  # for a claim: two folds of coarse scores agree by chance
FEWEST_GROUPS = 20  # for a bootstrap: with 8 it finds a difference that is not there in 11 % of cases, with 3 in 29 %, at level 5 %
ROUNDING = 1e-12  # of the scores' own size: an error may be in any unit


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; NaN where too few folds define it."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Difference:
    """A paired difference a − b with its interval and the two-sided p of no difference (not yet corrected)."""

    difference: float
    lo: float
    hi: float
    p: float


def fold_interval(values: np.ndarray, *, test_per_train: float, confidence: float, bounds: tuple[float, float]) -> Estimate:
    """Return the mean over folds with its corrected resampled t interval, clipped to `bounds`.

    Args:
        values: (J,), one score per fold of every repeat; NaN: undefined there.
        test_per_train: n_test / n_train, mean over folds.
    """
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return Estimate(np.nan, np.nan, np.nan)
    mean = float(defined.mean())
    half = float(stdtrit(defined.size - 1, (1 + confidence) / 2)) * _standard_error(defined, test_per_train)
    return Estimate(mean, *_clipped(mean - half, mean + half, bounds))


def fold_difference(a: np.ndarray, b: np.ndarray, *, test_per_train: float, confidence: float) -> Difference:
    """Return the mean of a − b over the same folds, with the corrected resampled t interval and test.

    Two folds, or folds that all differ by the same amount, have no variance to judge by (accuracies of small folds are coarse, so
    that happens by chance): p is NaN there, and 1 where there is no difference at all.
    """
    differences = (a - b)[~np.isnan(a - b)]
    if differences.size == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    mean, error = float(differences.mean()), _standard_error(differences, test_per_train)
    half = float(stdtrit(differences.size - 1, (1 + confidence) / 2)) * error
    rounding = ROUNDING * float(np.nanmax(np.abs([a, b])))
    if np.abs(differences).max() <= rounding:
        p = 1.0
    elif differences.size < FEWEST_FOLDS or error < rounding:
        p = np.nan
    else:
        p = float(2 * stdtr(differences.size - 1, -abs(mean) / error))
    return Difference(mean, mean - half, mean + half, p)


def resample_groups(groups: Sequence[str], n_resamples: int = N_RESAMPLES) -> Iterable[np.ndarray]:
    """Yield the row numbers of bootstrap resamples, which draw whole groups with replacement.

    They depend on the groups alone, so they are the same for every model and on every machine.
    """
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    generator = np.random.default_rng(zlib.crc32("\n".join(map(str, groups)).encode()))
    for _ in range(n_resamples):
        yield np.concatenate([rows_of[code] for code in generator.integers(0, names.size, names.size)])


def bootstrap_interval(value: float, resampled: np.ndarray, *, confidence: float, bounds: tuple[float, float]) -> Estimate:
    """Return a score of one test split with its percentile interval over bootstrap resamples (n_resamples,), NaN ignored."""
    return Estimate(value, *_clipped(*_percentiles(resampled, confidence), bounds))


def bootstrap_difference(value: float, resampled: np.ndarray, *, confidence: float) -> Difference:
    """Return a difference on one test split with percentile interval and p over paired resamples (n_resamples,).

    p is twice the smaller share of resamples on either side of zero, counting the observed sample once, so never 0.
    """
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(value) or defined.size == 0:
        return Difference(value, np.nan, np.nan, np.nan)
    tail = min(np.count_nonzero(defined <= 0), np.count_nonzero(defined >= 0))
    return Difference(value, *_percentiles(defined, confidence), min(1.0, 2 * (tail + 1) / (defined.size + 1)))


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's corrected p of each test of a family, in the same order; NaN stays NaN and counts as no test."""
    corrected = [float("nan")] * len(p)
    order = sorted((i for i, value in enumerate(p) if not np.isnan(value)), key=lambda i: p[i])
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p[i]))
        corrected[i] = largest
    return corrected


def _standard_error(values: np.ndarray, test_per_train: float) -> float:
    """Return the corrected standard error of the mean; NaN for a single value."""
    if values.size < 2:
        return float("nan")
    if np.all(values == values[0]):  # the mean of equal numbers may round, which would leave a variance of 1e-33
        return 0.0
    return float(np.sqrt((1 / values.size + test_per_train) * values.var(ddof=1)))


def _clipped(lo: float, hi: float, bounds: tuple[float, float]) -> tuple[float, float]:
    return float(np.clip(lo, *bounds)), float(np.clip(hi, *bounds))


def _percentiles(resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    defined = resampled[~np.isnan(resampled)]
    if defined.size == 0:
        return float("nan"), float("nan")
    lo, hi = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lo), float(hi)
