"""k-nearest neighbours: k, the distance and the weighting are swept. Neighbours vote for classes; of labels and numbers the mean is taken.

Distances of a fold are computed once per modality; a subset's are sums of them, every k follows from one cumulative vote.
Neighbours are ordered by (distance, row), classes with equal votes by code, as in scikit-learn's brute force.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings, Task
from stages.numerics.fusion import FoldBlocks, cross_distances, each_subset, encode_fold
from stages.numerics.matrices import pack, unpack
from stages.numerics.neighbours import label_probabilities, means_for, nearest, vote_probabilities, vote_weights, votes_for
from stages.numerics.outputs import CLASSES, decide, known_means
from stages.numerics.parallel import each
from stages.numerics.selection import InnerPredictions, product, thresholds_for


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
    for fold, blocks, subset in each_subset(problem):
        yield _sweep_subset(problem, fold, blocks, subset, configs)


def _sweep_subset(
    problem: Problem, fold: Fold, blocks: FoldBlocks, subset: tuple[str, ...], configs: list[dict[str, Any]]
) -> FoldResult:
    target = problem.target[fold.train]
    inner_predictions = InnerPredictions(problem, fold, len(configs))
    held_out: dict[int, np.ndarray] = {}

    def sweep_distance(distance: str) -> None:
        rows = [i for i, config in enumerate(configs) if config["distance"] == distance]
        members = [configs[i] for i in rows]
        fused = blocks.distances(subset, distance)
        for inner in range(int(fold.inner.max()) + 1):
            out = fold.inner == inner
            found = _scores(fused[np.ix_(fold.train[out], fold.train[~out])], target[~out], members, _facts(problem))
            for i, scores in zip(rows, found, strict=True):
                inner_predictions.put(i, out, scores)
        held_out.update(zip(rows, _scores(fused[np.ix_(fold.test, fold.train)], target, members, _facts(problem)), strict=True))

    each(sweep_distance, dict.fromkeys(config["distance"] for config in configs))
    choice = inner_predictions.choose()
    prediction, scores = _answer(held_out[choice.config], choice.thresholds, configs[choice.config], problem.task)
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, scores)


def _facts(problem: Problem) -> dict[str, Any]:
    return {"task": problem.task, "n_outputs": len(problem.outputs)}


def _scores(distances: np.ndarray, target: np.ndarray, configs: list[dict[str, Any]], facts: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the votes, shares or means (n, n_outputs) of every configuration; they differ in k and weights alone."""
    ks = sorted({config["k"] for config in configs})
    neighbours = nearest(distances, max(ks))
    near = np.take_along_axis(distances, neighbours, axis=1)
    by_weights = {}
    for weights in dict.fromkeys(config["weights"] for config in configs):
        if facts["task"] in CLASSES:
            by_weights[weights] = votes_for(target[neighbours], vote_weights(near, weights), ks, facts["n_outputs"])
            continue
        values = target[neighbours].astype(np.float64)
        known = ~np.isnan(values)
        weight = vote_weights(near, weights, None if known.all() else known)
        by_weights[weights] = means_for(values, weight, ks, known_means(target))
    found = [by_weights[config["weights"]][ks.index(config["k"])] for config in configs]
    if facts["task"] == "multilabel":
        return [label_probabilities(shares, config["k"]) for shares, config in zip(found, configs, strict=True)]
    return found


def _answer(
    scores: np.ndarray, thresholds: np.ndarray | None, config: Mapping[str, Any], task: Task
) -> tuple[np.ndarray, np.ndarray | None]:
    prediction = decide(task, scores, thresholds)
    if task in CLASSES:
        return prediction, vote_probabilities(scores, config["k"])
    return prediction, None if task == "regression" else scores


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
        arrays["thresholds"] = _crossed_thresholds(problem, blocks.distances(subset, config["distance"]), dict(config))
    return Fitted(arrays, {"config": dict(config), "subset": list(subset), **_facts(problem)})


def _crossed_thresholds(problem: Problem, distances: np.ndarray, config: dict[str, Any]) -> Any:
    pairs = problem.crossed()
    scores = [_scores(distances[np.ix_(test, train)], problem.target[train], [config], _facts(problem))[0] for train, test in pairs]
    return thresholds_for(problem, problem.target[np.concatenate([test for _, test in pairs])], np.vstack(scores))


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    state, subset = fitted.state, fitted.state["subset"]
    training = [unpack(f"training/{label}", fitted.arrays) for label in subset]
    distance = state["config"]["distance"]
    distances = cross_distances([matrices[label] for label in subset], training, list(fitted.arrays["scales"]), distance)
    scores = _scores(distances, fitted.arrays["target"], [state["config"]], state)[0]
    return _answer(scores, fitted.arrays.get("thresholds"), state["config"], state["task"])


MODEL = Model(
    name="knn",
    settings=KnnSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: int(config["k"]),
    pairwise_matrices=lambda n_blocks: 3 * n_blocks + 9,  # of each block three; three distances at once: fused, and two parts
)
