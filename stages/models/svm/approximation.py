"""Features in which a linear SVM approximates a kernel SVM, for data too large for an n × n matrix.

Linear: the fused rows themselves. RBF: the Nyström method on random training rows, the landmarks: φ(x) = K_LL^(−½) K_L(x), whose inner
products equal the kernel if one of the two rows is a landmark (Williams, Seeger: Using the Nyström method to speed up kernel machines,
2000). Dense features are centred and rotated to their principal axes: this changes no prediction, and the solver (primal.py) converges
in fewer steps.
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

_MAX_ROTATED = 2000  # most columns for which fused rows are made dense and rotated
_ROWS, _N_SUMS = 2048, 8  # rows at once; number of partial sums: neither depends on the number of cores
_NEGLIGIBLE = 1e-10  # share of the largest eigenvalue


@dataclass(frozen=True)
class Axes:
    """Features on their principal axes: values float32 (n, p) = (raw − mean) @ rotation, or raw itself if rotation is None."""

    values: np.ndarray | sp.csr_array
    mean: np.ndarray | None = None
    rotation: np.ndarray | None = None

    def restored(self, weights: np.ndarray, intercepts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights of the raw features (d, q), and intercepts (q,)."""
        if self.rotation is None or self.mean is None:
            return weights, intercepts
        raw = self.rotation @ weights
        return raw, intercepts - self.mean @ raw


def linear_features(matrices: Sequence[Matrix], scales: Sequence[float], train: np.ndarray) -> Axes:
    """Return the fused rows: the blocks times the square roots of their scales, concatenated."""
    n, d = matrices[0].shape[0], sum(matrix.shape[1] for matrix in matrices)
    roots = np.sqrt(np.array(scales))
    if d <= _MAX_ROTATED:
        return _rotated(lambda rows: fused_rows(matrices, roots, rows), (n, d), train)
    if not any(sp.issparse(matrix) for matrix in matrices):
        return Axes(np.vstack([fused_rows(matrices, roots, rows).astype(np.float32) for rows in _chunks(np.arange(n))]))
    scaled = [sp.csr_array(matrix).astype(np.float32) * np.float32(root) for matrix, root in zip(matrices, roots, strict=True)]
    return Axes(sp.csr_array(sp.hstack(scaled, format="csr")))


def fused_rows(matrices: Sequence[Matrix], roots: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the fused rows at `rows`: float64 (n_rows, d), dense."""
    dense = [matrix[rows].toarray() if sp.issparse(matrix) else matrix[rows] for matrix in matrices]
    return np.hstack([root * block.astype(np.float64) for block, root in zip(dense, roots, strict=True)])


def landmark_distances(matrices: Sequence[Matrix], scales: Sequence[float], landmarks: np.ndarray) -> np.ndarray:
    """Return squared distances of all rows to the landmarks: float32 (n, n_landmarks), computed in chunks of rows."""
    landmark_blocks = [matrix[landmarks] for matrix in matrices]
    landmark_norms = squared_norms(landmark_blocks, scales)

    def distances(rows: np.ndarray) -> np.ndarray:
        blocks = [matrix[rows] for matrix in matrices]
        products = cross_products(blocks, landmark_blocks, scales)
        return squared_distances(products, squared_norms(blocks, scales), landmark_norms).astype(np.float32)

    return np.vstack(each(distances, _chunks(np.arange(matrices[0].shape[0]))))


def nystroem_features(kernel: Kernel, distances: np.ndarray, landmarks: np.ndarray, train: np.ndarray) -> tuple[Axes, np.ndarray]:
    """Return the rotated Nyström features of all rows, and K_LL^(−½) without negligible eigenvalues: float64 (n_landmarks, r)."""
    _, gamma = kernel
    assert gamma is not None
    among = distances[landmarks].astype(np.float64)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * gamma * (among + among.T)))
    kept = values > _NEGLIGIBLE * values[-1]
    root = vectors[:, kept] / np.sqrt(values[kept])
    return _rotated(lambda rows: np.exp(-gamma * distances[rows].astype(np.float64)), distances.shape, train, root), root


def _rotated(
    raw: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int], train: np.ndarray, root: np.ndarray | None = None
) -> Axes:
    """Return features on the principal axes of the training rows: those of `raw(rows)`, float64 (n_rows, d), times `root` (d, r)."""
    totals, squares = zip(*each(lambda rows: _moments(raw(rows)), np.array_split(train, _N_SUMS)), strict=True)
    mean, square = np.sum(totals, axis=0) / len(train), np.sum(squares, axis=0)
    if root is not None:
        mean, square = mean @ root, root.T @ square @ root
    _, rotation = np.linalg.eigh(square - len(train) * np.outer(mean, mean))
    turned, centre = rotation if root is None else root @ rotation, mean @ rotation
    values = np.empty((shape[0], turned.shape[1]), dtype=np.float32)

    def rotate(rows: np.ndarray) -> None:
        values[rows] = raw(rows) @ turned - centre

    each(rotate, _chunks(np.arange(shape[0])))
    return Axes(values, mean, rotation)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.sum(axis=0), values.T @ values


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return np.split(rows, np.arange(_ROWS, len(rows), _ROWS))
