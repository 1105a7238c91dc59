"""Early fusion of one outer fold's blocks: distances and inner products of a modality combination are sums over its blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Matrix
from stages.features.feature_blocks import Block, EncodedBlock
from stages.features.pairwise import inner_products, manhattan_distances, squared_distances

# Distances are of order 1 (see feature_blocks.py). Equal distances must compare equal, so that ties are ordered by row number and not by
# rounding errors, which differ between machines.
DECIMALS = 9


@dataclass(frozen=True)
class FoldBlocks:
    """Every block, encoded and scaled by one outer fold's training rows. weights: of the blocks."""

    encoded: Mapping[str, EncodedBlock]
    train: np.ndarray
    weights: Mapping[str, float]

    @cached_property
    def squared_scales(self) -> dict[str, float]:
        """Return each block's factor on squared distances and inner products."""
        return {name: self.weights[name] * block.unit_scale("euclidean", self.train) for name, block in self.encoded.items()}

    @cached_property
    def manhattan_scales(self) -> dict[str, float]:
        """Return each block's factor on L1 distances."""
        return {name: self.weights[name] * block.unit_scale("manhattan", self.train) for name, block in self.encoded.items()}

    def products(self, modalities: Sequence[str]) -> np.ndarray:
        """Return the inner products of the fused rows: float64 (n, n)."""
        return _total([self.squared_scales[name] * self.encoded[name].products for name in modalities])

    def squared(self, modalities: Sequence[str]) -> np.ndarray:
        """Return the squared Euclidean distances of the fused rows: float64 (n, n)."""
        return _total([self.squared_scales[name] * self.encoded[name].squared for name in modalities])

    def distances(self, modalities: Sequence[str], metric: str) -> np.ndarray:
        """Return manhattan, euclidean or cosine distances of the fused rows, to 9 decimals: float64 (n, n)."""
        if metric == "manhattan":
            found = _total([self.manhattan_scales[name] * self.encoded[name].manhattan for name in modalities])
        elif metric == "euclidean":
            found = np.sqrt(self.squared(modalities))
        else:
            products = self.products(modalities)
            found = cosine_distances(products, np.diagonal(products), np.diagonal(products))
        return np.round(found, DECIMALS)

    def scales(self, modalities: Sequence[str], metric: str) -> list[float]:
        """Return the modalities' factors for a metric."""
        chosen = self.manhattan_scales if metric == "manhattan" else self.squared_scales
        return [chosen[name] for name in modalities]


def encode_fold(blocks: Mapping[str, Block], train: np.ndarray) -> FoldBlocks:
    """Return the blocks fitted on `train`."""
    weights = {name: block.weight for name, block in blocks.items()}
    return FoldBlocks({name: block.encoded(train) for name, block in blocks.items()}, train, weights)


def each_combination(problem: Problem) -> Iterator[tuple[Fold, FoldBlocks, tuple[str, ...]]]:
    """Yield every outer fold with its blocks, encoded once, and every modality combination."""
    for fold in problem.folds:
        blocks = encode_fold(problem.blocks, fold.train)
        for modalities in problem.combinations:
            yield fold, blocks, modalities


def cosine_distances(products: np.ndarray, squared_a: np.ndarray, squared_b: np.ndarray) -> np.ndarray:
    """Return 1 − cos: float64 (n_a, n_b); an all-zero row has cosine 0 with every row, as in scikit-learn."""
    norms = np.sqrt(np.maximum(squared_a, 0))[:, None] * np.sqrt(np.maximum(squared_b, 0))[None, :]
    return np.maximum(1 - products / np.where(norms > 0, norms, 1.0), 0.0)


def cross_products(a: Sequence[Matrix], b: Sequence[Matrix], scales: Sequence[float]) -> np.ndarray:
    """Return inner products between two sets of rows: Σ scale · a·bᵀ over blocks, float64 (n_a, n_b)."""
    return _total([s * inner_products(x, y) for x, y, s in zip(a, b, scales, strict=True)])


def squared_norms(matrices: Sequence[Matrix], scales: Sequence[float]) -> np.ndarray:
    """Return the squared norms of the fused rows: float64 (n,)."""
    return _total([s * _row_norms(x.astype(np.float64)) for x, s in zip(matrices, scales, strict=True)])


def _row_norms(x: Matrix) -> np.ndarray:
    return np.asarray((x * x).sum(axis=1)).ravel()


def cross_distances(a: Sequence[Matrix], b: Sequence[Matrix], scales: Sequence[float], metric: str) -> np.ndarray:
    """Return manhattan, euclidean or cosine distances between two sets of rows, rounded like `FoldBlocks.distances`: float64 (n_a, n_b)."""
    if metric == "manhattan":
        found = _total([s * manhattan_distances(x, y) for x, y, s in zip(a, b, scales, strict=True)])
    else:
        products = cross_products(a, b, scales)
        norms = squared_norms(a, scales), squared_norms(b, scales)
        found = np.sqrt(squared_distances(products, *norms)) if metric == "euclidean" else cosine_distances(products, *norms)
    return np.round(found, DECIMALS)


def _total(arrays: Sequence[np.ndarray]) -> np.ndarray:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total


def fused_matrix_of(matrices: Sequence[Matrix], scales: np.ndarray) -> Matrix:
    """Return the scaled matrices concatenated, float64 (n, Σ d); `scales` are their factors on squared distances."""
    scaled = [np.sqrt(scale) * matrix.astype(np.float64) for matrix, scale in zip(matrices, scales, strict=True)]
    if any(sp.issparse(matrix) for matrix in scaled):
        return sp.csr_array(sp.hstack(scaled, format="csr"))
    return scaled[0] if len(scaled) == 1 else np.hstack(scaled)
