"""A whole grid of k-nearest neighbours in one pass over tiles: every k, weighting and distance, inner and outer fold, and subset.

Of training rows only what each configuration predicts is kept; of test rows their nearest neighbours, of which the chosen configuration's
scores are made.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.contracts.model import FoldResult
from stages.contracts.problem import Fold, Problem
from stages.contracts.task import Task
from stages.foundation.parallel import each
from stages.model_selection.choice import InnerPredictions, empty_predictions
from stages.model_selection.decisions import CLASSES, decide, known_means
from stages.models.knn.neighbourhoods import TEST, Search, View
from stages.models.knn.tiles import ROWS
from stages.models.knn.votes import label_probabilities, means_for, vote_probabilities, vote_weights, votes_for

KEPT_BYTES = 5e8  # of what is kept of folds that are gone through at once
_BEHIND = ROWS + 4  # a tile may end behind the last row


@dataclass(frozen=True)
class Near:
    """The nearest rows of some queries: distances float64 (n, k), rows int32 (n, k), by (distance, row)."""

    distances: np.ndarray
    rows: np.ndarray


def scores_of(near: Near, target: np.ndarray, config: Mapping[str, Any], task: Task, n_outputs: int, train: np.ndarray) -> np.ndarray:
    """Return the votes, shares or means (n, n_outputs) of a configuration; `train` are the rows whose mean stands in for unknown ones."""
    k = config["k"]
    distances, values = near.distances[:, :k], target[near.rows[:, :k]]
    if task in CLASSES:
        return votes_for(values, vote_weights(distances, config["weights"]), [k], n_outputs)[0]
    values = values.astype(np.float64)
    known = ~np.isnan(values)
    weights = vote_weights(distances, config["weights"], None if known.all() else known)
    means = means_for(values, weights, [k], known_means(target[train]))[0]
    return label_probabilities(means, k) if task == "multilabel" else means


def answer(
    scores: np.ndarray, thresholds: np.ndarray | None, config: Mapping[str, Any], task: Task
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (prediction, scores) as in FoldResult."""
    prediction = decide(task, scores, thresholds)
    if task in CLASSES:
        return prediction, vote_probabilities(scores, config["k"])
    return prediction, None if task == "regression" else scores


def kept_bytes(n_train: int, n_test: int, configs: Sequence[Mapping[str, Any]], task: Task, n_outputs: int) -> int:
    """Return how much memory what is kept of one fold and one subset takes."""
    of_prediction = 4 if task in CLASSES else n_outputs * (8 if task == "regression" else 4)
    n_distances = len({config["distance"] for config in configs})
    return n_train * len(configs) * of_prediction + n_test * n_distances * 12 * max(config["k"] for config in configs)


@dataclass(frozen=True)
class GridSearch:
    """Some folds and subsets of a problem, gone through at once."""

    problem: Problem
    configs: Sequence[Mapping[str, Any]]
    folds: Sequence[Fold]
    views: Sequence[View]
    subsets: Sequence[tuple[str, ...]]

    def results(self) -> list[FoldResult]:
        """Return the result of every fold and subset."""
        distances = list(dict.fromkeys(config["distance"] for config in self.configs))
        k = max(config["k"] for config in self.configs)
        n_subsets = len(self.subsets)
        found = [empty_predictions(self.problem, n_subsets, len(self.configs), len(fold.train)) for fold in self.folds]
        near = [
            {name: Near(np.empty((n_subsets, len(f.test), k)), np.empty((n_subsets, len(f.test), k), np.int32)) for name in distances}
            for f in self.folds
        ]

        def visit(view: int, distance: str, at: slice, near_distances: np.ndarray, near_rows: np.ndarray) -> None:
            self._vote(view, distance, at, near_distances, near_rows, found[view])
            test, kept = self.folds[view].test, near[view][distance]
            first, last = np.searchsorted(test, [at.start, at.stop])
            kept.distances[:, first:last] = near_distances[:, test[first:last] - at.start]
            kept.rows[:, first:last] = near_rows[:, test[first:last] - at.start]

        Search(self.views, self.subsets, distances, k).run(visit)
        pieces = [(view, i) for view in range(len(self.folds)) for i in range(n_subsets)]
        return each(lambda piece: self._result(piece, found[piece[0]][piece[1]], near[piece[0]]), pieces)

    def _result(self, piece: tuple[int, int], found: np.ndarray, near: Mapping[str, Near]) -> FoldResult:
        (view, subset), problem = piece, self.problem
        fold = self.folds[view]
        choice = InnerPredictions(problem, fold, len(self.configs), found).choose()
        config = self.configs[choice.config]
        of_test = Near(near[config["distance"]].distances[subset], near[config["distance"]].rows[subset])
        scores = scores_of(of_test, problem.target, config, problem.task, len(problem.outputs), fold.train)
        prediction, scores_or_none = answer(scores, choice.thresholds, config, problem.task)
        return FoldResult(fold, self.subsets[subset], choice.scores, choice.config, prediction, scores_or_none)

    def _vote(self, view: int, distance: str, at: slice, near_distances: np.ndarray, near_rows: np.ndarray, found: np.ndarray) -> None:
        """Write what every configuration with this distance predicts of the tile's training rows."""
        from stages.models.knn.compiled_votes import mean_numbers, vote_classes

        positions = self._positions[view][at]
        for weights, (ks, places) in self._places[distance].items():
            shared = near_distances, near_rows, self._target, positions, ks, places, weights == "distance", found
            if self.problem.task in CLASSES:
                vote_classes(*shared, len(self.problem.outputs))
            else:
                codes = self._fallback_of[view][at]
                mean_numbers(*shared, self._fallbacks[view], codes, self.problem.task == "multilabel")

    @cached_property
    def _places(self) -> dict[str, dict[str, tuple[np.ndarray, ...]]]:
        """By distance and weights: every k, ascending, and its configuration's number."""
        by_distance: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for i, config in enumerate(self.configs):
            by_distance[config["distance"]][config["weights"]].append((config["k"], i))
        return {
            distance: {weights: tuple(np.ascontiguousarray(np.array(sorted(pairs)).T)) for weights, pairs in by_weights.items()}
            for distance, by_weights in by_distance.items()
        }

    @cached_property
    def _target(self) -> np.ndarray:
        return np.ascontiguousarray(self.problem.target, np.int32 if self.problem.task in CLASSES else np.float64)

    @cached_property
    def _positions(self) -> list[np.ndarray]:
        """For each view, where a row stands in fold.train, int64 (n and a tile more,), −1: nowhere."""
        found = []
        for fold in self.folds:
            positions = np.full(len(self.problem.target) + _BEHIND, -1)
            positions[fold.train] = np.arange(len(fold.train))
            found.append(positions)
        return found

    @cached_property
    def _fallbacks(self) -> list[np.ndarray]:
        """For each view, the mean of what is known of each number, without each inner fold: float64 (n_inner, n_outputs)."""
        return [
            np.stack([known_means(self.problem.target[fold.train[fold.inner != i]]) for i in range(int(fold.inner.max()) + 1)])
            for fold in self.folds
        ]

    @cached_property
    def _fallback_of(self) -> list[np.ndarray]:
        found = []
        for fold in self.folds:
            codes = np.full(len(self.problem.target) + _BEHIND, TEST, np.int16)
            codes[fold.train] = fold.inner
            found.append(codes)
        return found


