"""Control: the most frequent class, the labels that hold often enough or each number's mean over the training rows, whatever the sample.

"Often enough" is a threshold on a label's share of the training rows, chosen as a learner's are. One half would be no control where the
metric is an F1: it may predict no label at all, and thresholds alone then beat it on noise.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stages.contracts.model import Fitted, FoldResult, Model
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.task import Task
from stages.model_selection.choice import InnerPredictions, thresholds_for
from stages.model_selection.decisions import CLASSES, decide, known_means


class ConstantSettings(Settings):
    """Nothing to set."""


def grid(settings: ConstantSettings, seed: int) -> list[dict[str, Any]]:
    """Return the one configuration."""
    return [{}]


def sweep(problem: Problem, settings: ConstantSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the control's result per outer fold and subset: it looks at no modality, so a fold's are all the same."""
    for fold in problem.folds:
        target = problem.target[fold.train]
        inner = InnerPredictions(problem, fold, 1)
        for index in range(int(fold.inner.max()) + 1):
            out = fold.inner == index
            inner.put(0, out, np.tile(_expected(problem, target[~out]), (int(out.sum()), 1)))
        choice = inner.choose()
        prediction, scores = _answers(problem.task, _expected(problem, target), choice.thresholds, len(fold.test))
        for subset in problem.subsets:
            yield FoldResult(fold, subset, choice.scores, 0, prediction, scores)


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: ConstantSettings) -> Fitted:
    """Return the shares or means of every training row; crossed held-out rows give the labels' thresholds."""
    arrays = {"expected": _expected(problem, problem.target[problem.training_rows()])}
    if problem.task == "multilabel":
        pairs = problem.crossed()
        shares = [np.tile(_expected(problem, problem.target[train]), (len(test), 1)) for train, test in pairs]
        thresholds = thresholds_for(problem, problem.target[np.concatenate([test for _, test in pairs])], np.vstack(shares))
        arrays |= {} if thresholds is None else {"thresholds": thresholds}
    return Fitted(arrays, {"task": problem.task})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the same answer for every row."""
    arrays = fitted.arrays
    return _answers(fitted.state["task"], arrays["expected"], arrays.get("thresholds"), next(iter(matrices.values())).shape[0])


def _expected(problem: Problem, target: np.ndarray) -> np.ndarray:
    """Return the share of each class or label, float32 (n_outputs,), or the mean of each number where it is known, float64."""
    if problem.task in CLASSES:
        return (np.bincount(target, minlength=len(problem.outputs)) / len(target)).astype(np.float32)
    return known_means(target) if problem.task == "regression" else known_means(target).astype(np.float32)


def _answers(task: Task, expected: np.ndarray, thresholds: np.ndarray | None, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    scores = np.tile(expected, (n, 1))
    return decide(task, scores, thresholds), None if task == "regression" else scores


MODEL = Model(
    name="constant",
    settings=ConstantSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 1,
    is_control=True,
)
