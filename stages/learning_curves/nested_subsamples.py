"""Nested subsamples of the training rows of outer folds: each half of the next larger one, of whole groups, stratified as folds are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from stages.contracts.problem import Fold, Problem
from stages.foundation.seeds import derived_seed
from stages.model_selection.target_forms import FORMS
from stages.splitting.assign_folds import assign_folds


@dataclass(frozen=True)
class Subsample:
    """The problem with a share of the training rows of each outer fold, and all of its test rows. share: 1/2, 1/4, …; 1: all rows."""

    share: float
    problem: Problem


def nested_subsamples(problem: Problem, groups: np.ndarray, n_halvings: int) -> list[Subsample]:
    """Return the subsamples, the smallest first; fewer where some inner fold is down to a single group, which cannot be halved.

    Each inner fold is halved by itself, and a training row keeps its inner fold: groups are not split, and classes, inner folds and
    quarters of targets keep their shares as far as whole groups allow. No test row is looked at.

    Args:
        groups: int (n,), codes of the groups of the problem's rows.
    """
    found = [Subsample(1.0, problem)]
    for level in range(n_halvings):
        whole = found[0].problem
        if any(len(np.unique(groups[rows])) < 2 for fold in whole.folds for _, rows in _inner_parts(fold)):
            break
        folds = tuple(_half(problem, fold, groups, level) for fold in whole.folds)
        found.insert(0, Subsample(found[0].share / 2, replace(problem, folds=folds)))
    return found


def _inner_parts(fold: Fold) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each inner fold's code and rows; the last: rows that no inner fold validates."""
    for code in np.unique(fold.inner):
        yield int(code), fold.train[fold.inner == code]


def _half(problem: Problem, fold: Fold, groups: np.ndarray, level: int) -> Fold:
    """Return the fold with half of its training rows: of each inner fold the first of two parts."""
    kept = np.zeros(len(problem.target), bool)
    for code, rows in _inner_parts(fold):
        strata = FORMS[problem.form].strata(problem.target[rows], len(problem.outputs))
        seed = derived_seed(problem.seed, "learning curve", str(fold.repeat), str(fold.index), str(level), str(code))
        kept[rows[assign_folds(strata, groups[rows], 2, seed) == 0]] = True
    of_train = kept[fold.train]
    return Fold(fold.repeat, fold.index, fold.train[of_train], fold.test, fold.inner[of_train], fold.n_inner)


def too_few_rows(problem: Problem) -> Iterator[str]:
    """Yield why a learner cannot be chosen and trained on some outer fold, a reason each; nothing if it can on all."""
    for fold in problem.folds:
        for inner in range(fold.n_inner):
            out = fold.inner == inner
            if not out.any():
                yield f"inner fold {inner} of an outer fold has no row"
            elif problem.form == "classes" and len(np.unique(problem.target[fold.train[~out]])) < 2:
                yield "the training rows of an inner fold are of one class"
