"""Encode features as matrices; encoders are fitted on the training rows only.

One encoder per encoding of a features file. `fit` returns the state as arrays and plain JSON, so that a model is saved without pickle;
`encode` applies a state to all rows; `taken` returns the encoder of some rows. `structure` is the form in which the features file keeps the
same samples, for models that read it; None: not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from stages.features.structures import Structure, structure_of
from stages.foundation.tables import column_values

Matrix: TypeAlias = np.ndarray | sp.csr_array


@dataclass(frozen=True)
class State:
    """The fitted state of an encoder: arrays and JSON."""

    arrays: Mapping[str, np.ndarray]
    json: Mapping[str, Any]


@dataclass(frozen=True)
class Dense:
    """Dense values on a natural scale (pixels in [0, 1], log-mel): nothing is fitted, so all folds share one matrix."""

    values: np.ndarray  # float32 (n, d)
    structure: Structure | None = None
    shared = True

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        return State({}, {})

    def encode(self, state: State) -> Matrix:
        return self.values

    def taken(self, rows: np.ndarray) -> "Dense":
        return Dense(self.values[rows], _taken(self.structure, rows))


@dataclass(frozen=True)
class ImputedDense:
    """Dense values of which some rows are absent: they are the mean of the training rows that are there."""

    values: np.ndarray  # float32 (n, d)
    present: np.ndarray  # bool (n,)
    structure: Structure | None = None
    shared = False

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        known = self.values[rows[self.present[rows]]]
        mean = known.mean(axis=0, dtype=np.float64) if len(known) else np.zeros(self.values.shape[1])
        return State({"imputed": mean.astype(np.float32)}, {})

    def encode(self, state: State) -> Matrix:
        return np.where(self.present[:, None], self.values, state.arrays["imputed"])

    def taken(self, rows: np.ndarray) -> "ImputedDense":
        return ImputedDense(self.values[rows], self.present[rows], _taken(self.structure, rows))


@dataclass(frozen=True)
class Sparse:
    """Term counts by hashed index; the vocabulary and its weights are fitted on the training rows.

    Weighted by scikit-learn's `TfidfTransformer`: (1 + ln tf) · idf with idf = ln((1 + n) / (1 + df)) + 1, rows of unit Euclidean norm.
    The vocabulary is limited here, because `CountVectorizer` reads text and these are counts of 31-bit indices
    (docs/decisions/0009-text.md).
    """

    offsets: np.ndarray  # int32 (n + 1,)
    indices: np.ndarray  # int32 (nnz,), sorted and unique in a row
    values: np.ndarray  # float32 (nnz,)
    structure: Structure | None = None
    shared = False

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        terms = self._vocabulary(rows, int(settings["min_documents"]), int(settings["max_terms"]))
        weights = np.ones(len(terms))
        if settings["idf"] and len(terms):
            from sklearn.feature_extraction.text import TfidfTransformer

            weights = TfidfTransformer().fit(self._counts(terms)[rows]).idf_
        return State({"terms": terms, "weights": weights}, {"sublinear": bool(settings["sublinear"])})

    def encode(self, state: State) -> Matrix:
        from sklearn.feature_extraction.text import TfidfTransformer

        terms, n = state.arrays["terms"], len(self.offsets) - 1
        if len(terms) == 0 or n == 0:
            return sp.csr_array((n, max(1, len(terms))), dtype=np.float64)
        transformer = TfidfTransformer(sublinear_tf=state.json["sublinear"])
        transformer.idf_ = state.arrays["weights"]
        return sp.csr_array(transformer.transform(self._counts(terms), copy=False))

    def taken(self, rows: np.ndarray) -> "Sparse":
        matrix = sp.csr_array((self.values, self.indices, self.offsets), shape=(len(self.offsets) - 1, np.iinfo(np.int32).max))[rows]
        return Sparse(matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data, _taken(self.structure, rows))

    def _vocabulary(self, rows: np.ndarray, min_documents: int, max_terms: int) -> np.ndarray:
        """Return the `max_terms` most frequent terms that occur in at least `min_documents` of `rows`: int32, sorted."""
        counts = np.diff(self.offsets)
        is_training = np.zeros(len(counts), dtype=bool)
        is_training[rows] = True
        terms, n_documents = np.unique(self.indices[np.repeat(is_training, counts)], return_counts=True)
        keep = n_documents >= min_documents
        terms, n_documents = terms[keep], n_documents[keep]
        return np.sort(terms[np.lexsort((terms, -n_documents))[:max_terms]])

    def _counts(self, terms: np.ndarray) -> sp.csr_array:
        """Return the counts of `terms` in every row: float64 CSR (n, n_terms)."""
        n = len(self.offsets) - 1
        place = np.minimum(np.searchsorted(terms, self.indices), len(terms) - 1)
        known = terms[place] == self.indices
        row_of = np.repeat(np.arange(n), np.diff(self.offsets))[known]
        # int32 throughout, as in the file: scikit-learn's sparse distances accept no wider type
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=n))]).astype(np.int32)
        values = self.values[known].astype(np.float64)
        return sp.csr_array((values, place[known].astype(np.int32), indptr), shape=(n, len(terms)))


@dataclass(frozen=True)
class Columns:
    """A mixed table: numeric columns standardised, missing values imputed by the median and marked; categories one-hot.

    By scikit-learn's `SimpleImputer`, `StandardScaler` and `OneHotEncoder`, fitted on the training rows. A missing value is a category of
    its own. If there are more than `max_categories`, the rarest share the last column. A category absent from the training rows is all
    zeros.
    """

    numeric: np.ndarray  # float64 (n, p), NaN where missing
    codes: np.ndarray  # int32 (n, q), codes into `categories`
    categories: tuple[tuple[str | None, ...], ...]
    structure: Structure | None = None
    shared = False

    def fit(self, rows: np.ndarray, settings: Mapping[str, Any]) -> State:
        from stages.features.table_transformers import fit_categories, fit_numeric

        categories, arrays = [], fit_numeric(self.numeric[rows])
        for names, codes in zip(self.categories, self.codes[rows].T, strict=True):
            categories.append(fit_categories(names, codes))
        return State(arrays, {"categories": categories, "max_categories": int(settings["max_categories"])})

    def encode(self, state: State) -> Matrix:
        from stages.features.table_transformers import encode_categories, scale_numeric

        numeric = scale_numeric(self.numeric, state.arrays)
        if not self.categories:
            return numeric
        values = np.empty(self.codes.shape, dtype=object)
        for column, names in enumerate(self.categories):
            values[:, column] = np.array([*names, None], dtype=object)[self.codes[:, column]]
        return np.hstack([numeric, encode_categories(values, state.json["categories"], state.json["max_categories"])])

    def taken(self, rows: np.ndarray) -> "Columns":
        return Columns(self.numeric[rows], self.codes[rows], self.categories, _taken(self.structure, rows))


Raw = Dense | ImputedDense | Sparse | Columns


def raw_features(
    columns: Mapping[str, pa.Array | pa.ChunkedArray], encoding: str, modality: str = "", shape: tuple[int, ...] = ()
) -> Raw:
    """Return the columns of a features file as the input of its encoder, without a copy where the encoding allows.

    Args:
        modality: name of the component that made the features; without it the structured form is not known. shape: as in `Features`.
    """
    structure = structure_of(columns, modality, shape) if modality else None
    if encoding == "dense":
        return Dense(column_values(columns["vector"]), structure)
    if encoding == "sparse":
        indices, values = _one_array(columns["indices"]), _one_array(columns["values"])
        lists = np.from_dlpack(indices.offsets), np.from_dlpack(indices.flatten()), np.from_dlpack(values.flatten())
        return Sparse(*lists, structure)
    if encoding == "table":
        return _table(_one_array(columns["numeric"]), _one_array(columns["categorical"]), structure)
    raise ValueError(f"no encoder for {encoding!r}; allowed: dense, sparse, table")


def _table(numeric: pa.FixedSizeListArray, categorical: pa.FixedSizeListArray, structure: Structure | None) -> Columns:
    n, n_categorical = len(numeric), categorical.type.list_size
    flat = categorical.flatten()
    encoded = [flat.take(pa.array(np.arange(n) * n_categorical + j)).dictionary_encode("encode") for j in range(n_categorical)]
    codes = np.array([np.from_dlpack(column.indices) for column in encoded], dtype=np.int32).reshape(n_categorical, n).T
    return Columns(column_values(numeric), codes, tuple(tuple(column.dictionary.to_pylist()) for column in encoded), structure)


def _one_array(column: pa.Array | pa.ChunkedArray) -> Any:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _taken(structure: Structure | None, rows: np.ndarray) -> Structure | None:
    return None if structure is None else structure.taken(rows)
