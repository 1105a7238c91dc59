"""Every declared way of fusing, on every outer fold and combination of several modalities, and on each fold the best of them.

Which way is best on an outer fold is chosen on its inner folds, as a configuration is: "chosen" is a candidate of its own, whose outer
scores chose nothing. Ties go to the way that is declared first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fusion import EarlyFusion, Fusion, ImputedFusion, LateFusion
from stages.contracts.model import Config, FoldResult
from stages.contracts.problem import Problem
from stages.model_selection.choice import choose
from stages.model_selection.imputed_fusion import imputed_results
from stages.model_selection.late_fusion import late_result, members_of
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.weighted_fusion import Place, weighted_results

Ways = Mapping[Fusion, Any]  # each with its settings, in the order in which they are declared


def trained_combinations(problem: Problem, ways: Iterable[Fusion]) -> Problem:
    """Return the problem with the combinations that are trained: without early fusion only single modalities."""
    if any(isinstance(way, EarlyFusion | ImputedFusion) for way in ways):
        return problem
    return replace(problem, combinations=tuple(modalities for modalities in problem.combinations if len(modalities) == 1))


def fused_results(
    learner: LearnerSetup, problem: Problem, ways: Ways, configs: list[Config], found: Sequence[FoldResult]
) -> Iterator[FoldResult]:
    """Yield what `results` has not: every other way's result on each outer fold and combination of several modalities, then the chosen one.

    Args:
        found: the results of the single modalities and, if blocks are fused early, of equal weights.
    """
    by_place = {place_of(result): result for result in found}
    of_way = {EARLY: by_place}
    for way, settings in ways.items():
        if way.name != EARLY:
            of_way[way.name] = {}
            of_this = (imputed_results(learner, problem, way, configs, by_place) if isinstance(way, ImputedFusion)
                       else _results_of(way, learner, problem, settings, by_place))  # fmt: skip
            for result in of_this:
                of_way[way.name][place_of(result)] = result
                yield result
    if len(ways) > 1:
        for place in _places(problem):
            yield chosen_result(problem, [of_way[way.name][place] for way in ways])


def place_of(result: FoldResult) -> Place:
    """Return the outer fold and combination of a result."""
    return result.fold.repeat, result.fold.index, result.modalities


def n_results(problem: Problem, ways: Sequence[Fusion]) -> int:
    """Return how many results there are of all ways together."""
    several = sum(len(modalities) > 1 for modalities in problem.combinations)
    n_ways = len(ways) + (len(ways) > 1)
    return len(problem.folds) * (len(problem.combinations) - several + several * n_ways)


def _places(problem: Problem) -> Iterator[Place]:
    for fold in problem.folds:
        yield from ((fold.repeat, fold.index, modalities) for modalities in problem.combinations if len(modalities) > 1)


def _results_of(
    way: EarlyFusion | LateFusion, learner: LearnerSetup, problem: Problem, settings: Any, found: Mapping[Place, FoldResult]
) -> Iterator[FoldResult]:
    if isinstance(way, EarlyFusion):
        yield from weighted_results(learner, problem, way, settings, found)
        return
    for modalities in problem.combinations:
        for fold in problem.part(modalities).folds if len(modalities) > 1 else ():
            members = members_of(fold, [found[fold.repeat, fold.index, (name,)] for name in modalities])
            yield late_result(problem, way, settings, modalities, members, learner.calibration_of(problem))


def chosen_result(problem: Problem, of_ways: Sequence[FoldResult]) -> FoldResult:
    """Return the result of the way with the best inner score, as that of the candidate "chosen"."""
    scores = {name: np.vstack([result.inner_scores[name][result.chosen] for result in of_ways]) for name in of_ways[0].inner_scores}
    best = choose(scores[problem.scoring], greater_is_better=problem.metrics[problem.scoring].greater_is_better)
    configs = [{"fusion": result.fusion} for result in of_ways]
    return replace(of_ways[best], inner_scores=scores, chosen=best, configs=configs, fusion=CHOSEN, curves={}, notes={}, member=None,
                   out_of_fold=None, usable=None, critical_point=None)  # fmt: skip
