"""Intervals of scores that a score can attain: within [0, 1] by an effective number of rows, of errors on a logarithmic scale.

**Scores in [0, 1]** (accuracies, F1, areas). The half-width h that folds and groups imply (the larger of the corrected resampled t and of
the clustered standard error by t) is that of a proportion of n rows for n = z²·s·(1 − s)/h²; Clopper and Pearson's interval for s·n of n
has the coverage near 0 and 1 that s ± h has not, and is never of width 0. n is at most the number of rows. Where h is 0 because no row or
all rows are right, nothing says how much rows of a group depend on one another: n is then the number of groups.

**Errors and what they explain** (RMSE, log-loss; Q² is 1 − error / variance). Whole groups of pooled held-out rows are resampled; the
interval is that of the logarithm of the error, so that an error stays above 0 and Q² below 1. The variance that Q² divides by is resampled
with the errors: a constant explains nothing in any resample. Percentiles are expanded for few groups.

Source: Korn & Graubard 1998, Survey Methodology 24, 193 (effective number of rows, degrees of freedom); Clopper & Pearson 1934; Hesterberg
2015, American Statistician 69, 371, doi:10.1080/00031305.2015.1089789, sect. 5 (expanded percentiles).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

from stages.evaluation.design import Design
from stages.evaluation.pooled import Pooled

N_RESAMPLES = 2000
FEWEST_GROUPS = 3  # that are resampled


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


def error_interval(score: float, resampled: np.ndarray, *, n_groups: int, confidence: float, widening: float = 1.0) -> tuple[float, float]:
    """Return the interval of a positive error.

    Args:
        resampled: (n_resamples,), logarithms of the error of each resample relative to that of all rows.
        n_groups: that were resampled.
        widening: of the logarithms, for what the groups do not show.
    """
    defined = resampled[np.isfinite(resampled)]
    if n_groups < FEWEST_GROUPS or not defined.size or not score > 0:
        return float("nan"), float("nan")
    t = float(stdtrit(n_groups - 1, (1 + confidence) / 2)) * np.sqrt(n_groups / (n_groups - 1))
    lo, hi = np.quantile(defined, [float(ndtr(-t)), float(ndtr(t))])
    return float(score * np.exp(widening * lo)), float(score * np.exp(widening * hi))


def resample_weights(design: Design) -> np.ndarray:
    """Return how often each block of groups is drawn in each resample: float64 (N_RESAMPLES, n_blocks), the same for every model."""
    n = design.n_blocks
    generator = np.random.default_rng(n)
    return generator.multinomial(n, np.full(n, 1 / n), N_RESAMPLES).astype(np.float64)
