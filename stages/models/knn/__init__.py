"""k-nearest neighbors: their number, the metric and the weighting are swept. Neighbors vote for classes; of labels and targets they give
the mean.

Distances of a fold are computed once per modality; a combination's are sums of them, every k follows from one cumulative vote.
Neighbors are ordered by (distance, row), classes with equal votes by code, as in scikit-learn's brute force.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Size, Sweep
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.features.early_fusion import encode_fold
from stages.features.matrices import unpack
from stages.foundation.parallel import n_cores
from stages.model_selection.grid import product
from stages.models.knn.fold_grids import KEPT_BYTES, GridPass, kept_bytes
from stages.models.knn.neighbourhoods import TEST, TILE_BYTES, FoldIndex, Search, fold_codes, fold_index
from stages.models.knn.tiles import encoded_bytes, measured_rows
from stages.models.knn.votes import Neighbors, scores_of


class KnnSettings(Settings):
    n_neighbors: tuple[int, ...] = Field(
        (1, 3, 5, 7, 10, 15, 20, 30, 50), min_length=1, description="numbers of neighbors, each at least 1"
    )
    metric: tuple[Literal["manhattan", "euclidean", "cosine"], ...] = Field(
        ("manhattan", "euclidean", "cosine"), min_length=1, description="any of manhattan, euclidean, cosine"
    )
    weights: tuple[Literal["uniform", "distance"], ...] = Field(("uniform",), min_length=1, description="any of uniform, distance")

    renamed: ClassVar[Mapping[str, str]] = {"k": "n_neighbors", "distance": "metric"}

    @field_validator("n_neighbors")
    @classmethod
    def _positive(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if min(values) < 1:
            raise ValueError("every number of neighbors must be at least 1")
        return values


def grid(settings: KnnSettings, seed: int) -> list[Config]:
    """Return metric × weights × n_neighbors; of equally good ones the largest number goes first, being the smoothest."""
    return product(metric=settings.metric, weights=settings.weights, n_neighbors=sorted(settings.n_neighbors, reverse=True))


def run(problem: Problem, settings: KnnSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination, those that share their tiles together."""
    for folds, indexes, combinations in _passes(problem, configs):
        yield GridPass(problem, configs, folds, indexes, combinations).fold_sweeps()


def _passes(problem: Problem, configs: list[Config]) -> Iterator[tuple[list[Fold], list[FoldIndex], Sequence[tuple[str, ...]]]]:
    """Yield the folds, their indexes and the combinations that are searched at once: all, if what is kept of them fits the memory."""
    folds: list[Fold] = []
    indexes: list[FoldIndex] = []
    n_bytes = 0.0
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        index = fold_index(blocks, fold_codes(fold, len(problem.target)))
        of_combination = kept_bytes(len(fold.train), len(fold.test), configs, problem.form, len(problem.outputs))
        fitted = [name for name, block in problem.blocks.items() if not block.raw.shared]
        of_fold = of_combination * len(problem.combinations) + sum(encoded_bytes(blocks.encoded[name].matrix) for name in fitted)
        if folds and (n_bytes + of_fold > KEPT_BYTES or len(fitted) == len(problem.blocks)):
            yield folds, indexes, problem.combinations
            folds, indexes, n_bytes = [], [], 0.0
        if of_fold > KEPT_BYTES:
            step = max(1, int(KEPT_BYTES // of_combination))
            for start in range(0, len(problem.combinations), step):
                yield [fold], [index], problem.combinations[start : start + step]
            continue
        folds.append(fold)
        indexes.append(index)
        n_bytes += of_fold
    if folds:
        yield folds, indexes, problem.combinations


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows."""
    state, target = fitted.state, fitted.arrays["target"]
    modalities, config = tuple(state["modalities"]), state["config"]
    index = FoldIndex(
        modalities,
        tuple(measured_rows(unpack(f"training/{name}", fitted.arrays)) for name in modalities),
        tuple(measured_rows(matrices[name]) for name in modalities),
        lambda metric: list(fitted.arrays["scales"]),
        np.zeros(len(target), np.int16),
        np.full(matrices[modalities[0]].shape[0], TEST, np.int16),
    )
    (found,) = Search([index], [modalities], [config["metric"]], config["n_neighbors"]).tables()
    near = Neighbors(*(table[0] for table in found[config["metric"]]))
    return scores_of(near, target, config, state["form"], state["n_outputs"], np.arange(len(target)))


def memory_bytes(size: Size, settings: KnnSettings) -> float:
    """Return the memory of the features, as they are and in float64, of what is kept of folds, and of tiles; no n × n matrix is made."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    configs = grid(settings, 0)
    parts = (size.n_rows, 0), (0, size.n_rows)  # how many rows are for training, and how many for testing, is not known yet
    one = max(kept_bytes(*part, configs, size.form, size.n_outputs) for part in parts)
    kept = min(one * size.n_combinations * size.n_folds, max(one, KEPT_BYTES))
    return 12 * size.n_rows * n_values + kept + n_cores() * TILE_BYTES


MODEL = Sweep(
    name="knn",
    settings=KnnSettings,
    grid=grid,
    run=run,
    predict=predict,
    min_samples=lambda config: int(config["n_neighbors"]),
    memory_bytes=memory_bytes,
)
