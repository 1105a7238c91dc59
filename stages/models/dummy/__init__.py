"""Baseline that uses no features: the most frequent class, the frequent labels, or each target's mean over the training rows.

A label is predicted if its share of the training rows reaches a threshold, fitted like those of other models. A threshold of one half
would be a weak baseline for an F1: it may predict no label at all, and fitted thresholds alone beat that on noise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Sweep, TestScores
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.model_selection.fold_predictions import predictions_of
from stages.model_selection.target_forms import FORMS


class DummySettings(Settings):
    """No settings."""


def grid(settings: DummySettings, seed: int) -> list[Config]:
    """Return the one configuration."""
    return [{}]


def run(problem: Problem, settings: DummySettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the baseline's sweep of every outer fold and modality combination; within a fold they are equal."""
    for fold in problem.folds:
        for modalities in problem.combinations:
            yield [DummyFoldSweep(problem, fold, modalities)]


@dataclass(frozen=True)
class DummyFoldSweep:
    """The baseline on one outer fold and modality combination."""

    problem: Problem
    fold: Fold
    modalities: tuple[str, ...]

    def inner_predictions(self) -> np.ndarray:
        return predictions_of(self.problem, self.out_of_fold(0).decisions)[None]

    def out_of_fold(self, config: int) -> Scores:
        target = self.problem.target[self.fold.train]
        values = np.stack([_expected(self.problem, target[self.fold.inner != inner]) for inner in range(self.fold.n_inner)])
        return _scores(self.problem, values[np.minimum(self.fold.inner, self.fold.n_inner - 1)])

    def refit(self, config: int) -> Callable[[], TestScores]:
        expected = _expected(self.problem, self.problem.target[self.fold.train])
        scores = TestScores(_scores(self.problem, np.tile(expected, (len(self.fold.test), 1))))
        return lambda: scores

    def fitted(self, config: int) -> Fitted:
        expected = _expected(self.problem, self.problem.target[self.fold.train])
        return Fitted({"expected": expected}, {"form": self.problem.form})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the same scores for every row."""
    rows = np.tile(fitted.arrays["expected"], (next(iter(matrices.values())).shape[0], 1))
    return Scores(rows, rows if FORMS[fitted.state["form"]].has_probabilities else None)


def _expected(problem: Problem, target: np.ndarray) -> np.ndarray:
    return FORMS[problem.form].expected(target, len(problem.outputs))


def _scores(problem: Problem, rows: np.ndarray) -> Scores:
    return Scores(rows, rows if FORMS[problem.form].has_probabilities else None)


MODEL = Sweep(name="dummy", settings=DummySettings, grid=grid, run=run, predict=predict, min_samples=lambda config: 1, is_baseline=True)
