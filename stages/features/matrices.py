"""Dense and CSR matrices as plain named arrays, so that a model is saved without pickle."""

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import Matrix


def pack(name: str, matrix: Matrix) -> dict[str, np.ndarray]:
    """Return a matrix as named arrays."""
    if not sp.issparse(matrix):
        return {name: np.asarray(matrix)}
    csr = sp.csr_array(matrix)
    return {
        f"{name}/data": csr.data,
        f"{name}/indices": csr.indices,
        f"{name}/indptr": csr.indptr,
        f"{name}/shape": np.array(csr.shape, dtype=np.int64),
    }


def unpack(name: str, arrays: Mapping[str, np.ndarray]) -> Matrix:
    """Return the matrix that `pack` stored as arrays."""
    if name in arrays:
        return arrays[name]
    csr = (arrays[f"{name}/data"], arrays[f"{name}/indices"], arrays[f"{name}/indptr"])
    return sp.csr_array(csr, shape=tuple(arrays[f"{name}/shape"]))
