"""Distances and inner products between a few rows and all others: a tile, which stays in the cache, in place of an n × n matrix."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import Matrix
from stages.features.pairwise import SAME

Kind = Literal["manhattan", "products"]
ROWS = 64  # of a tile: enough for a matrix product to run at full speed
_FOURS = 4  # rows are padded to whole fours, as the kernel of L1 distances takes them


def padded(n: int) -> int:
    """Return n as whole fours."""
    return -(-n // _FOURS) * _FOURS


@dataclass(frozen=True, eq=False)
class DenseRows:
    """Rows of a dense block: float64 (padded n, d), zeros after row n."""

    values: np.ndarray
    n: int

    @cached_property
    def norms(self) -> np.ndarray:
        """Squared norms: float64 (padded n,)."""
        return np.einsum("ij,ij->i", self.values, self.values)

    def fill(self, kind: Kind, rows: "DenseRows", at: slice, out: np.ndarray) -> None:
        """Write the distances or products of some of `rows` to these ones to `out`: float64 (n rows in `at`, padded n)."""
        from stages.models.knn.compiled_tiles import manhattan_tile

        if kind == "manhattan":
            manhattan_tile(rows.values[at], self.values, out)
        else:
            np.matmul(rows.values[at], self.values.T, out=out)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Rows of a sparse block: float64 CSR (n, d), of which tiles are padded with zeros."""

    values: sp.csr_array
    n: int

    @cached_property
    def norms(self) -> np.ndarray:
        """Squared norms: float64 (padded n,)."""
        return self._padded(np.asarray(self.values.multiply(self.values).sum(axis=1)).ravel())

    @cached_property
    def sums(self) -> np.ndarray:
        """Sums of absolute values: float64 (padded n,)."""
        return self._padded(np.asarray(abs(self.values).sum(axis=1)).ravel())

    @cached_property
    def postings(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By column: offsets int64 (d + 1,), rows int32, values float64."""
        by_column = sp.csc_array(self.values)
        return by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32), by_column.data.astype(np.float64)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.zeros(padded(self.n) - self.n)])

    def fill(self, kind: Kind, rows: "SparseRows", at: slice, out: np.ndarray) -> None:
        """Write the distances or products of some of `rows` to these ones to `out`: float64 (n rows in `at`, padded n)."""
        from stages.models.knn.compiled_tiles import sparse_tile

        start, stop = at.start, min(at.stop, rows.n)
        offsets = rows.values.indptr[start : stop + 1].astype(np.int64)
        of_rows = offsets, rows.values.indices, rows.values.data
        sparse_tile(*of_rows, *self.postings, kind == "manhattan", rows.sums[at], self.sums, out[: stop - start])
        out[stop - start :] = 0.0


Rows = DenseRows | SparseRows


def square(products: np.ndarray, rows: Rows, queries: Rows, at: slice, out: np.ndarray) -> None:
    """Write the squared distances that follow from a tile's inner products to `out`, which may be `products`."""
    from stages.models.knn.compiled_tiles import squared_tile

    squared_tile(products, queries.norms[at], rows.norms, SAME, out)


def measured_rows(matrix: Matrix) -> Rows:
    """Return a block's matrix as tiles are made of it; dense values are copied to float64."""
    n = matrix.shape[0]
    if sp.issparse(matrix):
        csr = sp.csr_array(matrix)
        return SparseRows(sp.csr_array((csr.data.astype(np.float64), csr.indices.astype(np.int32), csr.indptr), shape=csr.shape), n)
    values = np.zeros((padded(n), matrix.shape[1]))
    values[:n] = matrix
    return DenseRows(values, n)


def encoded_bytes(matrix: Matrix) -> int:
    """Return how much memory a block's matrix and its rows for tiles take."""
    return int(matrix.data.nbytes * 3 if sp.issparse(matrix) else matrix.nbytes + 8 * matrix.size)
