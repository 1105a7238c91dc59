"""Early fusion of all samples that have one of a combination's modalities: blocks that a sample lacks are imputed.

Configurations are compared on the samples that have all of the combination, as those of every other way of fusing are: only then can the
best way be chosen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from stages.contracts.fusion import ImputedFusion
from stages.contracts.model import Config, FoldResult
from stages.contracts.problem import Problem
from stages.features.feature_blocks import imputed
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.weighted_fusion import Place


def imputed_results(
    learner: LearnerSetup, problem: Problem, fusion: ImputedFusion, configs: list[Config], found: Mapping[Place, FoldResult]
) -> Iterator[FoldResult]:
    """Yield the result on every outer fold and combination of several modalities.

    Args:
        found: the results of equal weights, which are the same where every sample has all of a combination.
    """
    for modalities in problem.combinations:
        if len(modalities) > 1:
            is_complete = problem.complete(modalities) is None
            of_combination = ((found[fold.repeat, fold.index, modalities] for fold in problem.folds) if is_complete
                              else results(learner, imputed_problem(problem, modalities), configs))  # fmt: skip
            yield from (replace(result, fusion=fusion.name, member=None, out_of_fold=None) for result in of_combination)


def imputed_problem(problem: Problem, modalities: tuple[str, ...]) -> Problem:
    """Return the problem of one combination with its imputed blocks, on the samples that have one of the modalities."""
    if problem.complete(modalities) is None:
        return problem.part(modalities)
    masks = [np.ones(len(problem.target), bool) if mask is None else mask for mask in (problem.blocks[name].present for name in modalities)]
    some = np.logical_or.reduce(masks)
    return replace(
        problem, blocks={name: imputed(problem.blocks[name]) for name in modalities}, combinations=(modalities,),
        folds=tuple(fold.restricted(some) for fold in problem.folds), judged=problem.complete(modalities),
    )  # fmt: skip
