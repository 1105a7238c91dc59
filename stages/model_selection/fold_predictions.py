"""Predictions of the training rows of one outer fold: buffers for a whole grid, and scores joined over the inner folds."""

from collections.abc import Sequence

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.problem import Problem
from stages.model_selection.target_forms import FORMS


def empty_predictions(problem: Problem, *shape: int) -> np.ndarray:
    """Return an uninitialised array for `shape` predictions, in the form of `FoldSweep.inner_predictions`."""
    return FORMS[problem.form].empty(shape, len(problem.outputs))


def predictions_of(problem: Problem, decisions: np.ndarray) -> np.ndarray:
    """Return decisions (..., n, n_outputs) in the form of `empty_predictions`."""
    return FORMS[problem.form].kept(decisions)


def joined_scores(scores: Sequence[Scores], masks: Sequence[np.ndarray]) -> Scores:
    """Return the scores of all rows from those of each mask, bool (n,); a row is in one mask at most, and NaN if it is in none."""

    def joined(values: Sequence[np.ndarray]) -> np.ndarray:
        whole = np.full((len(masks[0]), values[0].shape[1]), np.nan, values[0].dtype)
        for mask, value in zip(masks, values, strict=True):
            whole[mask] = value
        return whole

    probabilities = [one.probabilities for one in scores if one.probabilities is not None]
    return Scores(joined([one.decisions for one in scores]), joined(probabilities) if probabilities else None)
