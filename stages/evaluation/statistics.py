"""Tests of paired differences of cross-validated scores: evidence of folds and of rows, of which "better" needs both.

Folds share training rows, so the scores of folds are not independent and the plain t-interval is too narrow. Nadeau and
Bengio's corrected resampled t widens the variance of the mean of J scores from s²/J to s²·(1/J + n_test/n_train), J − 1 degrees
of freedom; J counts every fold of every repeat. Five fold differences of coarse scores can agree by chance (+2, +2, +1, +1, +2 rows of
500), so the variance is at least that which the discordant rows imply, by groups. Beside it stands the sign-flip test of the pooled
held-out rows (sign_flips.py); the p of a difference is the larger of the two. With one official test split there are no folds to vary
over: the variance is that of the rows, by groups, with as many degrees of freedom as groups
that contribute. In time order training sets are nested and grow,
for which the correction is not derived: there n_test/n_train is 0 (docs/decisions/0047-intervals-in-time-order.md). A fold in which a
score is undefined (NaN) counts neither in the mean nor in J.

Source: Nadeau & Bengio 2003, Machine Learning 52, doi:10.1023/A:1024068626366, eq. 9 and 10; Holm 1979; Benavoli et al. 2017, JMLR 18(77)
(the same t as a posterior, with a region of practical equivalence).
Differs: n_test/n_train is the mean over folds, which are of unequal size when groups stay whole; the variance has a floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from stages.evaluation.design import Design
from stages.evaluation.pooled import Pooled, pool
from stages.evaluation.sign_flips import sign_flip

ROUNDING = 1e-12  # of the scores' own size: an error may be in any unit
POWER = 0.8  # with which the detectable difference would be shown


@dataclass(frozen=True)
class Spread:
    """The standard error of a mean score or difference, and its degrees of freedom; NaN where nothing defines it."""

    error: float
    df: float

    def half_width(self, confidence: float) -> float:
        """Return half the width of the symmetric interval."""
        return float(stdtrit(self.df, (1 + confidence) / 2)) * self.error if self.df > 0 else float("nan")


@dataclass(frozen=True)
class Difference:
    """A paired difference a − b with its interval and p of no difference (two-sided, not yet corrected for several tests).

    p_fold: by the corrected t over folds with the floor of the rows (one test split: by the rows' own t). p_row: by the sign-flip test.
    """

    difference: float
    lo: float
    hi: float
    p_fold: float
    p_row: float
    spread: Spread
    row_error: float

    @property
    def p(self) -> float:
        """Return the larger p: both kinds of evidence are needed."""
        return float(np.maximum(self.p_fold, self.p_row))


@dataclass(frozen=True)
class Posterior:
    """Probabilities that a is practically better than b, equal to it, or worse: the difference beyond `rope`, or within."""

    better: float
    equal: float
    worse: float


def fold_spread(values: np.ndarray, test_per_train: float) -> Spread:
    """Return the corrected resampled standard error of the mean of fold scores (J,); NaN: undefined there."""
    defined = values[~np.isnan(values)]
    if defined.size < 2:
        return Spread(float("nan"), float(defined.size - 1))
    constant = bool(np.all(defined == defined[0]))  # the mean of equal numbers may round, which would leave a variance of 1e-33
    variance = 0.0 if constant else float(defined.var(ddof=1))
    return Spread(float(np.sqrt((1 / defined.size + test_per_train) * variance)), float(defined.size - 1))


def half_width_of(folds: np.ndarray, pooled: Pooled, design: Design) -> float:
    """Return half the width of a score's symmetric interval: the larger of what folds and groups of rows imply; NaN if neither does."""
    # of rows that are groups themselves, Clopper and Pearson's interval knows what their errors say of one another
    of_rows = Spread(pooled.error, pooled.n_groups - 1 if pooled.n_groups == design.n_rows else pooled.df).half_width(design.confidence)
    if design.is_one_split:
        return of_rows
    of_folds = fold_spread(folds, design.test_per_train).half_width(design.confidence)
    return float(np.fmax(of_folds, of_rows)) if not np.isnan(of_folds) else float("nan")


def paired_difference(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], design: Design, *, n_seeds: int = 1
) -> Difference:
    """Return the difference of two candidates' scores, with both kinds of evidence.

    Args:
        a, b: scores of folds (J,) and values of rows (N,), as in stages.evaluation.row_values; NaN: undefined.
        n_seeds: over which the values are means, or a common multiple of those of a and of b.
    """
    folds, values = a[0] - b[0], a[1] - b[1]
    pooled = pool(values, design)
    defined = folds[~np.isnan(folds)]
    if not defined.size:
        nothing = float("nan")
        return Difference(nothing, nothing, nothing, nothing, nothing, Spread(nothing, 0.0), nothing)
    mean = float(defined.mean())
    spread = Spread(pooled.error, pooled.df)
    if not design.is_one_split:
        of_folds = fold_spread(folds, design.test_per_train)
        spread = Spread(float(np.maximum(of_folds.error, pooled.error)), of_folds.df)
    rounding = ROUNDING * float(np.nanmax(np.abs([a[0], b[0]])))
    if np.abs(values[~np.isnan(values)]).max() <= rounding:
        return Difference(mean, mean, mean, 1.0, 1.0, Spread(0.0, spread.df), 0.0)
    half = spread.half_width(design.confidence)
    p_fold = float(2 * stdtr(spread.df, -abs(mean) / spread.error)) if spread.df > 0 and spread.error > rounding else float("nan")
    p_row = row_test(pooled, design, n_seeds)
    return Difference(mean, mean - half, mean + half, p_fold, p_row, spread, pooled.error)


def row_test(pooled: Pooled, design: Design, n_seeds: int = 1) -> float:
    """Return p of the sign-flip test; exact where rows are right or wrong, with each seed. NaN for one group."""
    if pooled.n_groups < 2:
        return float("nan")
    of_seeds = pooled.plain * n_seeds
    counts = np.rint(of_seeds)
    # a mean of counts over three seeds is rounded; without seeds nothing is
    whole = np.array_equal(of_seeds, counts) if n_seeds == 1 else np.allclose(of_seeds, counts, rtol=0, atol=1e-6)
    return sign_flip(counts if whole else design.by_block(pooled.sums))


def posterior(difference: Difference, rope: float) -> Posterior | None:
    """Return the Bayesian correlated t's probabilities, `a` counted as better where the difference is positive; None where it is undefined.

    With Jeffreys' prior the posterior of the mean difference is Student's t with the test's own standard error and degrees of freedom.
    """
    error, df = difference.spread.error, difference.spread.df
    if np.isnan(error) or not df > 0:
        return None
    if error == 0:
        sides = (difference.difference > rope, abs(difference.difference) <= rope, difference.difference < -rope)
        return Posterior(*map(float, sides))
    below = float(stdtr(df, (-rope - difference.difference) / error))
    above = float(stdtr(df, (difference.difference - rope) / error))
    return Posterior(above, max(0.0, 1 - above - below), below)


def detectable_difference(difference: Difference, alpha: float) -> float:
    """Return the smallest true difference that these folds and rows would show with 80 % at level alpha; NaN where undefined.

    As spread out as the present one: the differences of folds and the discordant rows.
    """
    df, error = difference.spread.df, difference.spread.error
    if not df > 0 or np.isnan(error):
        return float("nan")
    by_folds = error * (float(stdtrit(df, 1 - alpha / 2)) + float(stdtrit(df, POWER)))
    by_rows = difference.row_error * float(ndtri(1 - alpha / 2) + ndtri(POWER))
    return float(np.fmax(by_folds, by_rows))


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's corrected p of each test of a family, in the same order; NaN stays NaN and counts as no test."""
    corrected = [float("nan")] * len(p)
    order = sorted((i for i, value in enumerate(p) if not np.isnan(value)), key=lambda i: p[i])
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p[i]))
        corrected[i] = largest
    return corrected
