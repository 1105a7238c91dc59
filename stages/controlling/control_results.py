"""The predictions of one control on every outer fold: the protocol of models (stages/model_selection/protocol.py) without a grid."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from stages.contracts.control import ControlData, Reference, Restricted, Rule
from stages.contracts.fitted import Scores
from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold, Problem
from stages.controlling.fitted_trees import tree_scores
from stages.controlling.reference_results import read_modalities, reference_results
from stages.foundation.parallel import each
from stages.model_selection.fold_predictions import joined_scores
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each

Predict = Callable[[Fold, np.ndarray, np.ndarray], Scores]


def controlled(problem: Problem, control: Rule | Restricted | Reference) -> Problem:
    """Return the problem with the control's combinations: one of no modality, or of what a reference reads, or all."""
    if isinstance(control, Reference):
        return replace(problem, combinations=(read_modalities(problem),))
    return problem if control.by_combination else replace(problem, combinations=((),))


def control_results(control: Rule | Restricted | Reference, data: ControlData, settings: Any) -> list[FoldResult] | str:
    """Return the control's result on every outer fold and combination, or why it is not applicable.

    It has no configuration to choose, so no inner score is defined.
    """
    if isinstance(control, Reference):
        if why := control.not_applicable(data, settings):
            return why
        return reference_results(control, controlled(data.problem, control))
    predict_on = prepared(control, data, settings)
    if isinstance(predict_on, str):
        return predict_on
    # of a sample that lacks a modality they see that
    problem = controlled(data.problem, control)
    jobs = [(problem, fold, modalities) for fold in problem.folds for modalities in problem.combinations]
    return each(lambda job: _result(*job, predict_on(job[2])), jobs)


def prepared(control: Rule | Restricted, data: ControlData, settings: Any) -> Callable[[tuple[str, ...]], Predict] | str:
    """Return the function that predicts on a combination, or why the control is not applicable."""
    if why := control.not_applicable(data, settings):
        return why
    if isinstance(control, Rule):
        return lambda modalities: lambda fold, train, rows: control.predict(data, settings, train, rows)
    columns = control.columns(data, settings)
    if not any((values != values[:1]).any() for values in columns.values()):
        return "what it sees is the same of every sample"

    def predict_on(modalities: tuple[str, ...]) -> Predict:
        seen = np.hstack([np.zeros((len(data.samples), 1)), *(columns[name] for name in modalities or ("",))])  # one column at least
        purpose = (control.name, *modalities)
        return lambda fold, train, rows: tree_scores(seen, data.problem, train, rows, purpose=(*purpose, str(fold.repeat), str(fold.index)))

    return predict_on


def _result(problem: Problem, fold: Fold, modalities: tuple[str, ...], predict: Predict) -> FoldResult:
    thresholds = _thresholds(problem, fold, predict) if needs_thresholds(problem) else None
    scores = predict(fold, fold.train, fold.test)
    undefined = np.full((1, fold.n_inner), np.nan)
    return FoldResult(fold, modalities, {problem.scoring: undefined}, 0, FORMS[problem.form].decide(scores.decisions, thresholds),
                      scores.probabilities)


def _thresholds(problem: Problem, fold: Fold, predict: Predict) -> np.ndarray:
    """Return the labels' thresholds, fitted as those of models on out-of-fold scores of the training rows."""
    masks = [fold.inner == inner for inner in range(fold.n_inner)]
    scores = joined_scores([predict(fold, fold.train[~out], fold.train[out]) for out in masks], masks)
    thresholds: np.ndarray = thresholds_of_each(problem, fold, scores.decisions[None])[0]
    return thresholds
