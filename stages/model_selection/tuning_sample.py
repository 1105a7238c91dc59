"""The sample of a large problem on which configurations are compared; the chosen one is then trained on all training rows.

A grid costs a problem's size times the number of configurations and inner folds, and kNN's grows with the square. Which configuration is
best hardly depends on more than some ten thousand rows; how good it is does, so outer folds test models of all training rows.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.contracts.model import Config, Sweep
from stages.contracts.problem import Fold, Problem
from stages.foundation.seeds import derived_seed

FEWEST = 30  # rows of a class that are kept, if there are as many: its share alone might be none


def separately_tuned(problem: Problem, most: int | None) -> list[Problem]:
    """Return the problem in parts that have each a sample of their own: one of all its folds, as any fold's rows are in the sample of all.

    In time order, where the rows of later folds must decide nothing: a part per fold, if there are more than `most` rows.
    """
    if not problem.time_ordered or most is None or len(problem.training_rows()) <= most:
        return [problem]
    return [replace(problem, folds=(fold,)) for fold in problem.folds]


def tuning_problem(problem: Problem, most: int | None) -> Problem:
    """Return the problem with about `most` of its training rows, or the problem itself if it has no more (None: of any size).

    Each outer fold keeps those of its training rows and their inner folds, so groups are never split. It has no test rows.
    """
    sample = tuned_rows(problem, most)
    if sample is None:
        return problem
    place = np.full(len(problem.target), -1)
    place[sample] = np.arange(len(sample))
    return replace(
        problem,
        blocks={name: block.taken(sample) for name, block in problem.blocks.items()},
        target=problem.target[sample],
        judged=None if problem.judged is None else problem.judged[sample],
        folds=tuple(_restricted(fold, place) for fold in problem.folds),
    )


def tuned_rows(problem: Problem, most: int | None) -> np.ndarray | None:
    """Return the rows on which configurations are compared, int64, sorted; None if they are all training rows."""
    rows = np.unique(np.concatenate([fold.train for fold in problem.folds]))
    return None if most is None or len(rows) <= most else tuning_sample(problem, rows, most)


def tuning_sample(problem: Problem, rows: np.ndarray, most: int) -> np.ndarray:
    """Return about `most` of `rows`: int64, sorted. Classes keep their shares, but rare ones at least FEWEST rows if there are as many."""
    shuffled = np.random.default_rng(derived_seed(problem.seed, "tuning rows")).permutation(rows)
    if problem.form != "classes":
        return np.sort(shuffled[:most])
    codes = problem.target[shuffled]
    members = [shuffled[codes == code] for code in np.unique(codes)]
    kept = [own[: max(round(len(own) * most / len(rows)), min(len(own), FEWEST))] for own in members]
    return np.sort(np.concatenate(kept))


def _restricted(fold: Fold, place: np.ndarray) -> Fold:
    kept = place[fold.train] >= 0
    return Fold(fold.repeat, fold.index, place[fold.train[kept]], fold.test[:0], fold.inner[kept], fold.n_inner)


def smallest_inner_training_set(problem: Problem, tuning_rows: int | None = None) -> int:
    """Return the number of rows of the smallest training set on which configurations are compared."""
    tuned = [fold for part in separately_tuned(problem, tuning_rows) for fold in tuning_problem(part, tuning_rows).folds]
    return min(int((fold.inner != i).sum()) for fold in tuned for i in range(fold.n_inner))


def fitting(model: Sweep, problem: Problem, configs: Sequence[Config], tuning_rows: int | None) -> list[Config]:
    """Return the configurations that need no more rows than the smallest inner training set has."""
    smallest = smallest_inner_training_set(problem, tuning_rows)
    return [config for config in configs if model.min_samples(config) <= smallest]
