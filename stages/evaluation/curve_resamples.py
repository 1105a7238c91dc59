"""Resamples of a learning curve: outer folds are drawn, and within each drawn fold groups of test rows, both with replacement.

All sizes of training sets share what is drawn, as they share test rows. Folds say how much training sets vary, groups how much test rows
do.
"""

from collections.abc import Sequence

import numpy as np

from stages.evaluation.design import Design

N_CURVES = 400


def resampled_curves(values: Sequence[np.ndarray], design: Design) -> np.ndarray:
    """Return the mean curve of each resample: float64 (N_CURVES, n_sizes).

    Args:
        values: of each size, float64 (N,), of the tested rows, as in row_values.py; a fold that is undefined (NaN) at some size is none.
    """
    of_sizes = np.stack(values, axis=1)
    defined = [fold for fold in range(design.n_folds) if np.isfinite(of_sizes[design.folds == fold]).all()]
    rng = np.random.default_rng(design.n_blocks)
    drawn = rng.integers(len(defined), size=(N_CURVES, len(defined)))
    curves = np.zeros((N_CURVES, of_sizes.shape[1]))
    for place, fold in enumerate(defined):
        sums, sizes = _by_block(of_sizes, design, fold)
        resamples = np.nonzero(drawn == place)[0]  # once for each time that the fold is drawn
        weights = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), len(resamples)).astype(np.float64)
        np.add.at(curves, resamples, (weights @ sums) / (weights @ sizes)[:, None] / len(defined))
    return curves


def _by_block(of_sizes: np.ndarray, design: Design, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of the values, (n_blocks, n_sizes), and numbers of rows, (n_blocks,), of the blocks of groups that a fold tests."""
    entries = np.flatnonzero(design.folds == fold)
    blocks, place = np.unique(design.blocks[design.groups[entries]], return_inverse=True)
    sums = np.zeros((len(blocks), of_sizes.shape[1]))
    np.add.at(sums, place.ravel(), of_sizes[entries])
    return sums, np.bincount(place.ravel(), minlength=len(blocks)).astype(np.float64)
