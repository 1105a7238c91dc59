"""Mean distances between the rows of a block in closed form, without a loop over pairs of rows.

Sums of differences rather than differences of sums: equal rows have distance exactly 0, and no digits cancel.
"""

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import Matrix
from stages.foundation.parallel import each

_N_COLUMNS = 32  # per job, so that jobs do not depend on the number of cores


def mean_squared_distance(matrix: Matrix, rows: np.ndarray) -> float:
    """Return the mean squared Euclidean distance over pairs of `rows`: Σ|x − mean|² · 2 / (n − 1)."""
    if sp.issparse(matrix):
        return _mean(_sparse_squares(matrix, rows), len(rows))

    def squares(columns: slice) -> float:
        values = matrix[rows, columns].astype(np.float64)
        values -= values[0].copy()  # equal rows become exactly 0, and so does their mean
        values -= values.mean(axis=0)
        return float(np.einsum("ij,ij->", values, values))

    return _mean(len(rows) * sum(each(squares, _column_slices(matrix.shape[1]))), len(rows))


def mean_manhattan_distance(matrix: Matrix, rows: np.ndarray) -> float:
    """Return the mean L1 distance over pairs of `rows`, from each column's sorted values."""
    if sp.issparse(matrix):
        return _mean(_sparse_gaps(matrix, rows), len(rows))
    n = len(rows)
    pairs = np.arange(1.0, n) * np.arange(n - 1.0, 0, -1)  # number of pairs of rows that each gap separates

    def gaps(columns: slice) -> float:
        values = np.sort(np.ascontiguousarray(matrix[rows, columns].T), axis=1)  # sorted in its own precision
        return float((np.diff(values.astype(np.float64), axis=1) @ pairs).sum())

    return _mean(sum(each(gaps, _column_slices(matrix.shape[1]))), n)


def _mean(total: float, n: int) -> float:
    """Return the mean over pairs from the sum over unordered pairs."""
    return total / max(1.0, n * (n - 1) / 2)


def _column_slices(d: int) -> list[slice]:
    return [slice(start, min(d, start + _N_COLUMNS)) for start in range(0, d, _N_COLUMNS)]


def _by_column(matrix: sp.csr_array, rows: np.ndarray) -> tuple[sp.csc_array, np.ndarray, np.ndarray]:
    """Return the rows by column, the number of stored values of each column, and the column of each value."""
    by_column = sp.csc_array(sp.csr_array(matrix)[rows])
    counts = np.diff(by_column.indptr)
    return by_column, counts, np.repeat(np.arange(len(counts)), counts)


def _sparse_squares(matrix: sp.csr_array, rows: np.ndarray) -> float:
    """Return Σ over pairs of rows of the squared distance; each column is centred on its first row's value."""
    by_column, counts, column = _by_column(matrix, rows)
    n, d = by_column.shape
    first = np.zeros(d)
    is_first = by_column.indices == 0
    first[column[is_first]] = by_column.data[is_first]
    centred = by_column.data - first[column]
    absent = n - counts
    sums = np.bincount(column, centred, d) - absent * first
    squares = np.bincount(column, centred**2, d) + absent * first**2
    return float(np.maximum(n * squares - sums**2, 0).sum())


def _sparse_gaps(matrix: sp.csr_array, rows: np.ndarray) -> float:
    """Return Σ over pairs of rows of the L1 distance: pairs in which both rows have a column, and pairs in which one has it."""
    by_column, counts, column = _by_column(matrix, rows)
    n = by_column.shape[0]
    lone = float((np.abs(by_column.data) * (n - counts)[column]).sum())
    order = np.lexsort((by_column.data, column))
    values = by_column.data[order]
    rank = np.arange(len(values)) - np.repeat(by_column.indptr[:-1], counts) + 1.0  # from 1, in its column
    gaps = np.where(column[1:] == column[:-1], np.diff(values), 0.0)
    between = rank[:-1] * (counts[column[:-1]] - rank[:-1])
    return lone + float((gaps * between).sum())
