"""A whole grid of k-nearest neighbors in one pass over tiles: every number of neighbors, weighting and metric, inner and outer fold, and
modality combination.

Of training rows only what each configuration predicts is kept; of test rows their nearest neighbors, of which the chosen configuration's
scores are made.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, TestScores
from stages.contracts.problem import Fold, Problem
from stages.contracts.task import TargetForm
from stages.features.early_fusion import encode_fold
from stages.features.matrices import pack
from stages.model_selection.grid import empty_predictions, in_order
from stages.model_selection.target_forms import FORMS, known_means
from stages.models.knn.neighbourhoods import TEST, FoldIndex, Search, pair_index
from stages.models.knn.tiles import ROWS
from stages.models.knn.votes import Neighbors, scores_of

KEPT_BYTES = 5e8  # of what is kept of folds that are gone through at once
_BEHIND = ROWS + 4  # a tile may end behind the last row


def kept_bytes(n_train: int, n_test: int, configs: Sequence[Mapping[str, Any]], form: TargetForm, n_outputs: int) -> int:
    """Return how much memory what is kept of one fold and one subset takes."""
    of_prediction = FORMS[form].empty((1,), n_outputs).nbytes
    n_distances = len({config["metric"] for config in configs})
    return n_train * len(configs) * of_prediction + n_test * n_distances * 12 * max(config["n_neighbors"] for config in configs)


class GridPass:
    """Some folds and combinations of a problem, whose neighbors are searched at once when the first of them is asked for."""

    def __init__(
        self, problem: Problem, configs: Sequence[Config], folds: Sequence[Fold], indexes: Sequence[FoldIndex],
        combinations: Sequence[tuple[str, ...]],
    ) -> None:  # fmt: skip
        self.problem, self.configs, self.folds, self.indexes, self.combinations = problem, configs, folds, indexes, combinations
        self._lock = threading.Lock()
        self._found: list[np.ndarray] = []
        self._near: list[dict[str, Neighbors]] = []

    def fold_sweeps(self) -> list["FoldOfKnn"]:
        """Return the sweep of every fold and combination."""
        return [FoldOfKnn(self, i, j) for i in range(len(self.folds)) for j in range(len(self.combinations))]

    def searched(self) -> tuple[list[np.ndarray], list[dict[str, Neighbors]]]:
        """Return, for each fold, every configuration's predictions of its training rows and the nearest neighbors of its test rows."""
        with self._lock:
            if not self._found:
                self._search()
        return self._found, self._near

    def _search(self) -> None:
        metrics = list(dict.fromkeys(config["metric"] for config in self.configs))
        k = max(config["n_neighbors"] for config in self.configs)
        n = len(self.combinations)
        self._near = [
            {name: Neighbors(np.empty((n, len(f.test), k)), np.empty((n, len(f.test), k), np.int32)) for name in metrics}
            for f in self.folds
        ]
        found = [empty_predictions(self.problem, n, len(self.configs), len(fold.train)) for fold in self.folds]

        def visit(index: int, metric: str, at: slice, near_distances: np.ndarray, near_rows: np.ndarray) -> None:
            self._vote(index, metric, at, near_distances, near_rows, found[index])
            test, kept = self.folds[index].test, self._near[index][metric]
            first, last = np.searchsorted(test, [at.start, at.stop])
            kept.distances[:, first:last] = near_distances[:, test[first:last] - at.start]
            kept.rows[:, first:last] = near_rows[:, test[first:last] - at.start]

        Search(self.indexes, self.combinations, metrics, k).run(visit)
        self._found = found

    def _vote(self, index: int, metric: str, at: slice, near_distances: np.ndarray, near_rows: np.ndarray, found: np.ndarray) -> None:
        """Write what every configuration with this metric predicts of the tile's training rows."""
        from stages.models.knn.compiled_votes import mean_numbers, vote_classes

        positions = self._positions[index][at]
        for weights, (ks, places) in self._places[metric].items():
            shared = near_distances, near_rows, self._target, positions, ks, places, weights == "distance", found
            if self.problem.form == "classes":
                vote_classes(*shared, len(self.problem.outputs))
            else:
                codes = self._fallback_of[index][at]
                mean_numbers(*shared, self._fallbacks[index], codes, self.problem.form == "labels")

    @cached_property
    def _places(self) -> dict[str, dict[str, tuple[np.ndarray, ...]]]:
        """By metric and weights: every number of neighbors, ascending, and its configuration's index."""
        by_metric: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for i, config in enumerate(self.configs):
            by_metric[config["metric"]][config["weights"]].append((config["n_neighbors"], i))
        return {
            metric: {weights: tuple(np.ascontiguousarray(np.array(sorted(pairs)).T)) for weights, pairs in by_weights.items()}
            for metric, by_weights in by_metric.items()
        }

    @cached_property
    def _target(self) -> np.ndarray:
        return np.ascontiguousarray(self.problem.target, np.int32 if self.problem.form == "classes" else np.float64)

    @cached_property
    def _positions(self) -> list[np.ndarray]:
        """For each fold, the position of a row in fold.train, int64 (n and a tile more,), −1 where it is not there."""
        found = []
        for fold in self.folds:
            positions = np.full(len(self.problem.target) + _BEHIND, -1)
            positions[fold.train] = np.arange(len(fold.train))
            found.append(positions)
        return found

    @cached_property
    def _fallbacks(self) -> list[np.ndarray]:
        """For each fold, the mean of what is known of each target, without each inner fold: float64 (n_inner, n_outputs)."""
        return [
            np.stack([known_means(self.problem.target[fold.train[fold.inner != i]]) for i in range(fold.n_inner)]) for fold in self.folds
        ]

    @cached_property
    def _fallback_of(self) -> list[np.ndarray]:
        found = []
        for fold in self.folds:
            codes = np.full(len(self.problem.target) + _BEHIND, TEST, np.int16)
            codes[fold.train] = fold.inner
            found.append(codes)
        return found


@dataclass(frozen=True)
class FoldOfKnn:
    """One fold and combination of a pass, by their positions in it."""

    shared: GridPass
    index: int
    combination: int

    @property
    def fold(self) -> Fold:
        return self.shared.folds[self.index]

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.shared.combinations[self.combination]

    def inner_predictions(self) -> np.ndarray:
        found, _ = self.shared.searched()
        return found[self.index][self.combination]

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == inner for inner in range(self.fold.n_inner)]
        pairs = [(self.fold.train[~out], self.fold.train[out]) for out in masks]
        blocks = encode_fold({name: self.shared.problem.blocks[name] for name in self.modalities}, self.fold.train)
        indexes = [pair_index(blocks, train, rows) for train, rows in pairs]
        chosen = self.shared.configs[config]
        tables = Search(indexes, [self.modalities], [chosen["metric"]], chosen["n_neighbors"]).tables()
        found = [
            self._scores(Neighbors(*(values[0, rows] for values in table[chosen["metric"]])), chosen, train)
            for table, (train, rows) in zip(tables, pairs, strict=True)
        ]
        return in_order(found, masks)

    def refit(self, config: int) -> Callable[[], TestScores]:
        _, near = self.shared.searched()
        chosen = self.shared.configs[config]
        of_metric = near[self.index][chosen["metric"]]
        of_test = Neighbors(of_metric.distances[self.combination], of_metric.rows[self.combination])
        found = TestScores(self._scores(of_test, chosen, self.fold.train))
        return lambda: found

    def fitted(self, config: int) -> Fitted:
        """Keep the encoded training rows, their targets and the blocks' scales."""
        problem, rows, chosen = self.shared.problem, self.fold.train, self.shared.configs[config]
        blocks = encode_fold({name: problem.blocks[name] for name in self.modalities}, rows)
        arrays = {"target": problem.target[rows], "scales": np.array(blocks.scales(self.modalities, chosen["metric"]))}
        for name in self.modalities:
            arrays |= pack(f"training/{name}", blocks.encoded[name].matrix[rows])
        state = {"config": dict(chosen), "modalities": list(self.modalities), "form": problem.form, "n_outputs": len(problem.outputs)}
        return Fitted(arrays, state)

    def _scores(self, near: Neighbors, config: Config, train: np.ndarray) -> Scores:
        problem = self.shared.problem
        return scores_of(near, problem.target, config, problem.form, len(problem.outputs), train)
