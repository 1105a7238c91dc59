"""Errors of bootstrap resamples: whole groups of pooled held-out rows, by sums per group."""

from collections.abc import Callable

import numpy as np

from stages.evaluation.checked_predictions import BySeed
from stages.evaluation.design import Design
from stages.evaluation.pooled import Pooled


def error_ratios(name: str, by_seed: BySeed, pooled: Pooled, design: Design, weights: np.ndarray) -> np.ndarray:
    """Return log(error of a resample / error of all rows) of each resample: float64 (n_resamples,).

    The error is the metric itself, or 1 − metric for Q² and R². Squared and absolute errors are means over seeds.

    Args:
        name: of a metric of errors, or of what they explain.
        weights: float64 (n_resamples, n_blocks), how often each block of groups is drawn.
    """
    compute = _OF_TARGETS.get(name)
    if compute is None:
        sums, sizes = design.by_block(pooled.sums), design.by_block(pooled.weights)
        found, whole = (weights @ sums) / (weights @ sizes), sums.sum() / sizes.sum()
    else:
        moments = design.by_block(_moments(by_seed, design))
        found = compute(np.tensordot(weights, moments, axes=1))
        whole = compute(moments.sum(axis=0)[None])[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(found / whole))


def _moments(by_seed: BySeed, design: Design) -> np.ndarray:
    """Return known rows, Σ target, Σ target², Σ error² and Σ |error| of each group and target: float64 (n_groups, 5, n_targets).

    Targets are centred first, so that squares of a large offset lose no digits.
    """
    target = np.concatenate([fold.target for fold in by_seed[0]])
    predicted = [np.concatenate([fold.prediction for fold in of_seed]).astype(np.float64) for of_seed in by_seed]
    known = ~np.isnan(target)
    center = np.where(known, target, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, target - center, 0.0)
    errors = np.where(known, target - np.array(predicted), 0.0)  # (n_seeds, N, n_targets)
    rows = np.stack([known.astype(np.float64), centred, centred**2, np.mean(errors**2, axis=0), np.mean(np.abs(errors), axis=0)], axis=1)
    found = np.zeros((design.n_groups, *rows.shape[1:]))
    np.add.at(found, design.groups, rows)
    return found


def _share_left_open(moments: np.ndarray) -> np.ndarray:
    """Return the mean over targets of error / variance: float64 (m,)."""
    n, total, squares, errors, _ = np.moveaxis(moments, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / n - (total / n) ** 2
        return _mean(np.where(variance > 0, errors / n / variance, np.nan))


def _rmse(moments: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(np.sqrt(moments[:, 3] / moments[:, 0]))


def _mae(moments: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(moments[:, 4] / moments[:, 0])


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row's defined values, NaN if there is none."""
    defined = np.isfinite(values)
    total, nothing = np.where(defined, values, 0.0).sum(axis=1), np.full(len(values), np.nan)
    return np.divide(total, defined.sum(axis=1), out=nothing, where=defined.any(axis=1))


_OF_TARGETS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"q2": _share_left_open, "r2": _share_left_open, "rmse": _rmse, "mae": _mae}
