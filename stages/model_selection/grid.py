"""Number a grid's configurations, and make room for what they predict."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.model_selection.target_forms import FORMS


def product(**values: Sequence[Any]) -> list[Config]:
    """Return every combination, the last name varying fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def empty_predictions(problem: Problem, *shape: int) -> np.ndarray:
    """Return room for predictions, `shape` of them, as `FoldSweep.inner_predictions` returns them."""
    return FORMS[problem.form].empty(shape, len(problem.outputs))


def predictions_of(problem: Problem, decisions: np.ndarray) -> np.ndarray:
    """Return decisions (..., n, n_outputs) in the form of `empty_predictions`."""
    return FORMS[problem.form].kept(decisions)


def in_order(parts: Sequence[Scores], masks: Sequence[np.ndarray]) -> Scores:
    """Return the scores of the rows of several masks as those of all rows."""

    def laid(values: Sequence[np.ndarray]) -> np.ndarray:
        whole = np.empty((len(masks[0]), values[0].shape[1]), values[0].dtype)
        for mask, part in zip(masks, values, strict=True):
            whole[mask] = part
        return whole

    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return Scores(laid([part.decisions for part in parts]), laid(probabilities) if probabilities else None)
