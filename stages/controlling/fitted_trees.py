"""The learner of controls that are shown a few columns: extremely randomised trees, which need neither a scale nor a choice."""

from functools import partial
from typing import Any

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.model import Config
from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.foundation.seeds import derived_seed
from stages.model_selection.fitted_estimators import fit_path, scores_by

N_TREES = 30
MOST_ROWS = 20_000  # that they are fitted on: a few columns are learned from fewer
LEAF_SHARE, LEAST_LEAF = 0.005, 3  # of the training rows; a leaf of one row would learn their noise


def tree_scores(
    columns: np.ndarray, problem: Problem, train: np.ndarray, rows: np.ndarray, *, purpose: tuple[str, ...]
) -> Scores:
    """Return the scores of some rows by trees that are fitted on the training rows, or on a seeded sample of MOST_ROWS of them.

    Args:
        columns: float64 (n, d), of every row.
        purpose: names of the random numbers.
    """
    seed = derived_seed(problem.seed, "control", *purpose)
    if len(train) > MOST_ROWS:
        train = np.sort(np.random.default_rng(seed).choice(train, MOST_ROWS, replace=False))
    make = partial(_trees, form=problem.form, seed=seed, leaf=max(LEAST_LEAF, round(LEAF_SHARE * len(train))))
    (scores,) = (scores_by(fitted, columns[rows]) for fitted in fit_path(make, [{}], columns[train], problem, train, path=None))
    return scores


def _trees(config: Config, *, form: TargetForm, seed: int, leaf: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesRegressor if form == "continuous" else ExtraTreesClassifier
    return kind(n_estimators=N_TREES, min_samples_leaf=leaf, max_features=None, random_state=seed, n_jobs=1)
