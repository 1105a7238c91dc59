"""Terms: the weights of a text's terms, the most frequent ones of the training rows. facts: n_terms."""

import numpy as np
import scipy.sparse as sp

from stages.features.encoders import State
from stages.features.structures import Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits


def has(block: Structured) -> bool:
    """Return whether the features are sparse."""
    return bool(sp.issparse(block.matrix))


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return the columns that are kept: those with a value in most training rows, ties to the first."""
    training = sp.csr_array(block.matrix[rows])
    n_rows = np.bincount(training.indices, minlength=training.shape[1])
    kept = np.sort(np.argsort(-n_rows, kind="stable")[: limits.terms])
    return FittedInput({"n_terms": len(kept)}, {"kept": kept.astype(np.int32)})


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of terms and weights."""
    matrix = sp.csr_array(block.matrix)[:, fitted.arrays["kept"]].tocsr()
    matrix.sort_indices()
    starts, lengths = matrix.indptr[:-1].astype(np.int64), np.diff(matrix.indptr).astype(np.int64)
    terms, weights, n_terms = matrix.indices.astype(np.int64), matrix.data.astype(np.float32), fitted.facts["n_terms"]

    def batch(rows: np.ndarray) -> dict[str, np.ndarray]:
        flat = rows.ravel()
        sizes = lengths[flat]
        offsets = np.cumsum(sizes) - sizes
        places = np.repeat(starts[flat] - offsets, sizes) + np.arange(sizes.sum())
        network = np.repeat(np.repeat(np.arange(len(rows)), rows.shape[1]), sizes)
        return {"ids": network * n_terms + terms[places], "weights": weights[places], "offsets": offsets}

    return batch


INPUT = InputReader("terms", has, fit, load)
