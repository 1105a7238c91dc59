"""How optimistic the score of the best of several candidates is, because that score chose it: bootstrap bias-corrected cross-validation.

Whole groups of pooled held-out rows are drawn; the candidate that is best on those drawn is scored on those not drawn. The mean over
resamples is an honest score of "train all, take the best"; its distance from the best mean is what choosing by the shown scores adds.

Source: Tsamardinos, Greasidou & Borboudakis 2018, Machine Learning 107, 1895, doi:10.1007/s10994-018-5714-4, alg. 3 (BBC-CV).
Differs: groups are drawn instead of rows, and a metric that is no mean over rows enters by its values of rows (row_values.py).
"""

from collections.abc import Sequence

import numpy as np

from stages.evaluation.pooled import Pooled


def choice_bias(pooled: Sequence[Pooled], weights: np.ndarray, by_block: np.ndarray, *, greater_is_better: bool) -> float:
    """Return how much better the best candidate looks than it would on rows that did not choose it, at least 0, in units of the score.

    Args:
        pooled: of each candidate.
        weights: float64 (n_resamples, n_blocks), how often each block of groups is drawn.
        by_block: int (n_groups,), the block of each group.
    """
    if len(pooled) < 2:
        return 0.0
    n_blocks = weights.shape[1]
    sums = np.stack([np.bincount(by_block, weights=found.sums, minlength=n_blocks) for found in pooled])
    sizes = np.stack([np.bincount(by_block, weights=found.weights, minlength=n_blocks) for found in pooled])
    defined = np.array([not np.isnan(found.score) for found in pooled])
    sums, sizes = sums[defined], sizes[defined]
    if len(sums) < 2:
        return 0.0
    sign = 1.0 if greater_is_better else -1.0
    left_out = (weights == 0).astype(np.float64)
    rows_left = left_out @ sizes.T
    kept = (rows_left > 0).all(axis=1)
    drawn = sign * (weights @ sums.T)[kept] / (weights @ sizes.T)[kept]
    apart = sign * (left_out @ sums.T)[kept] / rows_left[kept]
    if not len(drawn):
        return 0.0
    chosen = drawn.argmax(axis=1)
    honest = float(apart[np.arange(len(apart)), chosen].mean())
    best = float(np.max(sign * sums.sum(axis=1) / sizes.sum(axis=1)))
    return max(0.0, best - honest)
