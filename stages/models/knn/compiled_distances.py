"""Distances between a chunk of rows and all rows, compiled by numba: numpy and BLAS lack them or need several passes."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def manhattan_chunk(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Write Σ|a − b| to `out`, float64 (n_a, n_b); n_a is a multiple of four, n_b of two.

    Eight sums at once keep the arithmetic units busy and the rows in registers. Sums are split over vector lanes in the same way for every
    pair of rows.
    """
    d = a.shape[1]
    for j in range(0, b.shape[0], 2):
        b0, b1 = b[j], b[j + 1]
        for i in range(0, a.shape[0], 4):
            a0, a1, a2, a3 = a[i], a[i + 1], a[i + 2], a[i + 3]
            s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
            for c in range(d):
                x0, x1 = b0[c], b1[c]
                s00 += abs(a0[c] - x0)
                s01 += abs(a0[c] - x1)
                s10 += abs(a1[c] - x0)
                s11 += abs(a1[c] - x1)
                s20 += abs(a2[c] - x0)
                s21 += abs(a2[c] - x1)
                s30 += abs(a3[c] - x0)
                s31 += abs(a3[c] - x1)
            out[i, j], out[i, j + 1] = s00, s01
            out[i + 1, j], out[i + 1, j + 1] = s10, s11
            out[i + 2, j], out[i + 2, j + 1] = s20, s21
            out[i + 3, j], out[i + 3, j + 1] = s30, s31


@numba.njit(cache=True, nogil=True, error_model="numpy")
def squared_chunk(products: np.ndarray, norms_a: np.ndarray, norms_b: np.ndarray, same: float, out: np.ndarray) -> None:
    """Write |a|² + |b|² − 2a·b to `out` (n_a, n_b), which may be `products`; 0 where it is below `same` times the sum of norms."""
    for i in range(products.shape[0]):
        row, norm, to = products[i], norms_a[i], out[i]
        for j in range(products.shape[1]):
            norms = norm + norms_b[j]
            value = norms - 2 * row[j]
            to[j] = 0.0 if value < same * norms else value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sparse_chunk(
    offsets: np.ndarray, columns: np.ndarray, values: np.ndarray, postings: np.ndarray, rows: np.ndarray, weights: np.ndarray,
    manhattan: bool, sums_a: np.ndarray, sums_b: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Write inner products, or Σ|a − b| = Σ|a| + Σ|b| − Σ over shared columns (|a| + |b| − |a − b|), to `out` (n_a, n).

    Only pairs of rows that share a column cost time.

    Args:
        offsets, columns, values: rows of `a` as CSR.
        postings, rows, weights: `b` as CSC: offsets by column, rows, values.
        sums_a, sums_b: Σ|a|, Σ|b| of each row.
    """
    for i in range(out.shape[0]):
        to = out[i]
        to[:] = 0.0
        for at in range(offsets[i], offsets[i + 1]):
            column, value = columns[at], values[at]
            for p in range(postings[column], postings[column + 1]):
                other = weights[p]
                to[rows[p]] += abs(value) + abs(other) - abs(value - other) if manhattan else value * other
        if manhattan:
            for j in range(sums_b.shape[0]):
                to[j] = max(sums_a[i] + sums_b[j] - to[j], 0.0)
