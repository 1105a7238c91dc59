"""Baseline of the group alone: the mean or most frequent class of the group's training rows; for groups that recur in training and test.

Groups are split only where the data set says so: by an official split, or in the order of time (a patient's next visit). One row of the
overall training mean is added to each group, so that a group without training rows is predicted to be average.
"""

import numpy as np

from stages.contracts.control import ControlData, Rule
from stages.contracts.fitted import Scores
from stages.contracts.settings import Settings
from stages.model_selection.target_forms import FORMS


class GroupMeansSettings(Settings):
    """No settings."""


def predict(data: ControlData, settings: GroupMeansSettings, train: np.ndarray, rows: np.ndarray) -> Scores:
    """Return for each row the shares or means of its group's training rows."""
    problem, groups = data.problem, group_codes(data)
    form, n_outputs, target = FORMS[problem.form], len(problem.outputs), problem.target[train]
    values = (target[:, None] == np.arange(n_outputs)).astype(np.float64) if problem.form == "classes" else target.astype(np.float64)
    known = ~np.isnan(values)
    total = np.tile(form.expected(target, n_outputs).astype(np.float64), (groups.max() + 1, 1))
    n_rows = np.ones_like(total)
    np.add.at(total, groups[train], np.where(known, values, 0.0))
    np.add.at(n_rows, groups[train], known)
    scores = (total / n_rows)[groups[rows]]
    return Scores(scores, scores.astype(np.float32) if form.has_probabilities else None)


def not_applicable(data: ControlData) -> str | None:
    """Return that no group recurs, if so."""
    groups = group_codes(data)
    if any(np.isin(groups[fold.test], groups[fold.train]).any() for fold in data.problem.folds):
        return None
    return "no group has rows in training and test: groups are never split"


def group_codes(data: ControlData) -> np.ndarray:
    """Return a code of each sample's group: int64 (n,)."""
    return np.unique(np.asarray(data.samples["group"].to_pylist(), dtype=np.str_), return_inverse=True)[1]


CONTROL = Rule(name="group_means", settings=GroupMeansSettings, predict=predict, not_applicable=not_applicable)
