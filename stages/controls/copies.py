"""Copies across the split: what a linear learner scores with the training rows that equal a test row, and without them.

Where a split is given, an official one above all, equal samples may lie on both sides of it; no grouping moves them. The score of models
has that leak. Next to it stands the score on the same test rows of a learner whose training rows are those that equal no test
row of their fold: equal in every modality, as the data set's files have them. Contents that more than one sample in a hundred shares are
nobody's copy (stages/leak_evidence/plain_contents.py).
"""

from dataclasses import replace

import numpy as np

from stages.contracts.control import ControlData, Leaking
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.leak_evidence.equal_contents import combined, content_keys
from stages.leak_evidence.plain_contents import common_rows


class CopiesSettings(Settings):
    """It has no settings."""


def leaking(data: ControlData, settings: CopiesSettings) -> Problem:
    """Return the problem as it is: its split has the leak."""
    return data.problem


def honest(data: ControlData, settings: CopiesSettings) -> Problem:
    """Return the problem without the training rows that equal a test row of their fold."""
    keys = sample_keys(data)
    return replace(data.problem, folds=tuple(without_copies(fold, keys) for fold in data.problem.folds))


def sample_keys(data: ControlData) -> np.ndarray:
    """Return uint64 (n,): equal where samples are equal in every modality; 0 where too many samples share the contents."""
    keys = combined([content_keys(data.samples[name]) for name in data.problem.combinations[-1]])
    return np.where(common_rows(keys), np.uint64(0), keys)


def without_copies(fold: Fold, keys: np.ndarray) -> Fold:
    """Return the fold without the training rows whose key a test row has."""
    kept = (keys[fold.train] == 0) | ~np.isin(keys[fold.train], keys[fold.test])
    return replace(fold, train=fold.train[kept], inner=fold.inner[kept])


def not_applicable(data: ControlData, settings: CopiesSettings) -> str | None:
    """Return that no training row equals a test row, or that too few are left without those that do, if so."""
    problem, without = data.problem, honest(data, settings)
    if all(len(one.train) == len(other.train) for one, other in zip(problem.folds, without.folds, strict=True)):
        return "no training row is a copy of a test row in every modality"
    fewest = 2 if problem.form == "classes" else 1
    for fold in without.folds:
        for inner in range(fold.n_inner):
            fitted, judged = (problem.target[fold.train[mask]] for mask in (fold.inner != inner, fold.inner == inner))
            if not len(judged) or len(np.unique(fitted, axis=0)) < fewest:
                return "without the copies of test rows too few training rows are left"
    return None


CONTROL = Leaking(name="copies", settings=CopiesSettings, what="copies of test rows are trained on", leaking=leaking, honest=honest,
                  not_applicable=not_applicable)
