"""k-nearest neighbors: the number of neighbors, the metric and the weighting are swept. Classes are voted, labels and targets averaged.

A fold's distances are computed once per modality; a combination's distances are sums of them; one cumulative vote serves every k.
All rows at the k-th distance share the votes that the nearer ones leave, so the order of rows decides nothing; of classes with equal votes
the one with the lowest code is predicted.
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
from stages.models.knn.distance_chunks import encoded_bytes, prepared_rows
from stages.models.knn.fold_index import TEST, FoldIndex, candidate_codes, candidates, fold_codes, fold_index, validation_codes
from stages.models.knn.knn_fold_sweep import KEPT_BYTES, SharedSearch, kept_bytes
from stages.models.knn.neighbor_search import CHUNK_BYTES, NeighborSearch, TiedTarget
from stages.models.knn.votes import scores_of

# Processor seconds of a pair of rows by one metric: to select, and for each value of its features. Fitted to docs/performance.md (growth,
# 20,000 and 50,000 × 784, 2 cores) and to 200,000 × 6.
PAIR_S, PAIR_VALUE_S = 3e-9, 7e-11


class KnnSettings(Settings):
    n_neighbors: tuple[int, ...] = Field(
        (1, 3, 5, 7, 10, 15, 20, 30, 50), min_length=1, description="numbers of neighbors, each at least 1"
    )
    metric: tuple[Literal["manhattan", "euclidean", "cosine"], ...] = Field(
        ("manhattan", "euclidean", "cosine"), min_length=1, description="any of manhattan, euclidean, cosine"
    )
    weights: tuple[Literal["uniform", "distance"], ...] = Field(("uniform",), min_length=1, description="any of uniform, distance")
    exact_rows: int = Field(
        50_000, ge=100, description="largest number of training rows that are all searched; of more, a seeded sample, stratified by class"
    )

    renamed: ClassVar[Mapping[str, str]] = {"k": "n_neighbors", "distance": "metric"}

    @field_validator("n_neighbors")
    @classmethod
    def _positive(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if min(values) < 1:
            raise ValueError("every number of neighbors must be at least 1")
        return values


def grid(settings: KnnSettings, seed: int) -> list[Config]:
    """Return metric × weights × n_neighbors, the largest number first: it is the smoothest, so it wins ties."""
    return product(metric=settings.metric, weights=settings.weights, n_neighbors=sorted(settings.n_neighbors, reverse=True))


def approximated(configs: list[Config], settings: KnnSettings, problem: Problem) -> list[Config]:
    """Return the configurations unchanged if no fold has more than `exact_rows` training rows, else with their approximation."""
    if max(len(fold.train) for fold in problem.folds) <= settings.exact_rows:
        return configs
    return [{**config, "approximation": f"neighbors among {settings.exact_rows} training rows"} for config in configs]


def run(problem: Problem, settings: KnnSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination, grouped by shared search."""
    most = settings.exact_rows if "approximation" in configs[0] else None
    for folds, indexes, combinations in _groups(problem, configs, most):
        yield SharedSearch(problem, configs, folds, indexes, combinations, most).fold_sweeps()


def _groups(
    problem: Problem, configs: list[Config], most: int | None
) -> Iterator[tuple[list[Fold], list[FoldIndex], Sequence[tuple[str, ...]]]]:
    """Yield the folds, their indexes and the combinations that share a search: all of them if their results fit in KEPT_BYTES."""
    folds: list[Fold] = []
    indexes: list[FoldIndex] = []
    n_bytes = 0.0
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        codes = fold_codes(fold, len(problem.target))
        searched = candidate_codes(codes, fold.train, candidates(problem, fold, most))
        index = fold_index(blocks, searched, validation_codes(codes, fold.n_inner))
        combination_bytes = kept_bytes(len(fold.train), len(fold.test), configs, problem.form, len(problem.outputs))
        fitted = [name for name, block in problem.blocks.items() if not block.raw.shared]
        fold_bytes = combination_bytes * len(problem.combinations) + sum(encoded_bytes(blocks.encoded[name].matrix) for name in fitted)
        if folds and (n_bytes + fold_bytes > KEPT_BYTES or len(fitted) == len(problem.blocks)):
            yield folds, indexes, problem.combinations
            folds, indexes, n_bytes = [], [], 0.0
        if fold_bytes > KEPT_BYTES:
            step = max(1, int(KEPT_BYTES // combination_bytes))
            for start in range(0, len(problem.combinations), step):
                yield [fold], [index], problem.combinations[start : start + step]
            continue
        folds.append(fold)
        indexes.append(index)
        n_bytes += fold_bytes
    if folds:
        yield folds, indexes, problem.combinations


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows."""
    state, target = fitted.state, fitted.arrays["target"]
    modalities, config = tuple(state["modalities"]), state["config"]
    index = FoldIndex(
        modalities,
        tuple(prepared_rows(unpack(f"training/{name}", fitted.arrays)) for name in modalities),
        tuple(prepared_rows(matrices[name]) for name in modalities),
        lambda metric: list(fitted.arrays["scales"]),
        np.zeros(len(target), np.int16),
        np.full(matrices[modalities[0]].shape[0], TEST, np.int16),
    )
    tied = TiedTarget(target, state["n_outputs"])
    (found,) = NeighborSearch([index], [modalities], [config["metric"]], config["n_neighbors"], tied).tables()
    return scores_of(found[config["metric"]][0], target, config, state["form"], state["n_outputs"], np.arange(len(target)))


def memory_bytes(size: Size, settings: KnnSettings) -> float:
    """Return the memory of the features (float32 and float64), the results kept of folds and the chunks; no n × n matrix is allocated."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    configs = grid(settings, 0)
    extremes = (size.n_rows, 0), (0, size.n_rows)  # (n_train, n_test) is not known yet
    one = max(kept_bytes(*sizes, configs, size.form, size.n_outputs) for sizes in extremes)
    kept = min(one * size.n_combinations * size.n_folds, max(one, KEPT_BYTES))
    return 12 * size.n_rows * n_values + kept + n_cores() * CHUNK_BYTES


def processor_s(size: Size, settings: KnnSettings) -> float:
    """Return the estimated processor seconds: in proportion to the pairs of rows, and of the chosen metric's pairs of a sample's refit."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    pair_s = PAIR_S * size.n_combinations + PAIR_VALUE_S * n_values
    refitted = float(size.n_rows) * min(size.n_rows, settings.exact_rows) / size.n_folds if size.n_tuned < size.n_rows else 0.0
    return pair_s * size.n_folds * (len(settings.metric) * float(size.n_tuned) ** 2 + refitted)


MODEL = Sweep(
    name="knn",
    settings=KnnSettings,
    grid=grid,
    run=run,
    predict=predict,
    approximated=approximated,
    min_samples=lambda config: int(config["n_neighbors"]),
    memory_bytes=memory_bytes,
    processor_s=processor_s,
)
