"""Early fusion with chosen weights: on every outer fold each weighting of the blocks is scored on the inner folds.

The configuration is the one that was chosen for equal weights; where one modality alone has all the weight, the one chosen for it. So a
weighting costs the trainings of one configuration, not of a grid. Equal weights, and one modality alone where every sample has all
modalities, have been trained already.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.contracts.fusion import EarlyFusion
from stages.contracts.model import Config, FoldResult, FoldSweep
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import encode_fold
from stages.foundation.prefetch import prefetched, workers
from stages.model_selection.choice import Choice, choose, choose_config
from stages.model_selection.protocol import LearnerSetup, refitted_result
from stages.model_selection.tuning_sample import separately_tuned, tuning_problem

Place = tuple[int, int, tuple[str, ...]]  # repeat, fold, combination


@dataclass(frozen=True)
class Weighting:
    """modalities: those with a weight above 0. factors: of their blocks, mean 1. config: with which it is tried."""

    weights: Mapping[str, float]
    modalities: tuple[str, ...]
    factors: Mapping[str, float]
    config: Config

    @property
    def is_equal(self) -> bool:
        """Return whether all of the combination's modalities have the same weight."""
        return len(set(self.weights.values())) == 1

    def weighted(self, problem: Problem) -> Problem:
        """Return the problem of the weighted modalities alone."""
        blocks = {name: problem.blocks[name].weighted(factor) for name, factor in self.factors.items()}
        return replace(problem, blocks=blocks, combinations=(self.modalities,))


def weighting_of(modalities: Sequence[str], row: np.ndarray, config_of: Mapping[tuple[str, ...], Config]) -> Weighting:
    """Return a row of `EarlyFusion.weightings` as a weighting. config_of: of the combination and of each modality alone."""
    weights = dict(zip(modalities, row.tolist(), strict=True))
    kept = tuple(name for name, weight in weights.items() if weight > 0)
    config = config_of[kept if len(kept) == 1 else tuple(modalities)]
    return Weighting(weights, kept, {name: weights[name] * len(kept) for name in kept}, config)


def weighted_results(
    learner: LearnerSetup, problem: Problem, fusion: EarlyFusion, settings: Any, found: Mapping[Place, FoldResult]
) -> Iterator[FoldResult]:
    """Yield the result of the chosen weights on every outer fold and combination of several modalities.

    Args:
        found: the results of equal weights and of the modalities alone.
    """
    with workers() as pool:
        for whole in problem.parts():
            combinations = [modalities for modalities in whole.combinations if len(modalities) > 1]
            for part in separately_tuned(whole, learner.tuning_rows) if combinations else []:
                tuned = tuning_problem(part, learner.tuning_rows)
                for fold, own in zip(part.folds, tuned.folds, strict=True):
                    _held = encode_fold(tuned.blocks, tuned.preprocessing_rows(own))  # so that the weightings of a fold share it
                    for modalities in combinations:
                        alone = {name: found[fold.repeat, fold.index, (name,)] for name in modalities}
                        equal = found[fold.repeat, fold.index, modalities]
                        n = len(modalities)
                        rows = fusion.weightings(n, settings) if learner.model.uses_weights else np.full((1, n), 1 / n)
                        one = _OneFold(learner, part, fold, tuned, own, equal, alone, rows)
                        yield replace(one.result(pool), modalities=modalities, fusion=fusion.name)


@dataclass(frozen=True)
class _OneFold:
    """One outer fold and combination. tuned, own: the problem and fold on which weightings are compared."""

    learner: LearnerSetup
    problem: Problem
    fold: Fold
    tuned: Problem
    own: Fold
    equal: FoldResult
    alone: Mapping[str, FoldResult]
    rows: np.ndarray  # as `EarlyFusion.weightings` returns them

    def result(self, pool: ThreadPoolExecutor) -> FoldResult:
        """Return the result of the best weighting."""
        weightings = [weighting_of(self.equal.modalities, row, self._configs()) for row in self.rows]
        known = [self._known(weighting) for weighting in weightings]
        scores: list[Mapping[str, np.ndarray] | None] = [None if result is None else _chosen_scores(result) for result in known]
        kept: dict[int, tuple[FoldSweep, Choice]] = {}  # of the best so far: a sweep may hold large matrices
        new = [index for index, of_one in enumerate(scores) if of_one is None]
        for index, sweep in zip(new, prefetched(self._sweep(weightings[index], pool) for index in new), strict=True):
            choice = choose_config(self.tuned, self.own, sweep.inner_predictions())
            scores[index] = choice.scores
            if self._best(scores) == index:
                kept = {index: (sweep, choice)}
        best = self._best(scores)
        found = known[best]
        if found is None:
            sweep, choice = kept[best]
            found = self._refitted(weightings[best], sweep, choice, pool)
        of_all = {name: np.vstack([of_one[name] for of_one in scores if of_one is not None]) for name in self.equal.inner_scores}
        configs = [{"modality_weights": dict(weighting.weights)} for weighting in weightings]
        return replace(found, inner_scores=of_all, chosen=best, configs=configs, member=None, out_of_fold=None)

    def _configs(self) -> dict[tuple[str, ...], Config]:
        return {result.modalities: dict(result.configs[result.chosen]) for result in (self.equal, *self.alone.values())}

    def _known(self, weighting: Weighting) -> FoldResult | None:
        """Return the result of a weighting that has been trained on the same rows."""
        if len(weighting.modalities) == 1:
            alone = self.alone[weighting.modalities[0]]
            return alone if np.array_equal(alone.fold.train, self.fold.train) else None
        return self.equal if weighting.is_equal else None

    def _best(self, scores: Sequence[Mapping[str, np.ndarray] | None]) -> int:
        """Return the best of the weightings that are scored so far."""
        name = self.problem.scoring
        scored = [index for index, of_one in enumerate(scores) if of_one is not None]
        stacked = np.vstack([of_one[name] for of_one in scores if of_one is not None])
        return scored[choose(stacked, greater_is_better=self.problem.metrics[name].greater_is_better)]

    def _sweep(self, weighting: Weighting, pool: ThreadPoolExecutor, *, whole: bool = False) -> FoldSweep:
        """Start the weighting's configuration on the inner folds, of the rows on which weightings are compared or of all."""
        problem, fold = (self.problem, self.fold) if whole else (self.tuned, self.own)
        weighted = replace(weighting.weighted(problem), folds=(fold,))
        ((sweep,),) = self.learner.model.run(weighted, self.learner.settings, [weighting.config], pool)
        return sweep

    def _refitted(self, weighting: Weighting, sweep: FoldSweep, choice: Choice, pool: ThreadPoolExecutor) -> FoldResult:
        if self.tuned is not self.problem:
            sweep = self._sweep(weighting, pool, whole=True)
        return refitted_result(self.learner, self.problem, sweep, 0, choice, compared_on=self.equal.tuning_rows)


def _chosen_scores(result: FoldResult) -> dict[str, np.ndarray]:
    """Return the inner scores of a result's chosen configuration: float64 (1, n_inner) by metric."""
    return {name: scores[[result.chosen]] for name, scores in result.inner_scores.items()}
