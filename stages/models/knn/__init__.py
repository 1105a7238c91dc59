"""k-nearest neighbours: k, the distance and the weighting are swept. Neighbours vote for classes; of labels and numbers the mean is taken.

Distances of a fold are computed once per modality; a subset's are sums of them, every k follows from one cumulative vote.
Neighbours are ordered by (distance, row), classes with equal votes by code, as in scikit-learn's brute force.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.model import Fitted, FoldResult, Model, Size
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.features.early_fusion import FoldBlocks, encode_fold
from stages.features.matrices import pack, unpack
from stages.foundation.parallel import n_cores
from stages.model_selection.choice import product, thresholds_for
from stages.models.knn.grids import KEPT_BYTES, GridSearch, Near, answer, kept_bytes, scores_of
from stages.models.knn.neighbourhoods import TEST, TILE_BYTES, Search, View, fold_codes, fold_view, pair_view
from stages.models.knn.tiles import encoded_bytes, measured_rows


class KnnSettings(Settings):
    k: tuple[int, ...] = Field((1, 3, 5, 7, 10, 15, 20, 30, 50), min_length=1, description="numbers of neighbours, each at least 1")
    distance: tuple[Literal["l1", "l2", "cosine"], ...] = Field(("l1", "l2", "cosine"), min_length=1, description="any of l1, l2, cosine")
    weights: tuple[Literal["uniform", "distance"], ...] = Field(("uniform",), min_length=1, description="any of uniform, distance")

    @field_validator("k")
    @classmethod
    def _positive(cls, k: tuple[int, ...]) -> tuple[int, ...]:
        if min(k) < 1:
            raise ValueError("every k must be at least 1")
        return k


def grid(settings: KnnSettings, seed: int) -> list[dict[str, Any]]:
    """Return distance × weights × k; of equals the largest k goes first, being the smoothest."""
    return product(distance=settings.distance, weights=settings.weights, k=sorted(settings.k, reverse=True))


def sweep(problem: Problem, settings: KnnSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    for folds, views, subsets in _passes(problem, configs):
        yield from GridSearch(problem, configs, folds, views, subsets).results()


def _passes(problem: Problem, configs: list[dict[str, Any]]) -> Iterator[tuple[list[Fold], list[View], Sequence[tuple[str, ...]]]]:
    """Yield the folds, their views and the subsets that are gone through at once: all, if what is kept of them fits the memory."""
    folds: list[Fold] = []
    views: list[View] = []
    n_bytes = 0.0
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        view = fold_view(blocks, fold_codes(fold, len(problem.target)))
        of_subset = kept_bytes(len(fold.train), len(fold.test), configs, problem.task, len(problem.outputs))
        fitted = [label for label, block in problem.blocks.items() if not block.raw.shared]
        of_fold = of_subset * len(problem.subsets) + sum(encoded_bytes(blocks.encoded[label].matrix) for label in fitted)
        if folds and (n_bytes + of_fold > KEPT_BYTES or len(fitted) == len(problem.blocks)):
            yield folds, views, problem.subsets
            folds, views, n_bytes = [], [], 0.0
        if of_fold > KEPT_BYTES:
            step = max(1, int(KEPT_BYTES // of_subset))
            for start in range(0, len(problem.subsets), step):
                yield [fold], [view], problem.subsets[start : start + step]
            continue
        folds.append(fold)
        views.append(view)
        n_bytes += of_fold
    if folds:
        yield folds, views, problem.subsets


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: KnnSettings) -> Fitted:
    """Keep the encoded training rows, their targets, the scales, and the labels' thresholds by crossed held-out rows."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    arrays: dict[str, np.ndarray] = {
        "target": problem.target[rows],
        "scales": np.array(blocks.scales(subset, config["distance"])),
    }
    for label in subset:
        arrays |= pack(f"training/{label}", blocks.encoded[label].matrix[rows])
    if problem.task == "multilabel":
        arrays["thresholds"] = _crossed_thresholds(problem, blocks, subset, dict(config))
    return Fitted(arrays, {"config": dict(config), "subset": list(subset), "task": problem.task, "n_outputs": len(problem.outputs)})


def _crossed_thresholds(problem: Problem, blocks: FoldBlocks, subset: tuple[str, ...], config: dict[str, Any]) -> Any:
    pairs = problem.crossed()
    views = [pair_view(blocks, train, test) for train, test in pairs]
    scores = []
    for found, (train, test) in zip(Search(views, [subset], [config["distance"]], config["k"]).tables(), pairs, strict=True):
        near = Near(*(table[0, test] for table in found[config["distance"]]))
        scores.append(scores_of(near, problem.target, config, problem.task, len(problem.outputs), train))
    return thresholds_for(problem, problem.target[np.concatenate([test for _, test in pairs])], np.vstack(scores))


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    state, target = fitted.state, fitted.arrays["target"]
    subset, config = tuple(state["subset"]), state["config"]
    view = View(
        subset,
        tuple(measured_rows(unpack(f"training/{label}", fitted.arrays)) for label in subset),
        tuple(measured_rows(matrices[label]) for label in subset),
        lambda distance: list(fitted.arrays["scales"]),
        np.zeros(len(target), np.int16),
        np.full(matrices[subset[0]].shape[0], TEST, np.int16),
    )
    (found,) = Search([view], [subset], [config["distance"]], config["k"]).tables()
    near = Near(*(table[0] for table in found[config["distance"]]))
    scores = scores_of(near, target, config, state["task"], state["n_outputs"], np.arange(len(target)))
    return answer(scores, fitted.arrays.get("thresholds"), config, state["task"])


def needed_bytes(size: Size, settings: KnnSettings) -> float:
    """Return the memory of the features, as they are and in float64, of what is kept of folds, and of tiles; no n × n matrix is made."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    configs = grid(settings, 0)
    parts = (size.n_rows, 0), (0, size.n_rows)  # how many rows are for training, and how many for testing, is not known yet
    one = max(kept_bytes(*part, configs, size.task, size.n_outputs) for part in parts)
    kept = min(one * size.n_subsets * size.n_folds, max(one, KEPT_BYTES))
    return 12 * size.n_rows * n_values + kept + n_cores() * TILE_BYTES


MODEL = Model(
    name="knn",
    settings=KnnSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: int(config["k"]),
    needed_bytes=needed_bytes,
)
