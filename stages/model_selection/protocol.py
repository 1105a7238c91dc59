"""The one evaluation protocol: outer folds, modality combinations, inner folds, choice, thresholds, refit, predictions.

For every outer fold and modality combination a model's grid is scored on the inner folds, the best configuration is chosen there,
refitted on all outer training rows, and predicts the outer test rows. No outer score takes part in a choice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.metric import Scoring
from stages.contracts.model import Config, FoldResult, FoldSweep, Model, TestScores
from stages.contracts.problem import Fold, Problem
from stages.foundation.parallel import each
from stages.foundation.prefetch import prefetched, workers
from stages.model_selection.choice import Choice, choose, choose_config
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each


@dataclass(frozen=True)
class _Begun:
    """A fold and combination whose configuration is chosen and whose refit is under way."""

    fold: Fold
    modalities: tuple[str, ...]
    choice: Choice
    refit: Callable[[], TestScores]
    out_of_fold: Scores | None


def results(
    model: Model, problem: Problem, settings: Any, configs: list[Config], *, out_of_fold: bool = False
) -> Iterator[FoldResult]:
    """Yield what a model reaches on every outer fold and modality combination, in the order of the problem.

    Args:
        out_of_fold: whether to keep the chosen configuration's scores of the training rows.
    """
    with workers() as pool:
        # two steps, each begun before the one before it is waited for: no core is idle while one configuration is refitted
        batches = prefetched(as_sweep(model).run(problem, settings, configs, pool))
        begin = partial(_begin, problem, out_of_fold)
        for begun in prefetched(map(begin, batches)):
            yield from (_result(problem, one) for one in begun)


def _begin(problem: Problem, out_of_fold: bool, batch: Sequence[FoldSweep]) -> list[_Begun]:
    """Choose the configuration of each fold sweep and begin its refit."""

    def begin(sweep: FoldSweep) -> _Begun:
        choice = choose_config(problem, sweep.fold, sweep.inner_predictions())
        kept = sweep.out_of_fold(choice.config) if out_of_fold else None
        return _Begun(sweep.fold, sweep.modalities, choice, sweep.refit(choice.config), kept)

    return each(begin, batch) if len(batch) > 1 else [begin(sweep) for sweep in batch]


def _result(problem: Problem, begun: _Begun) -> FoldResult:
    found = begun.refit()
    return FoldResult(
        fold=begun.fold,
        modalities=begun.modalities,
        inner_scores=begun.choice.scores,
        chosen=begun.choice.config,
        prediction=FORMS[problem.form].decide(found.scores.decisions, begun.choice.thresholds),
        probabilities=found.scores.probabilities,
        curves=found.curves,
        out_of_fold=begun.out_of_fold,
    )


def fit_on(
    model: Model, problem: Problem, fold: Fold, modalities: tuple[str, ...], config: Config, settings: Any
) -> Fitted:
    """Return one configuration fitted on all training rows of a fold, with the labels' thresholds by its inner folds."""
    alone = replace(problem, folds=(fold,), combinations=(modalities,))
    with workers() as pool:
        ((sweep,),) = as_sweep(model).run(alone, settings, [config], pool)
        fitted = sweep.fitted(0)
        if not needs_thresholds(problem):
            return fitted
        thresholds = thresholds_of_each(problem, problem.target[fold.train], sweep.inner_predictions()[:1])[0]
    return replace(fitted, arrays={**fitted.arrays, "thresholds": thresholds})


def best_overall(found: Sequence[FoldResult], metric: Scoring) -> tuple[tuple[str, ...], int]:
    """Return the combination and configuration with the best mean inner score over all outer folds: no outer score takes part."""
    combinations = sorted(dict.fromkeys(result.modalities for result in found), key=len)  # of equals the smallest
    configs, best = [], []
    for modalities in combinations:
        scores = np.hstack([result.inner_scores[metric.name] for result in found if result.modalities == modalities])
        configs.append(choose(scores, greater_is_better=metric.greater_is_better))
        best.append(scores[configs[-1]])
    chosen = choose(np.stack(best), greater_is_better=metric.greater_is_better)
    return combinations[chosen], configs[chosen]


