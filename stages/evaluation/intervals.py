"""Intervals of scores that a score can attain: within [0, 1] by an effective number of rows, of errors on a logarithmic scale.

**Scores in [0, 1]** (accuracies, F1, areas). The half-width h that folds and groups imply (the larger of the corrected resampled t and of
the clustered standard error by t) is that of a proportion of n rows for n = z²·s·(1 − s)/h²; Clopper and Pearson's interval for s·n of n
has the coverage near 0 and 1 that s ± h has not, and is never of width 0. n is at most the number of rows. Where h is 0 because no row or
all rows are right, nothing says how much rows of a group depend on one another: n is then the number of groups.

**Errors and what they explain** (RMSE, log-loss; Q² is 1 − error / variance). Whole groups of pooled held-out rows are resampled; the
interval is of percentiles of the logarithm of the error, so that an error stays above 0 and Q² below 1; their distance from the score is
expanded by t for few groups. The variance that Q² divides by is resampled with the errors: a constant explains nothing in any resample. In
cross-validation it is widened as Nadeau and Bengio widen that of fold scores, for the training rows that folds share: by √(K·(1/J +
n_test/n_train)) for K folds, J with all repeats.

Degrees of freedom are those of the groups that contribute (`Pooled.df`): where few groups hold nearly all errors, their spread says little.

Source: Korn & Graubard 1998, Survey Methodology 24, 193 (effective number of rows, degrees of freedom); Clopper & Pearson 1934; Efron &
Tibshirani 1993, An Introduction to the Bootstrap, ch. 12 and 13; Hesterberg 2015, American Statistician 69, 371 (expanded percentiles).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

from stages.evaluation.design import Design
from stages.evaluation.pooled import Pooled

N_RESAMPLES = 2000
FEWEST_RESAMPLED = 3  # groups: the spread of fewer says nothing


@dataclass(frozen=True)
class Estimate:
    """A score with its interval; NaN where too little defines it."""

    mean: float
    lo: float
    hi: float


def share_interval(score: float, half_width: float, pooled: Pooled, design: Design) -> Estimate:
    """Return a score in [0, 1] with its interval; see above. `half_width`: of the symmetric interval, at the design's level."""
    if np.isnan(score):
        return Estimate(score, np.nan, np.nan)
    z = float(ndtri((1 + design.confidence) / 2))
    inside = score * (1 - score)
    if inside <= 0:
        n = float(pooled.n_groups)
    elif np.isnan(half_width):
        return Estimate(score, np.nan, np.nan)
    else:
        n = min(float(design.n_rows), z**2 * inside / half_width**2) if half_width > 0 else float(design.n_rows)
    return Estimate(score, *clopper_pearson(score * n, n, design.confidence))


def clopper_pearson(hits: float, n: float, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a proportion: `hits` of `n`, which need not be whole numbers."""
    tail, misses = (1 - confidence) / 2, n - hits
    lo = float(betaincinv(hits, misses + 1, tail)) if hits > 0 else 0.0
    hi = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 0 else 1.0
    return lo, hi


def error_interval(score: float, resampled: np.ndarray, spread: Pooled, confidence: float, *, widening: float) -> tuple[float, float]:
    """Return the interval of a positive error.

    Args:
        resampled: (n_resamples,), logarithms of the error of each resample relative to that of all rows.
        spread: of the errors by group.
        widening: of the logarithms, for what the groups do not show.
    """
    defined, n = resampled[np.isfinite(resampled)], spread.n_groups
    if n < FEWEST_RESAMPLED or not defined.size or not score > 0:
        return float("nan"), float("nan")
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    expansion = widening * np.sqrt(n / (n - 1)) * float(stdtrit(spread.df, tails[1]) / ndtri(tails[1]))
    lo, hi = np.quantile(defined, tails)
    hi = max(hi, float(ndtri(tails[1]) * defined.std()))  # few groups seldom hold the largest errors that there are
    return float(score * np.exp(expansion * lo)), float(score * np.exp(expansion * hi))


@lru_cache(maxsize=2)
def resample_weights(n_blocks: int) -> np.ndarray:
    """Return how often each block of groups is drawn in each resample: float64 (N_RESAMPLES, n_blocks), the same for every model."""
    return np.random.default_rng(n_blocks).multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), N_RESAMPLES).astype(np.float64)
