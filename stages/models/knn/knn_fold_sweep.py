"""A whole grid of k-nearest neighbors in one pass over chunks of distances, for several outer folds and modality combinations.

Every number of neighbors, weighting, metric and inner fold shares the distances. Training rows keep each configuration's predictions; test
rows keep their nearest neighbors, from which the chosen configuration's scores are computed.
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
from stages.model_selection.fold_predictions import empty_predictions, joined_scores
from stages.model_selection.target_forms import FORMS, known_means
from stages.models.knn.distance_chunks import CHUNK_ROWS, prepared_rows
from stages.models.knn.fold_index import TEST, FoldIndex, candidates, pair_index
from stages.models.knn.neighbor_search import NeighborSearch, TiedTarget, n_sums
from stages.models.knn.neighbors import Neighbors, empty_neighbors, kernel_array, neighbor_bytes
from stages.models.knn.votes import scores_of, tied_share

KEPT_BYTES = 5e8  # limit on the results kept of folds that share a pass
_PADDING = CHUNK_ROWS + 4  # the last chunk may end after the last row


def kept_bytes(n_train: int, n_test: int, configs: Sequence[Mapping[str, Any]], form: TargetForm, n_outputs: int) -> int:
    """Return the memory of the results kept of one fold and one modality combination."""
    prediction_bytes = FORMS[form].empty((1,), n_outputs).nbytes
    n_distances = len({config["metric"] for config in configs})
    test_bytes = n_distances * neighbor_bytes(max(config["n_neighbors"] for config in configs), n_sums(form == "classes", n_outputs))
    return n_train * len(configs) * prediction_bytes + n_test * test_bytes


class SharedSearch:
    """Folds and combinations of a problem that share one neighbor search, which runs when the first result is requested."""

    def __init__(
        self, problem: Problem, configs: Sequence[Config], folds: Sequence[Fold], indexes: Sequence[FoldIndex],
        combinations: Sequence[tuple[str, ...]], most: int | None,
    ) -> None:  # fmt: skip
        self.most = most  # training rows that are searched; None: all
        self.problem, self.configs, self.folds, self.indexes, self.combinations = problem, configs, folds, indexes, combinations
        self._lock = threading.Lock()
        self._predictions: list[np.ndarray] = []
        self._test_neighbors: list[dict[str, Neighbors]] = []

    def fold_sweeps(self) -> list["KnnFoldSweep"]:
        """Return the sweep of every fold and combination."""
        return [KnnFoldSweep(self, i, j) for i in range(len(self.folds)) for j in range(len(self.combinations))]

    @property
    def is_done(self) -> bool:
        """Return whether the search has run."""
        return bool(self._predictions)

    def results(self) -> tuple[list[np.ndarray], list[dict[str, Neighbors]]]:
        """Return, for each fold, every configuration's predictions of the training rows and the nearest neighbors of the test rows."""
        with self._lock:
            if not self._predictions:
                self._search()
        return self._predictions, self._test_neighbors

    def _search(self) -> None:
        metrics = list(dict.fromkeys(config["metric"] for config in self.configs))
        k = max(config["n_neighbors"] for config in self.configs)
        n = len(self.combinations)
        self._test_neighbors = [
            {name: empty_neighbors((n, len(fold.test)), k, self._tied.n_sums) for name in metrics} for fold in self.folds
        ]
        predictions = [empty_predictions(self.problem, n, len(self.configs), len(fold.train)) for fold in self.folds]
        for fold, found in zip(self.folds, predictions, strict=True):
            found[:, :, ~fold.validated] = 0

        def visit(index: int, metric: str, at: slice, neighbors: Neighbors) -> None:
            self._vote(index, metric, at, neighbors, predictions[index])
            test, kept = self.folds[index].test, self._test_neighbors[index][metric]
            first, last = np.searchsorted(test, [at.start, at.stop])
            kept[:, first:last] = neighbors[:, test[first:last] - at.start]

        NeighborSearch(self.indexes, self.combinations, metrics, k, self._tied).run(visit)
        self._predictions = predictions

    def _vote(self, index: int, metric: str, at: slice, neighbors: Neighbors, predictions: np.ndarray) -> None:
        """Write the predictions of the chunk's training rows by every configuration with this metric."""
        from stages.models.knn.compiled_votes import mean_targets, vote_classes

        positions = self._positions[index][at]
        for weights, (ks, config_indices) in self._config_indices[metric].items():
            arguments = *neighbors.arrays(), self._target, positions, ks, config_indices, weights == "distance", predictions
            if self.problem.form == "classes":
                vote_classes(*arguments, len(self.problem.outputs))
            else:
                codes = self._fallback_of[index][at]
                mean_targets(*arguments, self._fallbacks[index], codes, self.problem.form == "labels")

    @cached_property
    def _config_indices(self) -> dict[str, dict[str, tuple[np.ndarray, ...]]]:
        """Metric → weights → every number of neighbors, ascending, and its configuration's index."""
        by_metric: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for i, config in enumerate(self.configs):
            by_metric[config["metric"]][config["weights"]].append((config["n_neighbors"], i))
        return {
            metric: {weights: tuple(np.ascontiguousarray(np.array(sorted(pairs)).T)) for weights, pairs in by_weights.items()}
            for metric, by_weights in by_metric.items()
        }

    @cached_property
    def _target(self) -> np.ndarray:
        return kernel_array(self.problem.target, np.int32 if self.problem.form == "classes" else np.float64)

    @cached_property
    def _tied(self) -> TiedTarget:
        return TiedTarget(self.problem.target, len(self.problem.outputs))

    @cached_property
    def _positions(self) -> list[np.ndarray]:
        """For each fold, the position of a validated row in fold.train, −1 of any other row: int64 (n + padding,)."""
        found = []
        for fold in self.folds:
            positions = np.full(len(self.problem.target) + _PADDING, -1)
            positions[fold.train[fold.validated]] = np.flatnonzero(fold.validated)
            found.append(positions)
        return found

    @cached_property
    def _fallbacks(self) -> list[np.ndarray]:
        """For each fold, the mean of each target's known values outside each validation fold: float64 (n_inner, n_outputs)."""
        return [
            np.stack([known_means(self.problem.target[fold.train[fold.inner != i]]) for i in range(fold.n_inner)]) for fold in self.folds
        ]

    @cached_property
    def _fallback_of(self) -> list[np.ndarray]:
        found = []
        for fold in self.folds:
            codes = np.full(len(self.problem.target) + _PADDING, TEST, np.int16)
            codes[fold.train] = fold.inner
            found.append(codes)
        return found


@dataclass(frozen=True)
class KnnFoldSweep:
    """One fold and combination of a shared search, by their indices in it."""

    shared: SharedSearch
    index: int
    combination: int

    @property
    def fold(self) -> Fold:
        return self.shared.folds[self.index]

    @property
    def modalities(self) -> tuple[str, ...]:
        return self.shared.combinations[self.combination]

    @property
    def searched(self) -> np.ndarray:
        """The training rows among which neighbors are searched: int64, sorted."""
        return candidates(self.shared.problem, self.fold, self.shared.most)

    def inner_predictions(self) -> np.ndarray:
        predictions, _ = self.shared.results()
        return predictions[self.index][self.combination]

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == inner for inner in range(self.fold.n_inner)]
        pairs = [(np.intersect1d(self.fold.train[~out], self.searched), self.fold.train[out]) for out in masks]
        blocks = encode_fold({name: self.shared.problem.blocks[name] for name in self.modalities}, self.fold.train)
        indexes = [pair_index(blocks, train, rows) for train, rows in pairs]
        chosen = self.shared.configs[config]
        tied = TiedTarget(self.shared.problem.target, len(self.shared.problem.outputs))
        tables = NeighborSearch(indexes, [self.modalities], [chosen["metric"]], chosen["n_neighbors"], tied).tables()
        found = [
            self._scores(table[chosen["metric"]][0, rows], chosen, train) for table, (train, rows) in zip(tables, pairs, strict=True)
        ]
        return joined_scores(found, masks)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        chosen = self.shared.configs[config]
        if self.shared.is_done:
            neighbors = self.shared.results()[1][self.index][chosen["metric"]][self.combination]
            scores = self._scores(neighbors, chosen, self.searched)
        else:  # chosen on a sample: nobody needs the neighbors of the training rows, which are most
            neighbors, target = self._search_test_rows(chosen), self.shared.problem.target[self.searched]
            form, n_outputs = self.shared.problem.form, len(self.shared.problem.outputs)
            scores = scores_of(neighbors, target, chosen, form, n_outputs, np.arange(len(target)))
        share = tied_share(neighbors, chosen["n_neighbors"])
        found = TestScores(scores, notes={} if share is None else {"tied_rows": share})
        return lambda: found

    def _search_test_rows(self, config: Config) -> Neighbors:
        """Return the test rows' neighbors, numbered from 0 in the order of `searched`."""
        problem, train, test = self.shared.problem, self.searched, self.fold.test
        blocks = encode_fold({name: problem.blocks[name] for name in self.modalities}, self.fold.train)
        matrices = [block.matrix for block in blocks.encoded.values()]
        index = FoldIndex(
            self.modalities,
            tuple(prepared_rows(matrix[train]) for matrix in matrices),
            tuple(prepared_rows(matrix[test]) for matrix in matrices),
            lambda metric: blocks.scales(self.modalities, metric),
            np.zeros(len(train), np.int16),
            np.full(len(test), TEST, np.int16),
        )
        tied = TiedTarget(problem.target[train], len(problem.outputs))
        (found,) = NeighborSearch([index], [self.modalities], [config["metric"]], config["n_neighbors"], tied).tables()
        return found[config["metric"]][0]

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Keep the encoded training rows that are searched, their targets and the blocks' scales."""
        problem, rows, chosen = self.shared.problem, self.searched, self.shared.configs[config]
        blocks = encode_fold({name: problem.blocks[name] for name in self.modalities}, self.fold.train)
        arrays = {"target": problem.target[rows], "scales": np.array(blocks.scales(self.modalities, chosen["metric"]))}
        for name in self.modalities:
            arrays |= pack(f"training/{name}", blocks.encoded[name].matrix[rows])
        state = {"config": dict(chosen), "modalities": list(self.modalities), "form": problem.form, "n_outputs": len(problem.outputs)}
        return Fitted(arrays, state)

    def _scores(self, neighbors: Neighbors, config: Config, train: np.ndarray) -> Scores:
        problem = self.shared.problem
        return scores_of(neighbors, problem.target, config, problem.form, len(problem.outputs), train)
