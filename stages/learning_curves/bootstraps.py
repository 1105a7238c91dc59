"""Train a model on bootstraps of each outer fold's training rows, once per value of a parameter.

For each value the other parameters are chosen by the protocol of models, on the inner folds of all training rows; they are the same for
all bootstraps, so that variance is that of training, not that of the choice.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from stages.contracts.documents.bias_variance_document import CapacityPoint
from stages.contracts.model import Config, Sweep
from stages.contracts.problem import Fold, Problem
from stages.foundation.parallel import each
from stages.foundation.prefetch import workers
from stages.foundation.seeds import derived_seed
from stages.learning_curves.squared_loss import bias_and_variance, output_weights, squared_form, squared_target
from stages.model_selection.choice import choose_config


def capacity_points(
    model: Sweep, settings: Any, configs: list[Config], problem: Problem, groups: np.ndarray, *, parameter: str, n_bootstraps: int
) -> list[CapacityPoint]:
    """Return bias and variance by the values of a parameter, in the grid's order.

    Args:
        problem: of one modality combination.
        groups: int (n,), codes of the groups of the problem's rows.
    """
    values = list(dict.fromkeys(config[parameter] for config in configs))
    weights = output_weights(problem.target, problem.form, len(problem.outputs))
    bias, variance = np.zeros((2, len(values), len(problem.folds)))
    with workers() as pool:
        for place, fold in enumerate(problem.folds):
            best = _best_of_each(model, settings, configs, replace(problem, folds=(fold,)), parameter, pool)
            drawn = [_bootstrap(problem, fold, groups, number) for number in range(n_bootstraps)]
            predicted = [_predicted(model, settings, [best[value] for value in values], of_draw, pool) for of_draw in drawn]
            target = squared_target(problem.target[fold.test], problem.form, len(problem.outputs))
            for i in range(len(values)):
                bias[i, place], variance[i, place] = bias_and_variance(target, [of_draw[i] for of_draw in predicted], weights)
    return [CapacityPoint(value=value, bias=tuple(bias[i].tolist()), variance=tuple(variance[i].tolist())) for i, value in enumerate(values)]


def _best_of_each(
    model: Sweep, settings: Any, configs: list[Config], problem: Problem, parameter: str, pool: ThreadPoolExecutor
) -> dict[Any, Config]:
    """Return for each value of the parameter the configuration that is best on the fold's inner folds."""
    ((sweep,),) = model.run(problem, settings, configs, pool)
    predictions = sweep.inner_predictions()
    found = {}
    for value in dict.fromkeys(config[parameter] for config in configs):
        mine = [index for index, config in enumerate(configs) if config[parameter] == value]
        found[value] = configs[mine[choose_config(problem, sweep.fold, predictions[mine]).config]]
    return found


def _bootstrap(problem: Problem, fold: Fold, groups: np.ndarray, number: int) -> Problem:
    """Return the fold as a problem of its own, whose training rows are those of groups drawn with replacement; a group keeps its inner fold."""
    rng = np.random.default_rng(derived_seed(problem.seed, "bootstrap", str(fold.repeat), str(fold.index), str(number)))
    names, codes = np.unique(groups[fold.train], return_inverse=True)
    by_group = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    places = np.sort(np.concatenate([by_group[group] for group in rng.integers(len(names), size=len(names))]))
    rows = np.concatenate([fold.train[places], fold.test])
    n = len(places)
    own = Fold(fold.repeat, fold.index, np.arange(n), np.arange(n, len(rows)), fold.inner[places], fold.n_inner)
    blocks = {name: problem.blocks[name].taken(rows) for name in problem.combinations[0]}
    return replace(problem, blocks=blocks, target=problem.target[rows], folds=(own,))


def _predicted(model: Sweep, settings: Any, configs: list[Config], problem: Problem, pool: ThreadPoolExecutor) -> list[np.ndarray]:
    """Return each configuration's scores of the test rows after training on all training rows: float64 (n_test, n_outputs) each."""
    ((sweep,),) = model.run(problem, settings, configs, pool)
    return each(lambda index: squared_form(sweep.refit(index)().scores), range(len(configs)))
