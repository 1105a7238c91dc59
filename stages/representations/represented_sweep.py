"""A learner whose features are a network's representation, as a sweep of the protocol that all models share.

Inner folds have representations of their own: of each, the network has seen the other inner folds alone. So configurations and labels'
thresholds are chosen by predictions of rows that neither learner nor network has seen, as the outer test rows are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Sweep, TestScores
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.model_selection.fold_predictions import joined_scores
from stages.representations.network_representations import FoldRepresentations, NetworkRepresentations

HIDDEN = "representation"  # name of the one block


@dataclass(frozen=True)
class RepresentedFoldSweep:
    """A learner's grid on one outer fold and combination. inner: its sweeps, one per inner fold, each with that inner fold alone."""

    learner: Sweep
    settings: Any
    configs: list[Config]
    problem: Problem
    fold: Fold
    modalities: tuple[str, ...]
    found: FoldRepresentations
    inner: Sequence[FoldSweep]
    pool: ThreadPoolExecutor

    def inner_predictions(self) -> np.ndarray:
        predictions = self.inner[0].inner_predictions().copy()
        for code, sweep in enumerate(self.inner):
            predictions[:, self.fold.inner == code] = sweep.inner_predictions()[:, self.fold.inner == code]
        return predictions

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == code for code in range(self.fold.n_inner)]
        whole = [sweep.out_of_fold(config) for sweep in self.inner]
        return joined_scores([taken(scores, mask) for scores, mask in zip(whole, masks, strict=True)], masks)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        return self._alone(config).refit(0, seed)

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        return self._alone(config).fitted(0, seed)

    def _alone(self, config: int) -> FoldSweep:
        """Return the sweep of one configuration on the representation by the network of all training rows."""
        problem = represented(self.problem, self.fold, self.found.outer)
        ((sweep,),) = self.learner.run(problem, self.settings, [self.configs[config]], self.pool)
        return sweep


def taken(scores: Scores, rows: np.ndarray) -> Scores:
    """Return the scores of some rows."""
    return Scores(scores.decisions[rows], None if scores.probabilities is None else scores.probabilities[rows])


def represented(problem: Problem, fold: Fold, values: np.ndarray) -> Problem:
    """Return the problem of one fold whose features are a representation, float32 (n, d)."""
    return replace(problem, blocks={HIDDEN: Block(HIDDEN, Dense(values), {})}, folds=(fold,), combinations=((HIDDEN,),))


def only_inner(fold: Fold, code: int) -> Fold:
    """Return the fold with one inner fold; the rows of the others are trained on, and in none."""
    return replace(fold, test=fold.test[:0], inner=np.where(fold.inner == code, 0, 1).astype(np.int16), n_inner=1)


def learner_of(learner: Sweep, network: NetworkRepresentations) -> Sweep:
    """Return a learner that sees what a network represents samples by instead of their features."""

    def run(problem: Problem, settings: Any, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
        for fold in problem.folds:
            for modalities in problem.combinations:
                found, sweeps = network.of(problem, fold, modalities, pool), list[FoldSweep]()
                for code, values in enumerate(found.inner):
                    ((sweep,),) = learner.run(represented(problem, only_inner(fold, code), values), settings, configs, pool)
                    sweeps.append(sweep)
                yield [RepresentedFoldSweep(learner, settings, configs, problem, fold, modalities, found, sweeps, pool)]

    def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
        raise NotImplementedError("a learner of a representation is not saved")

    return replace(learner, run=run, predict=predict)
