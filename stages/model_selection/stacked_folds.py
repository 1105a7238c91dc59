"""Small inner folds, which a model fits as one: then most of the time would be spent in calls, not in products of matrices."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from stages.contracts.model import Config, Estimator, InnerFits
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks

MOST_SCORES = 2**17  # of all rows, classes and inner folds: 1 MB per product, which stays in a core's cache


def fits_as_one(model: Estimator, problem: Problem, configs: Sequence[Config], fold: Fold) -> bool:
    """Return whether the inner folds of an outer one are few rows of classes, of which no fold lacks one, and all configurations can be
    fitted on all of them at once.
    """
    if model.stacked_path is None or problem.form != "classes" or not all(map(model.is_stacked, configs)):
        return False
    codes, n_classes = problem.target[fold.train], len(problem.outputs)
    if len(codes) * n_classes * fold.n_inner > MOST_SCORES:
        return False
    return all(len(np.unique(codes[fold.inner != inner])) == n_classes for inner in range(fold.n_inner))


def are_dense(blocks: FoldBlocks, combinations: Sequence[Sequence[str]]) -> bool:
    """Return whether the rows of all combinations are dense."""
    return all(isinstance(blocks.encoded[name].matrix, np.ndarray) for name in chain(*combinations))


def stacked_decisions(
    model: Estimator, problem: Problem, fold: Fold, rows: np.ndarray, paths: Sequence[Sequence[Config]]
) -> Iterator[np.ndarray]:
    """Yield the out-of-fold decisions of each configuration, path by path: float64 (n_train, n_classes). rows: of all samples."""
    assert model.stacked_path is not None
    fits = InnerFits(rows[fold.train], problem.target[fold.train], fold.inner, fold.n_inner, len(problem.outputs))
    for configs in paths:
        yield from model.stacked_path(configs, fits)
