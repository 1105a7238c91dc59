"""Baseline that sees no modality: the most frequent class, the frequent labels, or each target's mean over the training rows.

A label is predicted if its share of the training rows reaches a threshold, fitted like those of models. A threshold of one half
would be a weak baseline for an F1: it may predict no label at all, and fitted thresholds alone beat that on noise.
"""

import numpy as np

from stages.contracts.control import ControlData, Rule
from stages.contracts.fitted import Scores
from stages.contracts.settings import Settings
from stages.model_selection.target_forms import FORMS


class ConstantSettings(Settings):
    """No settings."""


def predict(data: ControlData, settings: ConstantSettings, train: np.ndarray, rows: np.ndarray) -> Scores:
    """Return the same scores for every row: shares of classes or labels, or means of targets."""
    problem = data.problem
    form = FORMS[problem.form]
    scores = np.tile(form.expected(problem.target[train], len(problem.outputs)), (len(rows), 1))
    return Scores(scores, scores if form.has_probabilities else None)


CONTROL = Rule(name="constant", settings=ConstantSettings, predict=predict)
