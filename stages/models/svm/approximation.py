"""Features in which a linear machine stands for a kernel machine, for data too large for a matrix of all pairs of rows.

Linear: the fused rows themselves. RBF: Nyström's, of randomly drawn training rows, the landmarks: φ(x) = K_LL^(−½) K_L(x), whose inner
products are the kernel's where one of two rows is a landmark (Williams, Seeger: Using the Nyström method to speed up kernel machines,
2000). Dense features are centred and turned to their principal axes, which changes no answer and makes few steps of the solver (primal.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stages.features.early_fusion import cross_products, squared_norms
from stages.features.encoders import Matrix
from stages.features.pairwise import squared_distances
from stages.foundation.parallel import each
from stages.models.svm.kernels import Kernel

_ROTATED = 2000  # columns up to which fused rows are made dense and turned
_ROWS, _PARTS = 2048, 8  # rows at a time; sums that are then added: neither depends on the number of cores
_NEGLIGIBLE = 1e-10  # share of the greatest eigenvalue


@dataclass(frozen=True)
class Axes:
    """Features as they are learned from: values float32 (n, p) = (raw − mean) @ turn, or raw itself (turn: None)."""

    values: np.ndarray | sp.csr_array
    mean: np.ndarray | None = None
    turn: np.ndarray | None = None

    def restored(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights of the raw features (d, q), and intercepts (q,)."""
        if self.turn is None or self.mean is None:
            return weights, intercepts
        raw = self.turn @ weights
        return raw, intercepts - self.mean @ raw


def linear_features(matrices: Sequence[Matrix], scales: Sequence[float], train: np.ndarray) -> Axes:
    """Return the fused rows: blocks times the roots of their scales, side by side."""
    n, d = matrices[0].shape[0], sum(matrix.shape[1] for matrix in matrices)
    roots = np.sqrt(np.array(scales))
    if d <= _ROTATED:
        return _turned(lambda rows: fused_rows(matrices, roots, rows), (n, d), train)
    if not any(sp.issparse(matrix) for matrix in matrices):
        return Axes(np.vstack([fused_rows(matrices, roots, rows).astype(np.float32) for rows in _pieces(np.arange(n))]))
    parts = [sp.csr_array(matrix).astype(np.float32) * np.float32(root) for matrix, root in zip(matrices, roots, strict=True)]
    return Axes(sp.csr_array(sp.hstack(parts, format="csr")))


def fused_rows(matrices: Sequence[Matrix], roots: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return some fused rows: float64 (n_rows, d), dense."""
    parts = [matrix[rows].toarray() if sp.issparse(matrix) else matrix[rows] for matrix in matrices]
    return np.hstack([root * part.astype(np.float64) for part, root in zip(parts, roots, strict=True)])


def landmark_distances(matrices: Sequence[Matrix], scales: Sequence[float], landmarks: np.ndarray) -> np.ndarray:
    """Return squared distances of all rows to the landmarks: float32 (n, n_landmarks), made some rows at a time."""
    marks = [matrix[landmarks] for matrix in matrices]
    of_marks = squared_norms(marks, scales)

    def measured(rows: np.ndarray) -> np.ndarray:
        part = [matrix[rows] for matrix in matrices]
        return squared_distances(cross_products(part, marks, scales), squared_norms(part, scales), of_marks).astype(np.float32)

    return np.vstack(each(measured, _pieces(np.arange(matrices[0].shape[0]))))


def nystroem_features(kernel: Kernel, distances: np.ndarray, landmarks: np.ndarray, train: np.ndarray) -> tuple[Axes, np.ndarray]:
    """Return Nyström's features of all rows, turned, and K_LL^(−½) with what is negligible left out: float64 (n_landmarks, r)."""
    _, gamma = kernel
    assert gamma is not None
    among = distances[landmarks].astype(np.float64)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * gamma * (among + among.T)))
    kept = values > _NEGLIGIBLE * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    axes = _turned(lambda rows: np.exp(-gamma * distances[rows].astype(np.float64)) @ root, (len(distances), root.shape[1]), train)
    return axes, root


def _turned(raw: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int], train: np.ndarray) -> Axes:
    """Return features on their principal axes over the training rows; `raw` makes float64 ones of some rows."""
    totals, squares = zip(*each(lambda rows: _moments(raw(rows)), np.array_split(train, _PARTS)), strict=True)
    mean = np.sum(totals, axis=0) / len(train)
    _, turn = np.linalg.eigh(np.sum(squares, axis=0) - len(train) * np.outer(mean, mean))
    values = np.empty(shape, dtype=np.float32)

    def turned(rows: np.ndarray) -> None:
        values[rows] = (raw(rows) - mean) @ turn

    each(turned, _pieces(np.arange(shape[0])))
    return Axes(values, mean, turn)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.sum(axis=0), values.T @ values


def _pieces(rows: np.ndarray) -> list[np.ndarray]:
    return np.split(rows, np.arange(_ROWS, len(rows), _ROWS))
