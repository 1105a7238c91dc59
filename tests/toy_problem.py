"""A small synthetic problem with a dense, a sparse and a table block, for the common tests of models."""

from dataclasses import replace

import numpy as np

from stages.contracts.candidate import Candidate
from stages.contracts.documents.model_document import ModalityFeatures
from stages.contracts.metric import Metric
from stages.contracts.model import Config
from stages.contracts.problem import Fold, Problem
from stages.contracts.task import TargetForm, Task
from stages.features.encoders import Columns, Dense, Sparse
from stages.features.feature_blocks import Block
from stages.foundation.registry import component, names
from stages.training.read_problem import all_combinations
from stages.training.saved_model import ModelDescription


def toy_blocks(target: np.ndarray, seed: int = 0) -> dict[str, Block]:
    """Return blocks whose rows are informative about the target, but noisy."""
    rng = np.random.default_rng(seed)
    n = len(target)
    pixels = (np.eye(6)[target] + 0.35 * rng.standard_normal((n, 6))).astype(np.float32)
    rows = [np.unique(np.concatenate([[7 * code], rng.integers(0, 60, 4)])).astype(np.int32) for code in target]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    counts = rng.integers(1, 4, offsets[-1]).astype(np.float32)
    numeric = target[:, None] + rng.standard_normal((n, 2))
    numeric[::7, 1] = np.nan
    codes = ((target + rng.integers(0, 2, n)) % 4).astype(np.int32)[:, None]
    counted = {"min_documents": 1, "max_terms": 100, "idf": True, "sublinear": True}
    return {
        "image": Block("image", Dense(pixels), {}),
        "text": Block("text", Sparse(offsets, np.concatenate(rows), counts), counted),
        "table": Block("table", Columns(numeric, codes, (("a", "b", None, "d"),)), {"max_categories": 10}),
    }


def toy_folds(n: int, n_folds: int = 3, n_inner: int = 2) -> tuple[Fold, ...]:
    """Return simple folds: row i is a test row of fold i mod n_folds."""
    rows = np.arange(n)
    folds = []
    for index in range(n_folds):
        train = rows[rows % n_folds != index]
        inner = (np.arange(len(train)) // 2 % n_inner).astype(np.int16)
        folds.append(Fold(0, index, train, rows[rows % n_folds == index], inner, n_inner))
    return tuple(folds)


def time_ordered(problem: Problem, n_folds: int = 3) -> Problem:
    """Return the problem with rows in the order of time, from block to block in random order: each fold trains on the past alone."""
    n = len(problem.target)
    block = np.random.default_rng(5).permutation(np.arange(n) * (2 * n_folds + 2) // n)  # two per test block
    folds = []
    for index in range(n_folds):
        before = 2 * (index + 1)
        train, test = np.flatnonzero(block < before), np.flatnonzero(block // 2 == index + 1)
        folds.append(Fold(0, index, train, test, np.where(block[train] == before - 1, 0, 1).astype(np.int16), 1))
    return replace(problem, folds=tuple(folds), time_ordered=True)


def toy_problem(
    n: int = 90, n_classes: int = 3, seed: int = 0, modalities: tuple[str, ...] = ("image", "text", "table"), task: str = "multiclass"
) -> Problem:
    """Return a problem of n rows; every combination of its blocks."""
    codes = np.random.default_rng(seed + 1).integers(0, n_classes, n).astype(np.int32)
    blocks = {modality: block for modality, block in toy_blocks(codes, seed).items() if modality in modalities}
    outputs = tuple(f"output {code}" for code in range(n_classes))
    chosen: Task = component("tasks", task)
    target = toy_target(codes, n_classes, chosen.form)
    return Problem(
        blocks, target, chosen.form, outputs, toy_folds(n), all_combinations(modalities), metrics_of(chosen.form, target), chosen.scoring, 0
    )


def description(name: str, modalities: tuple[str, ...], config: Config) -> ModelDescription:
    """Return what a model saved of the toy problem knows of itself."""
    features = {modality: ModalityFeatures(modality=modality, settings={}) for modality in modalities}
    return ModelDescription("toy", Candidate(name, modalities), config, features)


def metrics_of(form: TargetForm, target: np.ndarray) -> dict[str, Metric]:
    """Return every metric that scores a form's predictions without probabilities, by name."""
    known: dict[str, Metric] = {name: component("metrics", name) for name in names("metrics")}
    return {name: metric.bound_to(target) for name, metric in known.items() if form in metric.forms and not metric.needs_scores}


def toy_target(codes: np.ndarray, n_classes: int, form: TargetForm) -> np.ndarray:
    """Return the codes; labels that each hold for two codes; or continuous targets that depend on the code, every ninth value unknown."""
    if form == "classes":
        return codes
    if form == "labels":
        return ((codes[:, None] + np.arange(2)) % n_classes)[:, :, None].__eq__(np.arange(n_classes)).any(axis=1).astype(np.uint8)
    values = 100.0 * codes[:, None] + 10.0 ** np.arange(n_classes) * np.cos(codes)[:, None]
    values.ravel()[::9] = np.nan
    return values


def with_other_test_rows(problem: Problem) -> Problem:
    """Return the problem with its first fold alone, with every feature of its test rows replaced."""
    fold = problem.folds[0]
    image, table = problem.blocks["image"].raw, problem.blocks["table"].raw
    values, numeric, codes = image.values.copy(), table.numeric.copy(), table.codes.copy()
    values[fold.test], numeric[fold.test], codes[fold.test] = 100.0, -1000.0, 3
    text = problem.blocks["text"].raw
    offsets = text.offsets.copy()
    indices = text.indices.copy()
    for row in fold.test:  # terms that no training row has
        indices[offsets[row] : offsets[row + 1]] += 1000
    blocks = {
        "image": replace(problem.blocks["image"], raw=Dense(values), _shared={}),
        "text": replace(problem.blocks["text"], raw=Sparse(offsets, indices, text.values)),
        "table": replace(problem.blocks["table"], raw=Columns(numeric, codes, table.categories)),
    }
    return replace(problem, folds=(fold,), blocks=blocks)


def with_other_future(problem: Problem, index: int) -> Problem:
    """Return a time-ordered problem whose rows after the test block of a fold have other features, and the targets in another order."""
    fold = problem.folds[index]
    future = np.setdiff1d(np.arange(len(problem.target)), np.concatenate([fold.train, fold.test]))
    other = with_other_test_rows(replace(problem, folds=(replace(fold, test=future),)))
    target = problem.target.copy()
    target[future] = np.roll(target[future], 1, axis=0)
    if problem.form == "classes":  # other shares of the classes, too
        target[future[::2]] = target[future[0]]
    return replace(problem, blocks=other.blocks, target=target)
