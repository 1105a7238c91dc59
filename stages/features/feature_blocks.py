"""A block: one modality's features of every sample, and its scale in early fusion.

Early fusion concatenates the encoded blocks, each multiplied by one factor, so that every modality has the same weight. For squared
Euclidean distances (and for kernels and cosine) the factor makes the mean squared distance between two training rows 1; for L1 it makes
the mean L1 distance 1. Distances and inner products of a modality combination are then sums over its blocks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Dense, ImputedDense, Matrix, Raw, State, raw_features
from stages.features.pairwise import inner_products, manhattan_distances, squared_distances
from stages.features.scales import mean_manhattan_distance, mean_squared_distance

Derived = TypeVar("Derived")
MOST_OF_ROWS = 6  # kept of a block: both scales and the principal components of two folds


@dataclass(frozen=True)
class Block:
    """One modality's features.

    name: the modality's. settings: those of fitting, from the features file. present: bool (n,), which samples have the modality; None:
    every sample. A sample without it is in no fold of a combination with the modality, whatever its features here are.
    weight: of the modality's part of distances and inner products, relative to the other blocks of a combination.
    """

    name: str
    raw: Raw
    settings: Mapping[str, Any]
    present: np.ndarray | None = None
    weight: float = 1.0
    _shared: dict[str, "EncodedBlock"] = field(default_factory=dict, repr=False)
    # what was fitted to some rows, while anybody uses it: a fold's weightings share its pairwise quantities. `replace` begins anew
    _fitted: WeakValueDictionary[bytes, "EncodedBlock"] = field(default_factory=WeakValueDictionary, init=False, repr=False)

    def taken(self, rows: np.ndarray) -> "Block":
        """Return the block of some samples."""
        return Block(self.name, self.raw.taken(rows), self.settings, None if self.present is None else self.present[rows], self.weight)

    def weighted(self, weight: float) -> "Block":
        """Return the block with another weight; both share what is encoded."""
        block = replace(self, weight=weight)
        object.__setattr__(block, "_fitted", self._fitted)  # frozen
        return block

    def encoded(self, rows: np.ndarray) -> "EncodedBlock":
        """Return the block's matrix of every sample, fitted on `rows`; the same object for all `rows` if nothing is fitted."""
        if not self.raw.shared:
            key = rows.tobytes()
            found = self._fitted.get(key)
            if found is None:
                found = self._fitted[key] = self._encode(rows)
            return found
        if "block" not in self._shared:
            self._shared["block"] = self._encode(rows)
        return self._shared["block"]

    def _encode(self, rows: np.ndarray) -> "EncodedBlock":
        state = self.raw.fit(rows, self.settings)
        return EncodedBlock(self.raw.encode(state), state)


@dataclass(frozen=True)
class EncodedBlock:
    """A block's matrix (n, d) of every sample; pairwise quantities are computed once, on first use."""

    matrix: Matrix
    state: State
    _derived: dict[Callable[[Matrix], Any], Any] = field(default_factory=dict, repr=False)
    _of_rows: dict[tuple[str, bytes], Any] = field(default_factory=dict, repr=False)

    def derived(self, compute: Callable[[Matrix], Derived]) -> Derived:
        """Return `compute(matrix)`, computed once for all folds and combinations."""
        if compute not in self._derived:
            self._derived[compute] = compute(self.matrix)
        found: Derived = self._derived[compute]
        return found

    def unit_scale(self, metric: str, rows: np.ndarray) -> float:
        """Return the number that makes the mean distance between two of `rows` 1 (1.0 if all are 0): manhattan, else squared."""

        def compute() -> float:
            mean = (mean_manhattan_distance if metric == "manhattan" else mean_squared_distance)(self.matrix, rows)
            return 1.0 / mean if mean > 0 else 1.0

        return self.of_rows(metric, rows, compute)

    def of_rows(self, what: str, rows: np.ndarray, compute: Callable[[], Derived]) -> Derived:
        """Return `compute()`, which depends on `rows` and is named `what`; the last few are kept, for all that use the same fold."""
        key = what, rows.tobytes()
        if key not in self._of_rows:
            while len(self._of_rows) >= MOST_OF_ROWS:
                self._of_rows.pop(next(iter(self._of_rows)), None)
            self._of_rows[key] = compute()
        found: Derived = self._of_rows[key]
        return found

    @cached_property
    def products(self) -> np.ndarray:
        """float64 (n, n): inner products."""
        return inner_products(self.matrix, self.matrix)

    @cached_property
    def squared(self) -> np.ndarray:
        """float64 (n, n): squared Euclidean distances."""
        return squared_distances(self.products, np.diagonal(self.products), np.diagonal(self.products))

    @cached_property
    def manhattan(self) -> np.ndarray:
        """float64 (n, n): L1 distances."""
        return manhattan_distances(self.matrix, self.matrix)


def imputed(block: Block) -> Block:
    """Return a block that every sample has: where it was absent, dense values are the training rows' mean, others their empty values."""
    if block.present is None:
        return block
    raw = ImputedDense(block.raw.values, block.present, block.raw.structure) if isinstance(block.raw, Dense) else block.raw
    return Block(block.name, raw, block.settings, None, block.weight)


def load_block(name: str, table: pa.Table, metadata: FeaturesMetadata) -> Block:
    """Return a features file as a block."""
    columns = {column: table[column] for column in table.column_names}
    present = np.array(table["present"].to_pylist(), bool) if "present" in columns else None
    return Block(name, raw_features(columns, metadata.encoding, metadata.modality, metadata.shape), metadata.fit, present)

