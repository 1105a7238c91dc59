"""Random folds: what a linear learner scores if folds are drawn without regard to groups, next to its score on grouped folds.

Rows of one group (a speaker, a patient, a recording) are then in training and test folds at once, and a learner that recognises the group
has seen its target. The gap is what ignoring `group:` would add to the score. As many folds, repeats and inner folds as the splits have;
classes are balanced over the folds. What is drawn is the row: a random permutation, then the rows of each class in turn to the folds.
"""

from dataclasses import replace

import numpy as np

from stages.contracts.control import ControlData, Leaking
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.foundation.seeds import derived_seed

GIVEN = {"split": "the data set has an official split", "fold": "the data set gives its folds", "time": "the folds follow the time"}


class RandomFoldsSettings(Settings):
    """It has no settings."""


def leaking(data: ControlData, settings: RandomFoldsSettings) -> Problem:
    """Return the problem with folds of rows that are drawn one by one."""
    problem, folds = data.problem, []
    strata = problem.target if problem.form == "classes" else np.zeros(len(problem.target), dtype=np.int32)
    for repeat in sorted({fold.repeat for fold in problem.folds}):
        indices = [fold.index for fold in problem.folds if fold.repeat == repeat]
        test = drawn_folds(strata, len(indices), derived_seed(problem.seed, "random folds", str(repeat)))
        for place, index in enumerate(indices):
            rows, n_inner = np.flatnonzero(test != place), problem.folds[0].n_inner
            inner = drawn_folds(strata[rows], n_inner, derived_seed(problem.seed, "random folds", str(repeat), str(index), "inner"))
            folds.append(Fold(repeat, index, rows, np.flatnonzero(test == place), inner, n_inner))
    return replace(problem, folds=tuple(folds))


def drawn_folds(strata: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return the fold of each row, int16 (n,): the rows of a stratum, in random order, go to the folds in turn."""
    order = np.lexsort((np.random.default_rng(seed).permutation(len(strata)), strata))
    folds = np.empty(len(strata), dtype=np.int16)
    folds[order] = np.arange(len(strata)) % n_folds
    return folds


def not_applicable(data: ControlData, settings: RandomFoldsSettings) -> str | None:
    """Return that folds are given, or that no group has two rows, if so."""
    for column, why in GIVEN.items():
        if column in data.samples.column_names:
            return why
    groups = data.samples["group"].to_pylist()
    return "each sample is a group of its own" if len(set(groups)) == len(groups) else None


CONTROL = Leaking(name="random_folds", settings=RandomFoldsSettings, what="folds were drawn without groups", leaking=leaking,
                  not_applicable=not_applicable)
