"""Vectors: one vector of d numbers per sample, such as an embedding that another model computed.

A column is of one of two types:
    dense    `fixed_size_list<double>[d]`
    sparse   `struct<indices: list<int32>, values: list<double>>`: the values that are not 0; indices from 0, sorted and unique

A vector with a missing or infinite number cannot be read. Dense vectors keep their values, or are divided by their Euclidean
length (`normalize: l2`; a vector of zeros stays as it is): then Euclidean neighbors are those of the cosine similarity. Embeddings have
one natural scale, so nothing is fitted to them. Columns of mixed units have none: `standardize: true` makes them numeric columns, float64,
which train centers and scales on its training rows.

Sparse vectors are featurized as texts are, and like texts compared at unit length. They hold no negative value, as the Manhattan distance
of sparse rows needs none.
"""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.vector.vector_corruptions import CORRUPTIONS
from stages.modalities.vector.vector_settings import VectorSettings
from stages.samples.bounds import LARGEST
from stages.samples.exhibits import show_vector
from stages.samples.points import numeric_columns
from stages.samples.read import read_each

N_INDICES = 2**31 - 1  # of a sparse vector, the maximum of int32
SPARSE = ("indices", "values")


def featurize(column: pa.Array | pa.ChunkedArray, settings: VectorSettings) -> Features:
    """Return dense vectors, float32 (n, d) or with `standardize` numeric float64 (n, d); or indices and values of sparse ones.

    Raises:
        InputError: if the column holds something else than numbers, or is sparse and `standardize` is set.
        SampleError: naming the samples with a number that is missing, infinite or too large, and sparse ones with a negative number.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    # read_each converts values to Python objects, which is slow for long vectors: it gets the row numbers instead
    rows = pc.if_else(whole.is_valid(), pa.array(np.arange(len(whole))), None)
    if pa.types.is_struct(whole.type):
        return _sparse(whole, rows, settings)
    if not pa.types.is_fixed_size_list(whole.type) or whole.type.list_size == 0:
        raise InputError(f"a column of Arrow type {whole.type}; expected lists of one fixed size of numbers")
    width = whole.type.list_size
    values = _numbers(whole.values.slice(whole.offset * width, len(whole) * width), whole.type).reshape(-1, width)
    vectors = read_each(rows, lambda row: _checked(values[row], settings))
    if settings.standardize:
        names = {"numeric": [str(i) for i in range(width)], "categorical": []}
        return Features(numeric_columns(vectors, width), "table", (width, 0), names, {"max_categories": 2})
    dense = np.array(vectors, dtype=np.float32).reshape(-1, width)
    return Features({"vector": fixed_lists(dense)}, "dense", (width,))


def _sparse(whole: pa.StructArray, rows: pa.Array, settings: VectorSettings) -> Features:
    if set(whole.type.names) != set(SPARSE):
        raise InputError(f"a column of Arrow type {whole.type}; expected a struct of {' and '.join(SPARSE)}")
    if settings.standardize:
        raise InputError("standardize: expected false: the vectors are sparse, and centering would fill them; store them as dense ones")
    lists = [pc.struct_field(whole, name) for name in SPARSE]
    pairs = read_each(rows, lambda row: _checked_sparse(lists[0][row].values, lists[1][row].values))
    bounds = pa.array(np.cumsum([0, *(len(indices) for indices, _ in pairs)], dtype=np.int32))
    columns = {name: pa.ListArray.from_arrays(bounds, pa.array(np.concatenate([np.empty(0), *(pair[part] for pair in pairs)]).astype(kind)))
               for part, (name, kind) in enumerate(zip(SPARSE, (np.int32, np.float32), strict=True))}  # fmt: skip
    # of the encoder of texts: nothing but the number of columns is limited
    fit = {"min_documents": 1, "max_terms": settings.max_columns, "idf": False, "sublinear": False}
    return Features(columns, "sparse", (N_INDICES,), fit=fit)


def _numbers(values: pa.Array, kind: pa.DataType) -> np.ndarray:
    """Return float64 (n,), NaN where null."""
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise InputError(f"a column of Arrow type {kind}; expected numbers in its lists")
    return np.from_dlpack(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")))


def _checked(vector: np.ndarray, settings: VectorSettings) -> np.ndarray:
    """Return a vector as declared; raise ValueError naming its first number that cannot be computed with."""
    _refuse_wild(vector)
    if settings.normalize == "l2":
        length = math.sqrt((vector * vector).sum())
        return vector / length if length > 0 else vector
    return vector


def _refuse_wild(vector: np.ndarray) -> None:
    wild = ~(np.abs(vector) <= LARGEST)
    if wild.any():
        place = int(wild.argmax())
        raise ValueError(f"number {place} of {len(vector)} is {vector[place]:g}; expected finite numbers within ±{LARGEST:.1e}")


def _checked_sparse(indices: pa.Array, values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return indices and values of one sparse vector, zeros left out; raise ValueError if they do not fit each other."""
    if indices is None or values is None or indices.null_count or len(indices) != len(values):
        found = f"{0 if indices is None else len(indices)} indices and {0 if values is None else len(values)} values"
        raise ValueError(f"{found}; expected as many of one as of the other, and no missing index")
    places, numbers = np.from_dlpack(indices.cast(pa.int64())), _numbers(values, values.type)
    _refuse_wild(numbers)
    if len(places) and (places[0] < 0 or places[-1] >= N_INDICES or (np.diff(places) <= 0).any()):
        raise ValueError(f"indices {places[:4].tolist()}…; expected whole numbers from 0, sorted and unique")
    if (numbers < 0).any():
        raise ValueError(f"the value {numbers[numbers < 0][0]:g} of a sparse vector; expected none below 0 (store it as a dense vector)")
    return places[numbers != 0], numbers[numbers != 0]


def name_terms(column: pa.Array, settings: VectorSettings, indices: Collection[int]) -> dict[int, str]:
    """Return names of the numbers of sparse vectors, by their places."""
    return {index: f"number {index}" for index in indices}


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per vector: finite, and norm, its Euclidean length."""
    if metadata.encoding == "sparse":
        values = table["values"].combine_chunks()
        flat, n_rows = np.from_dlpack(values.flatten()).astype(np.float64), len(values)
        row_of = np.repeat(np.arange(n_rows), np.diff(np.from_dlpack(values.offsets)))
        squares = np.bincount(row_of, weights=flat * flat, minlength=n_rows)
    else:
        vectors = column_values(table["numeric" if metadata.encoding == "table" else "vector"])
        # in chunks of rows: a copy of the whole in float64 would double the memory
        squares = np.concatenate([np.empty(0), *(np.square(part.astype(np.float64)).sum(axis=1) for part in _chunks(vectors))])
    return {"finite": np.isfinite(squares), "norm": np.sqrt(squares)}


def _chunks(vectors: np.ndarray) -> list[np.ndarray]:
    return [vectors[start : start + 1024] for start in range(0, len(vectors), 1024)]


NORM = "Euclidean length of the vector; 0: all of its numbers are 0"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: finite numbers, and few vectors of zeros (`max_zero_share`)."""
    mostly = 1 - metadata.settings["max_zero_share"]
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        (
            "expect_column_values_to_be_between",
            {"column": "norm", "min_value": 0.0, "strict_min": True, "mostly": mostly, "notes": NORM},
        ),
    ]


MODALITY = Modality(
    name="vector",
    settings=VectorSettings,
    column_types=("fixed_size_list", "struct"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_vector,
    corruptions=CORRUPTIONS,
    name_terms=name_terms,
)
