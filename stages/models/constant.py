"""Control: predict the most frequent class of the training rows, with the class shares as probabilities."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stages.contracts import Fitted, FoldResult, Model, Problem, Settings
from stages.numerics.selection import score_inner


class MajoritySettings(Settings):
    """Nothing to set."""


def grid(settings: MajoritySettings, seed: int) -> list[dict[str, Any]]:
    """Return the one configuration."""
    return [{}]


def sweep(problem: Problem, settings: MajoritySettings) -> Iterator[FoldResult]:
    """Yield the control's result per outer fold and subset: it looks at no modality, so a fold's are all the same."""
    for fold in problem.folds:
        target = problem.target[fold.train]
        inner_prediction = np.empty((1, len(target)), dtype=np.int32)
        for inner in range(int(fold.inner.max()) + 1):
            inner_prediction[0, fold.inner == inner] = _shares(target[fold.inner != inner], len(problem.classes)).argmax()
        scores = np.tile(_shares(target, len(problem.classes)), (len(fold.test), 1))
        inner_scores = score_inner(target, inner_prediction, fold.inner, problem.select)
        for subset in problem.subsets:
            yield FoldResult(fold, subset, inner_scores, 0, scores.argmax(axis=1).astype(np.int32), scores)


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: MajoritySettings) -> Fitted:
    """Return the class shares of every training row."""
    return Fitted({"shares": _shares(problem.target[problem.training_rows()], len(problem.classes))}, {})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the most frequent class and the shares for every row."""
    n = next(iter(matrices.values())).shape[0]
    scores = np.tile(fitted.arrays["shares"], (n, 1))
    return scores.argmax(axis=1).astype(np.int32), scores


def _shares(target: np.ndarray, n_classes: int) -> np.ndarray:
    return (np.bincount(target, minlength=n_classes) / len(target)).astype(np.float32)


MODEL = Model(
    name="majority",
    settings=MajoritySettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    smallest_training_set=lambda settings: 1,
)
