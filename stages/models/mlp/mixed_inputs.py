"""Rows of a network's inputs: dense columns, followed by sparse ones that stay sparse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import Matrix
from stages.features.projection import Projection

SPARSE_INPUTS = 64  # as how many dense columns all sparse ones count: the default number of components (docs/decisions/0098-fair-mlp.md)


@dataclass(frozen=True)
class MixedInputs:
    """dense: float32 (n, d), C order. sparse: float32 CSR (n, s); s is 0 if every column is dense."""

    dense: np.ndarray
    sparse: sp.csr_array

    def __len__(self) -> int:
        return len(self.dense)

    @property
    def n_columns(self) -> int:
        return int(self.dense.shape[1] + self.sparse.shape[1])

    def taken(self, rows: np.ndarray) -> "MixedInputs":
        """Return some rows."""
        dense = self.dense[rows]
        return MixedInputs(dense, self.sparse[rows] if self.sparse.shape[1] else sp.csr_array((len(dense), 0), dtype=np.float32))

    def joined(self) -> Matrix:
        """Return dense and sparse columns as one matrix: CSR if there are sparse ones."""
        if not self.sparse.shape[1]:
            return self.dense
        return sp.csr_array(sp.hstack([sp.csr_array(self.dense), self.sparse], format="csr"))

    def times(self, weights: np.ndarray) -> np.ndarray:
        """Return the products with weights (d + s, width): (n, width)."""
        found: np.ndarray = self.dense @ weights[: self.dense.shape[1]]
        return found + self.sparse @ weights[self.dense.shape[1] :] if self.sparse.shape[1] else found


def dense_inputs(values: np.ndarray) -> MixedInputs:
    """Return rows of dense columns alone, (n, d)."""
    return MixedInputs(np.ascontiguousarray(values, np.float32), sp.csr_array((len(values), 0), dtype=np.float32))


def mixed_inputs(matrices: Mapping[str, Matrix], projections: Mapping[str, Projection], modalities: Sequence[str]) -> MixedInputs:
    """Return the inputs of a modality combination, each block with the same total variance; blocks that stay sparse come last."""
    blocks = [projections[name].apply(matrices[name]) for name in modalities]
    counts = [min(SPARSE_INPUTS, block.shape[1]) if sp.issparse(block) else block.shape[1] for block in blocks]
    share = sum(counts) / len(blocks)
    # a dense column has variance 1, a block of sparse ones has it in all
    sizes = [share if sp.issparse(block) else share / count for block, count in zip(blocks, counts, strict=True)]
    scaled = [block * np.float32(np.sqrt(size)) for block, size in zip(blocks, sizes, strict=True)]
    dense, sparse = ([block for block in scaled if sp.issparse(block) == which] for which in (False, True))
    n = blocks[0].shape[0]
    return MixedInputs(
        np.hstack(dense) if dense else np.zeros((n, 0), np.float32),
        sp.csr_array(sp.hstack(sparse, format="csr")) if sparse else sp.csr_array((n, 0), dtype=np.float32),
    )
