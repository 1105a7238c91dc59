"""Random small problems for comparing shared sweeps with plain loops: any blocks, duplicated rows, folds of any layout."""

from dataclasses import replace

import numpy as np
from toy_problem import metrics_of, toy_blocks, toy_problem

from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.training.read_problem import all_combinations


def random_folds(rng: np.random.Generator, n: int) -> tuple[Fold, ...]:
    """Return uneven folds, with or without repeats, or the single one of an official split."""
    layout = rng.choice(["uneven", "repeated", "official"])
    n_inner = int(rng.integers(2, 4))
    folds = []
    for repeat in range(2 if layout == "repeated" else 1):
        outer = rng.choice(3, n, p=[0.2, 0.5, 0.3])
        for index in range(1 if layout == "official" else 3):
            train, test = np.flatnonzero(outer != index), np.flatnonzero(outer == index)
            inner = rng.choice(n_inner, len(train), p=rng.dirichlet(np.full(n_inner, 8.0)))
            inner[:n_inner] = np.arange(n_inner)
            folds.append(Fold(repeat, index, train, test, inner.astype(np.int16), n_inner))
    return tuple(folds)


def random_problem(seed: int, task: str) -> Problem:
    """Return a problem with duplicated rows, so that distances tie, some of its blocks, and 30 to 160 rows."""
    rng = np.random.default_rng(seed)
    n, n_outputs = int(rng.integers(30, 160)), 2 if task == "binary" else 3
    twin = np.where(rng.random(n) < 0.3, rng.integers(0, n, n), np.arange(n))
    codes = rng.integers(0, n_outputs, n).astype(np.int32)
    codes[:n_outputs] = np.arange(n_outputs)
    toy = toy_problem(n=n, n_classes=n_outputs, seed=seed, task="multiclass" if task == "binary" else task)
    blocks = toy_blocks(codes, seed)
    values = np.round(blocks["image"].raw.values, 1)[twin]  # coarse: many ties
    blocks["image"] = replace(blocks["image"], raw=Dense(values))
    blocks["odd"] = Block("odd", Dense(rng.standard_normal((n, 5)).astype(np.float32)[twin]), {})
    modalities = rng.permutation(list(blocks))[: int(rng.integers(1, 4))].tolist()
    target = codes if toy.form == "classes" else toy.target
    return replace(
        toy, blocks={modality: blocks[modality] for modality in modalities}, target=target, folds=random_folds(rng, n),
        outputs=tuple(map(str, range(n_outputs))), combinations=all_combinations(modalities), metrics=metrics_of(toy.form, target),
    )  # fmt: skip


def smallest_training_fold(problem: Problem) -> int:
    return min(int((fold.inner != j).sum()) for fold in problem.folds for j in range(fold.n_inner))
