"""Fit scikit-learn estimators to a problem's target and score rows with them.

One estimator is fitted to the whole target if it supports that: one class per row, or several labels or targets if its tags declare it and
all values are known. Otherwise each output has its own estimator, fitted on the rows where it is known. Continuous targets are
standardised.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.features.encoders import Matrix
from stages.model_selection.target_forms import Scale, fit_scale


@dataclass(frozen=True)
class FittedEstimators:
    """The estimators of one configuration.

    members: one estimator for all outputs, or one per output. scale: of continuous targets.
    """

    form: TargetForm
    n_outputs: int
    members: Sequence[Any]
    scale: Scale | None = None


def fit_path(
    make: Callable[[Config], Any], configs: Sequence[Config], X: Matrix, problem: Problem, rows: np.ndarray, *, path: str | None
) -> Iterator[FittedEstimators]:
    """Yield the estimators of each configuration, fitted on X (n_rows, d); with a path each starts from the previous solution.

    With a path the same objects are refitted for the next configuration: use them before advancing the iterator.

    Args:
        rows: the problem's rows that X holds. path: the one setting in which the configurations differ, or None.
    """
    target, n_outputs = problem.target[rows], len(problem.outputs)
    scale = fit_scale(target) if problem.form == "continuous" else None
    values = target if scale is None else scale.standardised(target)
    members: list[Any] = []
    for config in configs:
        estimator = make(config)
        if members and path is not None and {path, "warm_start"} <= set(estimator.get_params()):
            _set(members, {path: config[path]})
        else:
            members = _members(estimator, problem.form, values, warm_start=path is not None)
        _fit(members, X, values)
        yield FittedEstimators(problem.form, n_outputs, members, scale)


def _members(estimator: Any, form: TargetForm, values: np.ndarray, *, warm_start: bool) -> list[Any]:
    """Return the unfitted estimators of a target: one, or one per output."""
    from sklearn.base import clone
    from sklearn.dummy import DummyClassifier
    from sklearn.utils import get_tags

    if warm_start and "warm_start" in estimator.get_params():
        estimator.set_params(warm_start=True)
    tags = get_tags(estimator)
    together = tags.classifier_tags.multi_label if form == "labels" else tags.target_tags.multi_output
    if values.ndim == 1 or (together and not np.isnan(values).any()):
        return [estimator]
    constant = [form == "labels" and column.min() == column.max() for column in values.T]
    return [DummyClassifier(strategy="prior") if flat else clone(estimator) for flat in constant]


def _set(members: Sequence[Any], values: Config) -> None:
    for member in members:
        if set(values) <= set(member.get_params()):  # a constant label's dummy lacks them
            member.set_params(**values)


def _fit(members: Sequence[Any], X: Matrix, values: np.ndarray) -> None:
    if len(members) == 1:
        members[0].fit(X, values.ravel() if values.ndim == 2 and values.shape[1] == 1 else values)
        return
    for member, column in zip(members, values.T, strict=True):
        known = ~np.isnan(column)
        member.fit(X if known.all() else X[known], column if known.all() else column[known])


def scores_by(found: FittedEstimators, X: Matrix) -> Scores:
    """Return the scores of rows (n, d)."""
    if found.scale is not None:
        columns = [np.asarray(member.predict(X), np.float64).reshape(X.shape[0], -1) for member in found.members]
        return Scores(found.scale.restored(np.hstack(columns)), None)
    if found.form == "classes":
        decisions = _class_probabilities(found.members[0], X, found.n_outputs)
    elif len(found.members) == 1 and found.n_outputs > 1:
        of_labels = zip(found.members[0].predict_proba(X), found.members[0].classes_, strict=True)
        decisions = np.stack([_positive_probability(probabilities, classes) for probabilities, classes in of_labels], axis=1)
    else:
        decisions = np.stack([_class_probabilities(member, X, 2)[:, 1] for member in found.members], axis=1)
    return Scores(decisions, decisions.astype(np.float32))


def _class_probabilities(estimator: Any, X: Matrix, n_classes: int) -> np.ndarray:
    """Return probabilities, float64 (n, n_classes); 0 for a class without training rows."""
    found = np.zeros((X.shape[0], n_classes))
    found[:, estimator.classes_.astype(np.int64)] = probabilities_of(estimator, X)
    return found


def probabilities_of(estimator: Any, X: Matrix) -> np.ndarray:
    """Return predict_proba, or the softmax of decision_function if the estimator lacks it: float64 (n, n_classes of the estimator)."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X), np.float64)
    from scipy.special import softmax

    values = np.asarray(estimator.decision_function(X))
    return np.asarray(softmax(np.stack([-values, values], axis=1) if values.ndim == 1 else values, axis=1))


def _positive_probability(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the probability that a label holds; 0 or 1 if the training rows have one value only."""
    at = np.flatnonzero(classes == 1)
    return probabilities[:, at[0]] if len(at) else np.zeros(len(probabilities))
