"""Baseline of one named column: the target is predicted to be what that column says, such as the flow in two days to be that of now.

A data set under stages/datasets/ declares it by a column `persistence` of its samples (river_flow does); own data by `persistence:` in its
entry, a column, or a mapping of target to column. Where the column is empty, or names a class that the data set does not have, the
prediction is the training rows' mean or most frequent class. A class's probability is the column's hit rate on the training rows; the other
classes share the rest in proportion to their rows.
"""

import numpy as np

from stages.contracts.control import ControlData, Rule
from stages.contracts.fitted import Scores
from stages.contracts.settings import Settings
from stages.foundation.tables import column_values
from stages.model_selection.target_forms import FORMS

COLUMN = "persistence"  # of samples


class PersistenceSettings(Settings):
    """No settings."""


def predict(data: ControlData, settings: PersistenceSettings, train: np.ndarray, rows: np.ndarray) -> Scores:
    """Return the column's values as scores."""
    problem, values = data.problem, column_values(data.samples[COLUMN])
    expected = FORMS[problem.form].expected(problem.target[train], len(problem.outputs))
    if problem.form == "continuous":
        return Scores(np.where(np.isnan(values[rows]), expected, values[rows]), None)
    named, target = values[train], problem.target[train]
    hit_rate = (np.count_nonzero(named == target) + 1) / (np.count_nonzero(named >= 0) + 2)
    is_named = values[rows, None] == np.arange(len(problem.outputs))
    others = np.where(is_named, 0.0, expected)
    total = np.maximum(others.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    probabilities = np.where(is_named, hit_rate, (1 - hit_rate * is_named.any(axis=1, keepdims=True)) * others / total)
    return Scores(np.where(is_named, 2.0, expected), probabilities.astype(np.float32))


def not_applicable(data: ControlData, settings: PersistenceSettings) -> str | None:
    """Return that no column is declared, if so."""
    if COLUMN in data.samples.column_names:
        return None
    if data.problem.form == "labels":
        return "a column says one class or number, and the targets are labels"
    return "no column is declared to say what the target is (`persistence:` in the data set's entry)"


CONTROL = Rule(name="persistence", settings=PersistenceSettings, predict=predict, not_applicable=not_applicable)
