"""Small inner folds, which a model fits as one: then most of the time would be spent in calls, not in products of matrices."""

from collections.abc import Sequence

import numpy as np

from stages.contracts.model import Config, Estimator, InnerFits
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks

MOST_SCORES = 2**17  # of all rows, classes and inner folds: 1 MB per product, which stays in a core's cache


def fits_as_one(model: Estimator, problem: Problem, configs: Sequence[Config], fold: Fold) -> bool:
    """Return whether all configurations are fitted on all inner folds at once: they can be, rows are few, and no fold lacks a class."""
    if model.stacked_path is None or problem.form != "classes" or not all(map(model.is_stacked, configs)):
        return False
    codes, n_classes = problem.target[fold.train], len(problem.outputs)
    if len(codes) * n_classes * fold.n_inner > MOST_SCORES:
        return False
    return all(len(np.unique(codes[fold.inner != inner])) == n_classes for inner in range(fold.n_inner))


def are_dense(blocks: FoldBlocks, combinations: Sequence[Sequence[str]]) -> bool:
    """Return whether the rows of all combinations are dense."""
    return all(isinstance(blocks.encoded[name].matrix, np.ndarray) for names in combinations for name in names)


def inner_fits(problem: Problem, fold: Fold, rows: np.ndarray) -> InnerFits:
    """Return the inner folds of an outer one. rows: of all samples, (n, d)."""
    return InnerFits(rows[fold.train], problem.target[fold.train], fold.inner, fold.n_inner, len(problem.outputs))
