"""k-nearest neighbours: k, the distance and the weighting of votes are swept.

Distances of a fold are computed once per modality; a subset's are sums of them, every k follows from one cumulative vote.
Neighbours are ordered by (distance, row), classes with equal votes by code, as in scikit-learn's brute force.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings
from stages.numerics.fusion import FoldBlocks, cross_distances, encode_fold
from stages.numerics.matrices import pack, unpack
from stages.numerics.neighbours import nearest, vote_probabilities, vote_weights, votes_for
from stages.numerics.parallel import each
from stages.numerics.selection import choose, product, score_inner


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


def sweep(problem: Problem, settings: KnnSettings) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    configs = grid(settings, problem.seed)
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        for subset in problem.subsets:
            yield _sweep_subset(problem, fold, blocks, subset, configs)


def _sweep_subset(
    problem: Problem, fold: Fold, blocks: FoldBlocks, subset: tuple[str, ...], configs: list[dict[str, Any]]
) -> FoldResult:
    target = problem.target[fold.train]
    inner_prediction = np.empty((len(configs), len(target)), dtype=np.int32)
    held_out: dict[int, np.ndarray] = {}

    def sweep_distance(distance: str) -> None:
        rows = [i for i, config in enumerate(configs) if config["distance"] == distance]
        members = [configs[i] for i in rows]
        fused = blocks.distances(subset, distance)
        for inner in range(int(fold.inner.max()) + 1):
            out = fold.inner == inner
            found = _votes(fused[np.ix_(fold.train[out], fold.train[~out])], target[~out], members, problem)
            for i, votes in zip(rows, found, strict=True):
                inner_prediction[i, out] = votes.argmax(axis=1)
        held_out.update(zip(rows, _votes(fused[np.ix_(fold.test, fold.train)], target, members, problem), strict=True))

    each(sweep_distance, dict.fromkeys(config["distance"] for config in configs))
    scores = score_inner(target, inner_prediction, fold.inner, problem.select)
    chosen = choose(scores, problem.select)
    votes = held_out[chosen]
    probabilities = vote_probabilities(votes, configs[chosen]["k"])
    return FoldResult(fold, subset, scores, chosen, votes.argmax(axis=1).astype(np.int32), probabilities)


def _votes(distances: np.ndarray, target: np.ndarray, configs: list[dict[str, Any]], problem: Problem) -> list[np.ndarray]:
    """Return the votes (n, n_classes) of every configuration; they differ in k and weights alone."""
    ks = sorted({config["k"] for config in configs})
    neighbours = nearest(distances, max(ks))
    near = np.take_along_axis(distances, neighbours, axis=1)
    labels = target[neighbours]
    by_weights = {
        weights: votes_for(labels, vote_weights(near, weights), ks, len(problem.classes))
        for weights in dict.fromkeys(config["weights"] for config in configs)
    }
    return [by_weights[config["weights"]][ks.index(config["k"])] for config in configs]


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: KnnSettings) -> Fitted:
    """Keep the encoded training rows, their classes and the scales."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    target = problem.target[rows]
    arrays: dict[str, np.ndarray] = {
        "target": target,
        "scales": np.array(blocks.scales(subset, config["distance"])),
    }
    for label in subset:
        arrays |= pack(f"training/{label}", blocks.encoded[label].matrix[rows])
    return Fitted(arrays, {"config": dict(config), "subset": list(subset), "n_classes": len(problem.classes)})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return classes and probabilities of new rows."""
    config, subset = fitted.state["config"], fitted.state["subset"]
    training = [unpack(f"training/{label}", fitted.arrays) for label in subset]
    distances = cross_distances([matrices[label] for label in subset], training, list(fitted.arrays["scales"]), config["distance"])
    neighbours = nearest(distances, config["k"])
    weights = vote_weights(np.take_along_axis(distances, neighbours, axis=1), config["weights"])
    votes = votes_for(fitted.arrays["target"][neighbours], weights, [config["k"]], fitted.state["n_classes"])[0]
    return votes.argmax(axis=1).astype(np.int32), vote_probabilities(votes, config["k"])


MODEL = Model(
    name="knn",
    settings=KnnSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    smallest_training_set=lambda settings: max(settings.k),
    pairwise_matrices=lambda n_blocks: 3 * n_blocks + 3,  # of each block products, L2 and L1; fused, and two parts of it
)
