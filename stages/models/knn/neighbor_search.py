"""Search the nearest neighbors of every row, for every fold, modality combination and distance, in chunks of rows.

A chunk holds the distances of some rows to all rows, one matrix per modality. It is computed once for all folds in which the modality's
features are the same. Memory is bounded by one chunk per core and by what `visit` keeps.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.foundation.parallel import each
from stages.models.knn.distance_chunks import CHUNK_ROWS, PreparedRows, padded, square
from stages.models.knn.fold_index import ABSENT, FoldIndex
from stages.models.knn.neighbors import Neighbors, empty_neighbors, kernel_array, neighbor_bytes

KINDS = {"manhattan": "manhattan", "cosine": "products", "euclidean": "squared"}  # in this order: squared distances reuse the products
CHUNK_BYTES = 64e6  # per core

Visit = Callable[[int, str, slice, Neighbors], None]


@dataclass(frozen=True)
class TiedTarget:
    """What is summed over the rows that are tied with the last neighbor and not kept: int32 (n,) codes, or float64 (n, n_outputs)."""

    target: np.ndarray
    n_outputs: int

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return `classes` and `values` as `nearest_in_chunk` takes them."""
        if self.target.ndim == 1:
            return kernel_array(self.target, np.int32), np.empty((0, 0))
        return np.empty(0, np.int32), kernel_array(self.target, np.float64)

    @property
    def n_sums(self) -> int:
        return n_sums(self.target.ndim == 1, self.n_outputs)


def n_sums(is_classes: bool, n_outputs: int) -> int:
    """Return the length of `Neighbors.tied_sums`."""
    return n_outputs if is_classes else 3 * n_outputs


@dataclass(frozen=True)
class NeighborSearch:
    """A search for the k nearest rows by each of `metrics`, in every index and modality combination."""

    indexes: Sequence[FoldIndex]
    combinations: Sequence[tuple[str, ...]]
    metrics: Sequence[str]
    k: int
    tied: TiedTarget

    def run(self, visit: Visit) -> None:
        """Call `visit(index, metric, rows, neighbors)` for every chunk, index and metric, in parallel.

        rows: slice of the queries in the chunk; it may end after the last query. neighbors: of (n_combinations, n_chunk_rows) queries;
        distances and rows are undefined for ABSENT queries; overwritten by the next chunk.

        Raises:
            ValueError: if a query has fewer than k candidates.
        """
        workspace = threading.local()

        def run_chunk(start: int) -> None:
            if not hasattr(workspace, "chunk_search"):
                workspace.chunk_search = _ChunkSearch(self)
            workspace.chunk_search.run(slice(start, start + self.n_chunk_rows), visit)

        _ = self.codes, self.norms, self.tied.arrays  # cached before the threads start
        each(run_chunk, range(0, self.n_queries, self.n_chunk_rows))

    def tables(self) -> list[dict[str, Neighbors]]:
        """Return, for each index and metric, the neighbors of (n_combinations, n_queries) queries."""
        shape = (len(self.combinations), len(self.indexes[0].query_codes))
        found = [{metric: empty_neighbors(shape, self.k, self.tied.n_sums) for metric in self.metrics} for _ in self.indexes]

        def keep(index: int, metric: str, at: slice, neighbors: Neighbors) -> None:
            to = found[index][metric]
            to[:, at] = neighbors[:, : to.n_tied[:, at].shape[1]]

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
        """The indexes whose distances are computed together: all if their features are the same, else each alone."""
        first = self.indexes[0]
        if all(_same(first.rows, index.rows) and _same(first.queries, index.queries) for index in self.indexes):
            return [list(range(len(self.indexes)))]
        return [[i] for i in range(len(self.indexes))]

    @cached_property
    def n_chunk_rows(self) -> int:
        kinds = {KINDS[metric] for metric in self.metrics}
        distance_bytes = 8 * self.n_rows * len(self.indexes[0].modalities) * len(kinds)
        found_bytes = len(self.groups[0]) * len(self.combinations) * neighbor_bytes(self.k, self.tied.n_sums)
        return int(np.clip(CHUNK_BYTES // (distance_bytes + found_bytes) // 4 * 4, 4, CHUNK_ROWS))

    @cached_property
    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """Each combination's blocks, int64 (n_combinations, n_blocks), and their number, int64 (n_combinations,)."""
        modalities = self.indexes[0].modalities
        members = np.zeros((len(self.combinations), len(modalities)), np.int64)
        for i, combination in enumerate(self.combinations):
            members[i, : len(combination)] = [modalities.index(name) for name in combination]
        return members, np.array([len(combination) for combination in self.combinations], np.int64)

    @cached_property
    def codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes of rows and of queries, int16 (n_indexes, padded n) each, queries padded to whole chunks; padding is ABSENT."""
        whole = -(-self.n_queries // self.n_chunk_rows) * self.n_chunk_rows
        return (
            np.stack([_extended(index.codes, self.n_rows) for index in self.indexes]),
            np.stack([_extended(index.query_codes, whole) for index in self.indexes]),
        )

    @cached_property
    def scales(self) -> dict[str, np.ndarray]:
        """Metric → float64 (n_indexes, n_combinations, n_blocks), in the order of `members`."""
        members, _ = self.members
        return {metric: np.stack([np.array(index.scales(metric))[members] for index in self.indexes]) for metric in self.metrics}

    @cached_property
    def norms(self) -> tuple[np.ndarray, np.ndarray]:
        """Norms of the fused rows and queries, float64 (n_indexes, n_combinations, padded n) each; empty unless a metric is cosine."""
        if "cosine" not in self.metrics:
            return np.empty((len(self.indexes), len(self.combinations), 0)), np.empty((len(self.indexes), len(self.combinations), 0))
        return self._norms([index.rows for index in self.indexes]), self._norms([index.queries for index in self.indexes])

    def _norms(self, blocks: Sequence[tuple[PreparedRows, ...]]) -> np.ndarray:
        members, counts = self.members
        scales = self.scales["cosine"]
        found = np.empty((len(blocks), len(counts), len(blocks[0][0].norms)))
        for f, s in np.ndindex(*found.shape[:2]):
            total = scales[f, s, 0] * blocks[f][members[s, 0]].norms
            for b in range(1, counts[s]):
                total = total + scales[f, s, b] * blocks[f][members[s, b]].norms
            found[f, s] = np.sqrt(np.maximum(total, 0))
        return found


class _ChunkSearch:
    """One thread's buffers: a chunk of distances per kind, and the neighbors found in it."""

    def __init__(self, search: NeighborSearch) -> None:
        self.search = search
        shape = (len(search.indexes[0].modalities), search.n_chunk_rows, search.n_rows)
        self.chunks = {KINDS[metric]: np.empty(shape) for metric in search.metrics}
        shape = len(search.groups[0]), len(search.combinations), search.n_chunk_rows
        self.neighbors = empty_neighbors(shape, search.k, search.tied.n_sums)
        self.neighbors.n_tied[:] = 0  # of ABSENT queries too
        self.filled: dict[tuple[str, int], tuple[PreparedRows, PreparedRows]] = {}

    def run(self, at: slice, visit: Visit) -> None:
        self.filled.clear()
        for group in self.search.groups:
            for metric in (name for name in KINDS if name in self.search.metrics):
                for block in range(len(self.search.indexes[0].modalities)):
                    self.fill(KINDS[metric], block, self.search.indexes[group[0]], at)
                self.find(metric, group, at)
                for i, index in enumerate(group):
                    visit(index, metric, at, self.neighbors[i])

    def fill(self, kind: str, block: int, index: FoldIndex, at: slice) -> None:
        """Compute a block's distances, unless the chunk already holds those of the same rows."""
        rows, queries = index.rows[block], index.queries[block]
        if self.filled.get((kind, block)) == (rows, queries):
            return
        at = slice(at.start, min(at.stop, self.search.n_queries))
        out = self.chunks[kind][block, : at.stop - at.start]
        if kind != "squared":
            rows.fill(kind, queries, at, out)  # type: ignore[arg-type]
        elif self.filled.get(("products", block)) == (rows, queries):
            square(self.chunks["products"][block, : at.stop - at.start], rows, queries, at, out)
        else:
            rows.fill("products", queries, at, out)  # type: ignore[arg-type]
            square(out, rows, queries, at, out)
        self.filled[kind, block] = rows, queries

    def find(self, metric: str, group: list[int], at: slice) -> None:
        from stages.models.knn.topk import COSINE, L1, L2, nearest_in_chunk

        search, neighbors, indexes = self.search, self.neighbors, slice(group[0], group[-1] + 1)
        norms, query_norms = search.norms
        codes, query_codes = search.codes
        found = nearest_in_chunk(
            self.chunks[KINDS[metric]], *search.members, search.scales[metric][indexes], codes[indexes],
            np.ascontiguousarray(query_codes[indexes, at]), {"manhattan": L1, "euclidean": L2, "cosine": COSINE}[metric], norms[indexes],
            np.ascontiguousarray(query_norms[indexes, :, at]), *search.tied.arrays, neighbors.distances, neighbors.rows, neighbors.n_tied,
            neighbors.tied_sums,
        )  # fmt: skip
        if not found:
            raise ValueError(f"some rows have fewer than {search.k} others to be their neighbors, or distances that are NaN")


def _same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(x is y for x, y in zip(a, b, strict=True))


def _extended(codes: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([codes, np.full(n - len(codes), ABSENT)]).astype(np.int16)
