"""Turn features into matrices: what is fitted here is fitted on the training rows alone.

One encoder per encoding of a features file. `fit` learns from the training rows and returns its state as arrays and plain
JSON (so that a refitted model can be saved without pickle); `encode` applies a state to any rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from stages.foundation.tables import column_values

Matrix: TypeAlias = np.ndarray | sp.csr_array


@dataclass(frozen=True)
class State:
    """What an encoder learned: arrays and JSON."""

    arrays: Mapping[str, np.ndarray]
    json: Mapping[str, Any]


@dataclass(frozen=True)
class Dense:
    """Values on a natural scale (pixels in [0, 1], log-mel): nothing is fitted per column, so one matrix serves every fold."""

    values: np.ndarray  # float32 (n, d)
    shared = True

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        return State({}, {})

    def encode(self, state: State) -> Matrix:
        return self.values


@dataclass(frozen=True)
class Sparse:
    """Term counts under hashed indices; the dictionary and its weights come from the training rows.

    Weighting: (1 + ln tf) · idf with idf = ln((1 + n) / (1 + df)) + 1, rows of unit Euclidean norm.
    Source: Manning, Raghavan, Schütze, Introduction to Information Retrieval, section 6.4 (sublinear tf; smoothed idf).
    """

    offsets: np.ndarray  # int32 (n + 1,)
    indices: np.ndarray  # int32 (nnz,), sorted and unique in a row
    values: np.ndarray  # float32 (nnz,)
    shared = False

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        counts = np.diff(self.offsets)
        is_training = np.zeros(len(counts), dtype=bool)
        is_training[rows] = True
        terms, n_documents = np.unique(self.indices[np.repeat(is_training, counts)], return_counts=True)
        keep = n_documents >= int(settings["min_documents"])
        terms, n_documents = terms[keep], n_documents[keep]
        most = np.lexsort((terms, -n_documents))[: int(settings["max_terms"])]
        most.sort()
        terms, n_documents = terms[most], n_documents[most]
        weights = np.log((1 + len(rows)) / (1 + n_documents)) + 1 if settings["idf"] else np.ones(len(terms))
        return State({"terms": terms, "weights": weights}, {"sublinear": bool(settings["sublinear"])})

    def encode(self, state: State) -> Matrix:
        terms, weights = state.arrays["terms"], state.arrays["weights"]
        n = len(self.offsets) - 1
        if len(terms) == 0:
            return sp.csr_array((n, 1), dtype=np.float64)
        place = np.minimum(np.searchsorted(terms, self.indices), len(terms) - 1)
        known = terms[place] == self.indices
        row_of = np.repeat(np.arange(n), np.diff(self.offsets))[known]
        tf = self.values[known].astype(np.float64)
        values = (1 + np.log(tf) if state.json["sublinear"] else tf) * weights[place[known]]
        norms = np.sqrt(np.bincount(row_of, weights=values**2, minlength=n))
        values /= np.where(norms > 0, norms, 1)[row_of]
        # int32 throughout, as in the file: scikit-learn's sparse distances take nothing wider
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=n))]).astype(np.int32)
        return sp.csr_array((values, place[known].astype(np.int32), indptr), shape=(n, len(terms)))


@dataclass(frozen=True)
class Columns:
    """A mixed table: numeric columns standardised, their gaps filled with the median and marked; categories one-hot.

    Medians, means, deviations and the lists of categories come from the training rows; a category not among them is all zeros.
    """

    numeric: np.ndarray  # float32 (n, p), NaN where missing
    codes: np.ndarray  # int32 (n, q), codes into `categories`
    categories: tuple[tuple[str | None, ...], ...]
    shared = False

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        training = self.numeric[rows].astype(np.float64)
        gaps = np.isnan(training)
        median = np.array([np.median(c[~g]) if not g.all() else 0.0 for c, g in zip(training.T, gaps.T, strict=True)])
        filled = np.hstack([np.where(gaps, median, training), gaps[:, gaps.any(axis=0)]])
        deviation = filled.std(axis=0)
        kept = [_frequent(c, v, settings) for c, v in zip(self.codes[rows].T, self.categories, strict=True)]
        arrays = {
            "median": median,
            "marked": gaps.any(axis=0),
            "mean": filled.mean(axis=0),
            "deviation": np.where(deviation > 0, deviation, 1.0),
        }
        return State(arrays, {"categories": kept})

    def encode(self, state: State) -> Matrix:
        values = self.numeric.astype(np.float64)
        gaps = np.isnan(values)
        filled = np.hstack([np.where(gaps, state.arrays["median"], values), gaps[:, state.arrays["marked"]]])
        parts = [(filled - state.arrays["mean"]) / state.arrays["deviation"]]
        for column, known, kept in zip(self.codes.T, self.categories, state.json["categories"], strict=True):
            place = {value: i for i, value in enumerate(kept)}
            lookup = np.array([place.get(value, -1) for value in known] or [-1])
            parts.append((lookup[column][:, None] == np.arange(len(kept))).astype(np.float64))
        return np.hstack(parts)


def _frequent(codes: np.ndarray, known: tuple[str | None, ...], settings: Mapping[str, Any]) -> list[str | None]:
    """Return the categories of the training rows, the most frequent `max_categories` of them, sorted (missing first)."""
    counts = np.bincount(codes, minlength=len(known))
    names = sorted(((-int(c), v is not None, v or "") for c, v in zip(counts, known, strict=True) if c))
    kept = [(is_value, name) for _, is_value, name in names[: int(settings["max_categories"])]]
    return [name if is_value else None for is_value, name in sorted(kept)]


Raw = Dense | Sparse | Columns


def raw_features(columns: Mapping[str, pa.Array | pa.ChunkedArray], encoding: str) -> Raw:
    """Return the columns of a features file as the input of its encoder, as views where the encoding allows."""
    if encoding == "dense":
        return Dense(column_values(columns["vector"]))
    if encoding == "sparse":
        indices, values = _one_array(columns["indices"]), _one_array(columns["values"])
        return Sparse(np.from_dlpack(indices.offsets), np.from_dlpack(indices.flatten()), np.from_dlpack(values.flatten()))
    if encoding == "table":
        return _table(_one_array(columns["numeric"]), _one_array(columns["categorical"]))
    raise ValueError(f"no encoder for {encoding!r}: dense, sparse or table")


def _table(numeric: pa.FixedSizeListArray, categorical: pa.FixedSizeListArray) -> Columns:
    n, n_categorical = len(numeric), categorical.type.list_size
    flat = categorical.flatten()
    encoded = [flat.take(pa.array(np.arange(n) * n_categorical + j)).dictionary_encode("encode") for j in range(n_categorical)]
    codes = np.array([np.from_dlpack(column.indices) for column in encoded], dtype=np.int32).reshape(n_categorical, n).T
    return Columns(column_values(numeric), codes, tuple(tuple(column.dictionary.to_pylist()) for column in encoded))


def _one_array(column: pa.Array | pa.ChunkedArray) -> Any:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
