"""Train a model on bootstraps of each outer fold's training rows, once per value of a parameter.

The other parameters are those of the configuration that the protocol of models chooses on the inner folds of all training rows; so are the
thresholds of labels. They are the same for all bootstraps and values: what differs is training and the parameter alone.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stages.bias_variances.decomposed_loss import as_numbers, bias_and_variance, output_weights
from stages.contracts.documents.bias_variance_document import CapacityPoint
from stages.contracts.model import Config, Sweep
from stages.contracts.problem import Fold, Problem
from stages.foundation.parallel import each
from stages.foundation.prefetch import workers
from stages.foundation.seeds import derived_seed
from stages.model_selection.choice import choose_config
from stages.model_selection.target_forms import FORMS
from stages.model_selection.thresholds import needs_thresholds, thresholds_of_each


@dataclass(frozen=True)
class Grid:
    """A model's configurations. parameter: whose values are compared."""

    model: Sweep
    settings: Any
    configs: Sequence[Config]
    parameter: str

    @property
    def values(self) -> list[Any]:
        """Return the values of the parameter, in the grid's order."""
        by_text = {json.dumps(config[self.parameter]): config[self.parameter] for config in self.configs}  # a list is no key
        return list(by_text.values())

    def others(self, config: Config) -> Config:
        """Return the other parameters of a configuration."""
        return {name: value for name, value in config.items() if name != self.parameter}


def capacity_points(grid: Grid, problem: Problem, groups: np.ndarray, n_bootstraps: int) -> list[CapacityPoint]:
    """Return bias and variance by the values of a parameter, in the grid's order.

    Args:
        grid: in which every value occurs with the same other parameters (`comparable`, stages/bias_variances/compared_values.py).
        problem: of one modality combination.
        groups: int (n,), codes of the groups of the problem's rows.
    """
    weights = output_weights(problem.target, problem.form, len(problem.outputs))
    bias, variance = np.zeros((2, len(grid.values), len(problem.folds)))
    with workers() as pool:
        for place, fold in enumerate(problem.folds):
            configs, thresholds = _compared(grid, replace(problem, folds=(fold,)), pool)
            drawn = (bootstrap(problem, fold, groups, number) for number in range(n_bootstraps))
            predicted = [_predicted(grid, configs, thresholds, of_draw, pool) for of_draw in drawn]
            target = as_numbers(problem.target[fold.test], problem.form, len(problem.outputs))
            for i in range(len(configs)):
                bias[i, place], variance[i, place] = bias_and_variance(target, [of_draw[i] for of_draw in predicted], weights)
    return [CapacityPoint(value=value, bias=tuple(bias[i].tolist()), variance=tuple(variance[i].tolist()))
            for i, value in enumerate(grid.values)]


def _compared(grid: Grid, problem: Problem, pool: ThreadPoolExecutor) -> tuple[list[Config], np.ndarray | None]:
    """Return the configurations that differ from the best one in the parameter alone, and the labels' thresholds of each."""
    ((sweep,),) = grid.model.run(problem, grid.settings, list(grid.configs), pool)
    predictions = sweep.inner_predictions()
    others = grid.others(grid.configs[choose_config(problem, sweep.fold, predictions).config])
    mine = [index for index, config in enumerate(grid.configs) if grid.others(config) == others]
    thresholds = thresholds_of_each(problem, sweep.fold, predictions[mine]) if needs_thresholds(problem) else None
    return [grid.configs[index] for index in mine], thresholds


def bootstrap(problem: Problem, fold: Fold, groups: np.ndarray, number: int) -> Problem:
    """Return the fold as a problem of its own, whose training rows are those of groups drawn with replacement; inner folds are kept."""
    rng = np.random.default_rng(derived_seed(problem.seed, "bootstrap", str(fold.repeat), str(fold.index), str(number)))
    names, codes = np.unique(groups[fold.train], return_inverse=True)
    by_group = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    places = np.sort(np.concatenate([by_group[group] for group in rng.integers(len(names), size=len(names))]))
    rows = np.concatenate([fold.train[places], fold.test])
    n = len(places)
    own = Fold(fold.repeat, fold.index, np.arange(n), np.arange(n, len(rows)), fold.inner[places], fold.n_inner)
    blocks = {name: problem.blocks[name].taken(rows) for name in problem.combinations[0]}
    return replace(problem, blocks=blocks, target=problem.target[rows], folds=(own,))


def _predicted(
    grid: Grid, configs: list[Config], thresholds: np.ndarray | None, problem: Problem, pool: ThreadPoolExecutor
) -> list[np.ndarray]:
    """Return each configuration's predictions of the test rows after training on all training rows: float64 (n_test, n_outputs) each."""
    ((sweep,),) = grid.model.run(problem, grid.settings, configs, pool)

    def predict(index: int) -> np.ndarray:
        decisions = sweep.refit(index, problem.seed)().scores.decisions
        decided = FORMS[problem.form].decide(decisions, None if thresholds is None else thresholds[index])
        return as_numbers(decided, problem.form, len(problem.outputs))

    return each(predict, range(len(configs)))
