"""Arrow columns of vectors: lists of one fixed size, or structs of indices and values where they are sparse."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.own_data.decoders.decoded_columns import ColumnError, to_array

MAX_DIMENSIONS = 100_000  # numbers of one dense vector
SPARSE = pa.struct([("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))])
MAX_INDEX = 2**31 - 2


def to_vector(value: Any) -> np.ndarray | dict[str, np.ndarray]:
    """Return float64 (d,) of an array of one axis (or of one row) or a list of numbers; of indices and values these, sorted by index.

    Raises:
        ValueError: if it is something else, or empty.
    """
    if isinstance(value, Mapping):
        return _sparse(value)
    vector = to_array(value, 1)
    if vector.ndim == 2 and vector.shape[0] == 1:
        vector = vector[0]
    if vector.ndim != 1:
        raise ValueError(f"an array of shape {vector.shape}; modality 'vector' reads one axis of d numbers")
    if not 1 <= len(vector) <= MAX_DIMENSIONS:
        raise ValueError(f"a vector of {len(vector):,} numbers; expected 1 to {MAX_DIMENSIONS:,}")
    return vector


def _sparse(value: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if set(value) != set(SPARSE.names):
        found = ", ".join(map(repr, sorted(value)[:5])) or "nothing"
        raise ValueError(f"an object of {found}; expected a list of numbers, or `indices` and `values` of a sparse vector")
    indices, values = (np.empty(0) if len(value[name]) == 0 else to_array(value[name], 1) for name in SPARSE.names)
    if indices.ndim != 1 or indices.shape != values.shape:
        raise ValueError(f"{len(indices)} indices and {len(values)} values; expected as many of one as of the other")
    if not ((indices >= 0) & (indices <= MAX_INDEX) & (indices == np.floor(indices))).all() or len(np.unique(indices)) < len(indices):
        raise ValueError("indices of a sparse vector: expected whole numbers from 0, each once")
    order = np.argsort(indices)
    return {"indices": indices[order].astype(np.int32), "values": values[order]}


def vector_column(vectors: Sequence[np.ndarray | dict[str, np.ndarray] | None], kind: pa.DataType | None) -> pa.Array:
    """Return vectors (results of `to_vector`; None is null) as lists of one fixed size of float64, or as structs of indices and values.

    Args:
        kind: Arrow type of earlier chunks; None: all are as most vectors here are.
    Raises:
        ColumnError: naming the vectors of another length, and the dense among sparse ones or the reverse.
    """
    sizes = [None if vector is None else -1 if isinstance(vector, dict) else len(vector) for vector in vectors]
    usual = (_size(kind) if kind is not None else
             Counter(size for size in sizes if size is not None).most_common(1)[0][0] if any(size is not None for size in sizes) else None)
    if usual is None:
        raise ColumnError(dict.fromkeys(range(len(vectors)), "the sample is missing (null), and so is every other one"))
    reasons = {place: f"{_described(size)}, other samples have {_described(usual)}; expected the same in all"
               for place, size in enumerate(sizes) if size not in (None, usual)}  # fmt: skip
    if reasons:
        raise ColumnError(reasons)
    mask = pa.array([vector is None for vector in vectors], pa.bool_())
    if usual < 0:
        return pa.array([None if vector is None else vector for vector in vectors], SPARSE)
    flat = np.zeros((len(vectors), usual))
    for row, vector in enumerate(vectors):
        if isinstance(vector, np.ndarray):
            flat[row] = vector
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), usual, mask=mask)


def _size(kind: pa.DataType) -> int:
    return -1 if pa.types.is_struct(kind) else int(kind.list_size)


def _described(size: int | None) -> str:
    return "a sparse vector" if size == -1 else f"{size} numbers"


def list_vectors(values: pa.Array) -> list[np.ndarray | None]:
    """Return each list of numbers as float64 (d,), NaN where a number is null; None where the list is."""
    lists = values.cast(pa.list_(values.type.value_type)) if pa.types.is_fixed_size_list(values.type) else values
    offsets = np.from_dlpack(lists.offsets.cast(pa.int64()))
    first = int(offsets[0]) if len(offsets) else 0
    inner = lists.values.slice(first, int(offsets[-1]) - first if len(offsets) else 0)
    flat = np.from_dlpack(inner.cast(pa.float64(), safe=False).fill_null(float("nan")))
    valid = lists.is_valid().to_pylist()
    bounds = zip(offsets[:-1] - first, offsets[1:] - first, valid, strict=True)
    return [flat[start:stop] if known else None for start, stop, known in bounds]


def is_vector_list(kind: pa.DataType) -> bool:
    """Return whether a column's type is lists of numbers, of one level."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return is_list and (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type))
