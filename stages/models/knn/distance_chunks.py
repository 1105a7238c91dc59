"""Distances and inner products between a chunk of rows and all rows: they fit in the cache, unlike an n × n matrix."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import Matrix
from stages.features.pairwise import SAME

Kind = Literal["manhattan", "products"]
CHUNK_ROWS = 64  # enough for a matrix product to run at full speed
_MULTIPLE = 4  # the kernel of L1 distances takes four rows at a time


def padded(n: int) -> int:
    """Return n rounded up to a multiple of four."""
    return -(-n // _MULTIPLE) * _MULTIPLE


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
        """Write the distances or products between rows[at] and these rows to `out`: float64 (n rows in `at`, padded n)."""
        from stages.models.knn.compiled_distances import manhattan_chunk

        if kind == "manhattan":
            manhattan_chunk(rows.values[at], self.values, out)
        else:
            np.matmul(rows.values[at], self.values.T, out=out)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Rows of a sparse block: float64 CSR (n, d); chunks are padded with zeros."""

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
        """The values by column (CSC): offsets int64 (d + 1,), rows int32, values float64."""
        by_column = sp.csc_array(self.values)
        return by_column.indptr.astype(np.int64), by_column.indices.astype(np.int32), by_column.data.astype(np.float64)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.zeros(padded(self.n) - self.n)])

    def fill(self, kind: Kind, rows: "SparseRows", at: slice, out: np.ndarray) -> None:
        """Write the distances or products between rows[at] and these rows to `out`: float64 (n rows in `at`, padded n)."""
        from stages.models.knn.compiled_distances import sparse_chunk

        start, stop = at.start, min(at.stop, rows.n)
        offsets = rows.values.indptr[start : stop + 1].astype(np.int64)
        csr = offsets, rows.values.indices, rows.values.data
        sparse_chunk(*csr, *self.postings, kind == "manhattan", rows.sums[at], self.sums, out[: stop - start])
        out[stop - start :] = 0.0


PreparedRows = DenseRows | SparseRows


def square(products: np.ndarray, rows: PreparedRows, queries: PreparedRows, at: slice, out: np.ndarray) -> None:
    """Convert a chunk's inner products to squared distances in `out`, which may be `products`."""
    from stages.models.knn.compiled_distances import squared_chunk

    squared_chunk(products, queries.norms[at], rows.norms, SAME, out)


def prepared_rows(matrix: Matrix) -> PreparedRows:
    """Return a block's matrix in the layout of the distance kernels; dense values are copied to float64."""
    n = matrix.shape[0]
    if sp.issparse(matrix):
        csr = sp.csr_array(matrix)
        return SparseRows(sp.csr_array((csr.data.astype(np.float64), csr.indices.astype(np.int32), csr.indptr), shape=csr.shape), n)
    values = np.zeros((padded(n), matrix.shape[1]))
    values[:n] = matrix
    return DenseRows(values, n)


def encoded_bytes(matrix: Matrix) -> int:
    """Return the memory of a block's matrix and its prepared rows."""
    return int(matrix.data.nbytes * 3 if sp.issparse(matrix) else matrix.nbytes + 8 * matrix.size)
