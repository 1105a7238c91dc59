"""The order of rows decides nothing: a permuted problem gives the same choices, inner scores and predictions, by every model.

Ingest keeps the order of own tables and sorts the other sources by id, so a file that is sorted by class reaches the models as it is.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from random_problem import random_problem, smallest_training_fold
from test_models import SMALL
from toy_problem import toy_problem

from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Columns, Dense, Sparse
from stages.features.feature_blocks import Block
from stages.foundation.registry import component, names
from stages.model_selection.choice import choose_config
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.models import knn
from stages.splitting.assign_folds import assign_folds

TASKS: tuple[str, ...] = ("binary", "multiclass", "multilabel", "regression")
# how far a solver may stop from where it does in another order: share of the targets' deviation, and of rows predicted otherwise
NEAR = {"linear": 0.02, "svm": 0.02, "hist_gradient_boosting": 0.02}


def permuted_block(block: Block, order: np.ndarray) -> Block:
    """Return a block whose row i is row order[i]."""
    raw: Any = block.raw
    if isinstance(raw, Dense):
        raw = Dense(raw.values[order])
    elif isinstance(raw, Columns):
        raw = replace(raw, numeric=raw.numeric[order], codes=raw.codes[order])
    else:
        rows = sp.csr_array((raw.values, raw.indices, raw.offsets))[order]
        raw = Sparse(rows.indptr.astype(np.int32), rows.indices.astype(np.int32), rows.data)
    return replace(block, raw=raw, _shared={})


def permuted(problem: Problem, order: np.ndarray) -> Problem:
    """Return the problem whose row i is row order[i] of the given one."""
    place = np.argsort(order)

    def moved(fold: Fold) -> Fold:
        train = place[fold.train]
        by_row = np.argsort(train)
        return Fold(fold.repeat, fold.index, train[by_row], np.sort(place[fold.test]), fold.inner[by_row], fold.n_inner)

    blocks = {name: permuted_block(block, order) for name, block in problem.blocks.items()}
    return replace(problem, blocks=blocks, target=problem.target[order], folds=tuple(map(moved, problem.folds)))


def in_order(result: FoldResult, order: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of the permuted problem in the order of the test rows of the first."""
    back = np.argsort(order[result.fold.test])
    return result.prediction[back], None if result.probabilities is None else result.probabilities[back]


def by_class(problem: Problem) -> np.ndarray:
    """Return the order of rows that a file sorted by its target has."""
    return np.argsort(problem.target if problem.target.ndim == 1 else problem.target[:, 0], kind="stable")[::-1]


def orders(problem: Problem) -> dict[str, np.ndarray]:
    return {"sorted": by_class(problem), "drawn": np.random.default_rng(5).permutation(len(problem.target))}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", range(3))
def test_knn_gives_the_same_whatever_the_order_of_rows(task: str, seed: int) -> None:
    """A third of the rows are duplicates, features are coarse: distances tie at most numbers of neighbors."""
    problem = random_problem(3000 + 100 * TASKS.index(task) + seed, task)
    ks = tuple(dict.fromkeys((1, 2, 7, smallest_training_fold(problem) // 2)))
    settings = knn.KnnSettings(n_neighbors=ks, metric=("manhattan", "euclidean", "cosine"), weights=("uniform", "distance"))
    configs = knn.grid(settings, 0)
    first = list(results(LearnerSetup(knn.MODEL, settings), problem, configs))
    for order in orders(problem).values():
        for a, b in zip(first, results(LearnerSetup(knn.MODEL, settings), permuted(problem, order), configs), strict=True):
            for metric, scores in a.inner_scores.items():
                np.testing.assert_allclose(b.inner_scores[metric], scores, rtol=1e-9, atol=1e-12)
            assert b.chosen == a.chosen
            prediction, probabilities = in_order(b, order)
            if problem.form == "continuous":
                np.testing.assert_allclose(prediction, a.prediction, rtol=1e-7, atol=1e-9)
            else:
                np.testing.assert_array_equal(prediction, a.prediction)
                np.testing.assert_allclose(probabilities, a.probabilities, rtol=1e-5)


def test_knn_on_binary_features_gives_the_same_bytes() -> None:
    """Of whole numbers every distance is exact, so nothing is left to rounding."""
    rng = np.random.default_rng(8)
    problem = toy_problem(n=120, modalities=("image",))
    block = replace(problem.blocks["image"], raw=Dense(rng.integers(0, 2, (120, 4)).astype(np.float32)), _shared={})
    problem = replace(problem, blocks={"image": block})
    settings = knn.KnnSettings(n_neighbors=(1, 3, 10), metric=("manhattan", "euclidean"), weights=("uniform",))
    configs = knn.grid(settings, 0)
    first = list(results(LearnerSetup(knn.MODEL, settings), problem, configs))
    for order in orders(problem).values():
        for a, b in zip(first, results(LearnerSetup(knn.MODEL, settings), permuted(problem, order), configs), strict=True):
            prediction, probabilities = in_order(b, order)
            assert prediction.tobytes() == a.prediction.tobytes() and probabilities.tobytes() == a.probabilities.tobytes()
            assert a.inner_scores["accuracy"].tobytes() == b.inner_scores["accuracy"].tobytes()


@pytest.mark.parametrize("task", TASKS)
# but for those that draw batches or bootstrap samples by row number
@pytest.mark.parametrize("name", [name for name in names("models") if not component("models", name).is_seeded(100)])
def test_a_model_gives_the_same_whatever_the_order_of_rows(name: str, task: str) -> None:
    model = as_sweep(component("models", name))
    settings = model.settings(**SMALL.get(name, {}))
    problem = toy_problem(modalities=("image", "table"), task=task, n_classes=2 if task == "binary" else 3)
    configs, tolerance = model.grid(settings, 0), NEAR.get(name, 1e-9)
    order = by_class(problem)
    scale = np.nanstd(problem.target) if task == "regression" else 1.0
    learner = LearnerSetup(model, settings)
    for a, b in zip(results(learner, problem, configs), results(learner, permuted(problem, order), configs), strict=True):
        prediction, _ = in_order(b, order)
        assert np.abs(prediction.astype(np.float64) - a.prediction).mean() <= tolerance * scale
        if tolerance < 1e-6:
            assert b.chosen == a.chosen


def test_a_configuration_and_thresholds_are_chosen_alike_whatever_the_order_of_rows() -> None:
    for task in ("multiclass", "multilabel"):
        problem = toy_problem(task=task)
        fold, order = problem.folds[0], by_class(problem)
        moved = permuted(problem, order)
        rng = np.random.default_rng(0)
        shape = (20, len(problem.target)) if task == "multiclass" else (20, *problem.target.shape)
        predictions = rng.integers(0, 3, shape).astype(np.int32) if task == "multiclass" else rng.random(shape).astype(np.float32)
        a = choose_config(problem, fold, predictions[:, fold.train])
        b = choose_config(moved, moved.folds[0], predictions[:, order][:, moved.folds[0].train])
        assert a.config == b.config
        np.testing.assert_allclose(a.scores[problem.scoring], b.scores[problem.scoring], rtol=1e-12)
        np.testing.assert_array_equal(a.thresholds, b.thresholds)


def test_folds_are_those_of_the_groups_whatever_the_order_of_rows() -> None:
    """Groups are known by their names' order; without declared groups a sample's id is its group."""
    rng = np.random.default_rng(1)
    groups, strata = rng.integers(0, 40, 300), np.eye(3)[rng.integers(0, 3, 300)]
    folds = assign_folds(strata, groups, 5, seed=3)
    for order in (np.argsort(strata.argmax(axis=1), kind="stable"), rng.permutation(300)):
        np.testing.assert_array_equal(assign_folds(strata[order], groups[order], 5, seed=3), folds[order])
