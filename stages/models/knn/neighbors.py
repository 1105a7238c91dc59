"""The nearest rows of some queries, and what is known of further rows at the distance of the last one."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Neighbors:
    """The k nearest rows, sorted by (distance, row), for any leading axes of queries.

    distances, rows: float64, int32 (…, k).
    n_tied: int32 (…), the number of further candidates at the distance of the last neighbor.
    tied_sums: float64 (…, n_sums), defined where n_tied > 0: these candidates' number per class; or the sums of their known targets, the
        rounding errors of the sums, and the numbers of known targets, n_outputs each.
    """

    distances: np.ndarray
    rows: np.ndarray
    n_tied: np.ndarray
    tied_sums: np.ndarray

    def __getitem__(self, at: Any) -> "Neighbors":
        """Return some queries' neighbors; `at` indexes the leading axes. Slices give views."""
        return Neighbors(*(values[at] for values in self.arrays()))

    def __setitem__(self, at: Any, other: "Neighbors") -> None:
        """Overwrite the neighbors of slices of queries."""
        for values, others in zip(self.arrays()[:3], other.arrays()[:3], strict=True):
            values[at] = others
        tied = other.n_tied > 0
        self.tied_sums[at][tied] = other.tied_sums[tied]  # memory that is never written takes no room

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the four arrays in order."""
        return self.distances, self.rows, self.n_tied, self.tied_sums


def empty_neighbors(shape: tuple[int, ...], k: int, n_sums: int) -> Neighbors:
    """Return uninitialised neighbors of `shape` queries."""
    return Neighbors(np.empty((*shape, k)), np.empty((*shape, k), np.int32), np.empty(shape, np.int32), np.empty((*shape, n_sums)))


def neighbor_bytes(k: int, n_sums: int) -> int:
    """Return the memory of one query's neighbors."""
    return 12 * k + 4 + 8 * n_sums


def kernel_array(values: np.ndarray, dtype: type) -> np.ndarray:
    """Return an array as compiled functions take it: contiguous and writable, as each further kind of array is compiled anew (8 s)."""
    return np.require(values, dtype, ["C", "W"])
