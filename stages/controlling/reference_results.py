"""The predictions of a reference on every outer fold: one estimator, nothing to choose, on all modalities whose features it reads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from stages.contracts.control import Reference
from stages.contracts.model import Estimator, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Sparse
from stages.foundation.parallel import each
from stages.foundation.prefetch import workers
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each


def read_modalities(problem: Problem) -> tuple[str, ...]:
    """Return the modalities with dense features or a table, which are all that a reference reads."""
    largest = max(problem.combinations, key=len)
    return tuple(name for name in largest if not isinstance(problem.blocks[name].raw, Sparse))


def reference_results(control: Reference, problem: Problem) -> list[FoldResult]:
    """Return the result on every outer fold of a problem with one combination; no inner score is defined.

    Trees see samples that lack a modality as they are stored: empty values are values of their own.
    """
    whole = replace(problem, blocks={name: replace(block, present=None) for name, block in problem.blocks.items()})
    with workers() as pool:
        return each(lambda fold: _result(control, whole, fold, pool), whole.folds)


def _result(control: Reference, problem: Problem, fold: Fold, pool: ThreadPoolExecutor) -> FoldResult:
    model = as_sweep(Estimator(name=control.name, settings=control.settings, make=control.make))
    ((sweep,),) = model.run(replace(problem, folds=(fold,)), control.settings(), [{}], pool)
    thresholds = thresholds_of_each(problem, fold, sweep.out_of_fold(0).decisions[None])[0] if needs_thresholds(problem) else None
    scores = sweep.refit(0, problem.seed)().scores
    undefined = np.full((1, fold.n_inner), np.nan)
    return FoldResult(fold, sweep.modalities, {problem.scoring: undefined}, 0, FORMS[problem.form].decide(scores.decisions, thresholds),
                      scores.probabilities)
