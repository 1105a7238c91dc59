"""The nearest rows of every row, for every fold, combination of modalities and distance, tile by tile.

A tile holds some rows' distances to all rows, one matrix per modality, and is made once for all folds in which the modality's features
are the same. Memory is bounded by the tiles, one for each core, and by what `visit` keeps.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.contracts.problem import Fold
from stages.features.early_fusion import FoldBlocks
from stages.foundation.parallel import each
from stages.models.knn.tiles import ROWS, Rows, measured_rows, padded, square

KINDS = {"manhattan": "manhattan", "cosine": "products", "euclidean": "squared"}  # in this order, so that squares are made of products
TILE_BYTES = 64e6  # of each core

TEST, ABSENT = -1, -2  # codes of rows, as in topk.py, which costs numba's import
Visit = Callable[[int, str, slice, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class FoldIndex:
    """One fold: each block's rows and queries, their scales, and who may be whose neighbour.

    codes: int16 (n,), query_codes: int16 (n_queries,): the inner fold that holds a training row out, TEST or ABSENT.
    """

    labels: tuple[str, ...]
    rows: tuple[Rows, ...]
    queries: tuple[Rows, ...]
    scales: Callable[[str], Sequence[float]]  # by distance, a factor per block
    codes: np.ndarray
    query_codes: np.ndarray


def fold_index(blocks: FoldBlocks, codes: np.ndarray, query_codes: np.ndarray | None = None) -> FoldIndex:
    """Return the index of a fold whose rows ask for their neighbours among themselves."""
    labels = tuple(blocks.encoded)
    rows = tuple(block.derived(measured_rows) for block in blocks.encoded.values())
    return FoldIndex(labels, rows, rows, lambda metric: blocks.scales(labels, metric), codes, codes if query_codes is None else query_codes)


def fold_codes(fold: Fold, n: int) -> np.ndarray:
    """Return the codes of an outer fold's rows: int16 (n,)."""
    codes = np.full(n, ABSENT, np.int16)
    codes[fold.train] = fold.inner
    codes[fold.test] = TEST
    return codes


def pair_index(blocks: FoldBlocks, train: np.ndarray, test: np.ndarray) -> FoldIndex:
    """Return the index of held-out rows that ask for their neighbours among training rows."""
    n = blocks.encoded[next(iter(blocks.encoded))].matrix.shape[0]
    codes, query_codes = np.full(n, ABSENT, np.int16), np.full(n, ABSENT, np.int16)
    codes[train], query_codes[test] = 0, TEST
    return fold_index(blocks, codes, query_codes)


@dataclass(frozen=True)
class Search:
    """What is looked for: the k nearest rows by each of some distances, in every index and combination."""

    indexes: Sequence[FoldIndex]
    combinations: Sequence[tuple[str, ...]]
    metrics: Sequence[str]
    k: int

    def run(self, visit: Visit) -> None:
        """Call `visit(index, metric, rows, near_distances, near_rows)` for every tile, index and distance, side by side.

        rows: the tile's, a slice of the queries that may end behind the last. near_distances, near_rows: float64, int32
        (n_combinations, n rows of the tile, k), by (distance, row); only of queries that are not ABSENT; overwritten by the next tile.
        Raises:
            ValueError: if a query has fewer than k neighbours.
        """
        workspace = threading.local()

        def run_tile(start: int) -> None:
            if not hasattr(workspace, "tile"):
                workspace.tile = _Tile(self)
            workspace.tile.run(slice(start, start + self.n_tile_rows), visit)

        _ = self.codes, self.norms  # once, before the threads ask for them
        each(run_tile, range(0, self.n_queries, self.n_tile_rows))

    def tables(self) -> list[dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Return, for each index and by distance, the distances and rows of every query's nearest: (n_combinations, n_queries, k) each."""
        shape = (len(self.combinations), len(self.indexes[0].query_codes), self.k)
        found = [{metric: (np.empty(shape), np.empty(shape, np.int32)) for metric in self.metrics} for _ in self.indexes]

        def keep(index: int, metric: str, at: slice, near_distances: np.ndarray, near_rows: np.ndarray) -> None:
            distances, rows = found[index][metric]
            n = distances[:, at].shape[1]
            distances[:, at], rows[:, at] = near_distances[:, :n], near_rows[:, :n]

        self.run(keep)
        return found

    @cached_property
    def n_queries(self) -> int:
        return padded(len(self.indexes[0].query_codes))

    @cached_property
    def n_rows(self) -> int:
        return padded(len(self.indexes[0].codes))

    @cached_property
    def groups(self) -> list[list[int]]:
        """The indexes that are measured together: all if their features are the same, else each by itself."""
        first = self.indexes[0]
        if all(_same(first.rows, index.rows) and _same(first.queries, index.queries) for index in self.indexes):
            return [list(range(len(self.indexes)))]
        return [[i] for i in range(len(self.indexes))]

    @cached_property
    def n_tile_rows(self) -> int:
        kinds = {KINDS[metric] for metric in self.metrics}
        of_row = 8 * self.n_rows * len(self.indexes[0].labels) * len(kinds) + 12 * len(self.groups[0]) * len(self.combinations) * self.k
        return int(np.clip(TILE_BYTES // of_row // 4 * 4, 4, ROWS))

    @cached_property
    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """Each combination's blocks, int64 (n_combinations, n_blocks), and how many they are, int64 (n_combinations,)."""
        labels = self.indexes[0].labels
        members = np.zeros((len(self.combinations), len(labels)), np.int64)
        for i, combination in enumerate(self.combinations):
            members[i, : len(combination)] = [labels.index(label) for label in combination]
        return members, np.array([len(combination) for combination in self.combinations], np.int64)

    @cached_property
    def codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of rows and of queries, int16 (n_indexes, padded n) each, queries to whole tiles; what is padded is absent."""
        whole = -(-self.n_queries // self.n_tile_rows) * self.n_tile_rows
        return (
            np.stack([_extended(index.codes, self.n_rows) for index in self.indexes]),
            np.stack([_extended(index.query_codes, whole) for index in self.indexes]),
        )

    @cached_property
    def scales(self) -> dict[str, np.ndarray]:
        """By distance, float64 (n_indexes, n_combinations, n_blocks), in the order of `members`."""
        members, _ = self.members
        return {metric: np.stack([np.array(index.scales(metric))[members] for index in self.indexes]) for metric in self.metrics}

    @cached_property
    def norms(self) -> tuple[np.ndarray, np.ndarray]:
        """Norms of the fused rows and queries, float64 (n_indexes, n_combinations, padded n) each; empty unless there is a cosine."""
        if "cosine" not in self.metrics:
            return np.empty((len(self.indexes), len(self.combinations), 0)), np.empty((len(self.indexes), len(self.combinations), 0))
        return self._norms([index.rows for index in self.indexes]), self._norms([index.queries for index in self.indexes])

    def _norms(self, blocks: Sequence[tuple[Rows, ...]]) -> np.ndarray:
        members, counts = self.members
        scales = self.scales["cosine"]
        found = np.empty((len(blocks), len(counts), len(blocks[0][0].norms)))
        for f, s in np.ndindex(*found.shape[:2]):
            total = scales[f, s, 0] * blocks[f][members[s, 0]].norms
            for b in range(1, counts[s]):
                total = total + scales[f, s, b] * blocks[f][members[s, b]].norms
            found[f, s] = np.sqrt(np.maximum(total, 0))
        return found


class _Tile:
    """One thread's memory for tiles and what is found in them."""

    def __init__(self, search: Search) -> None:
        self.search = search
        shape = (len(search.indexes[0].labels), search.n_tile_rows, search.n_rows)
        self.tiles = {KINDS[metric]: np.empty(shape) for metric in search.metrics}
        near = (len(search.groups[0]), len(search.combinations), search.n_tile_rows, search.k)
        self.near_distances, self.near_rows = np.empty(near), np.empty(near, np.int32)
        self.made: dict[tuple[str, int], tuple[Rows, Rows]] = {}

    def run(self, at: slice, visit: Visit) -> None:
        self.made.clear()
        for group in self.search.groups:
            for metric in (name for name in KINDS if name in self.search.metrics):
                for block in range(len(self.search.indexes[0].labels)):
                    self.make(KINDS[metric], block, self.search.indexes[group[0]], at)
                self.find(metric, group, at)
                for i, index in enumerate(group):
                    visit(index, metric, at, self.near_distances[i], self.near_rows[i])

    def make(self, kind: str, block: int, index: FoldIndex, at: slice) -> None:
        """Fill a block's tile, unless it holds the same rows' from the index before."""
        rows, queries = index.rows[block], index.queries[block]
        if self.made.get((kind, block)) == (rows, queries):
            return
        at = slice(at.start, min(at.stop, self.search.n_queries))
        out = self.tiles[kind][block, : at.stop - at.start]
        if kind != "squared":
            rows.fill(kind, queries, at, out)  # type: ignore[arg-type]
        elif self.made.get(("products", block)) == (rows, queries):
            square(self.tiles["products"][block, : at.stop - at.start], rows, queries, at, out)
        else:
            rows.fill("products", queries, at, out)  # type: ignore[arg-type]
            square(out, rows, queries, at, out)
        self.made[kind, block] = rows, queries

    def find(self, metric: str, group: list[int], at: slice) -> None:
        from stages.models.knn.topk import COSINE, L1, L2, nearest_in_tile

        search, indexes = self.search, slice(group[0], group[-1] + 1)
        norms, query_norms = search.norms
        codes, query_codes = search.codes
        found = nearest_in_tile(
            self.tiles[KINDS[metric]], *search.members, search.scales[metric][indexes], codes[indexes],
            np.ascontiguousarray(query_codes[indexes, at]), {"manhattan": L1, "euclidean": L2, "cosine": COSINE}[metric], norms[indexes],
            np.ascontiguousarray(query_norms[indexes, :, at]), self.near_distances, self.near_rows,
        )  # fmt: skip
        if not found:
            raise ValueError(f"some rows have fewer than {search.k} others to be their neighbours, or distances that are no numbers")


def _same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(x is y for x, y in zip(a, b, strict=True))


def _extended(codes: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([codes, np.full(n - len(codes), ABSENT)]).astype(np.int16)
