"""What can happen to a vector: noise, and numbers that are missing.

The modality knows no missing number, so one is replaced by its mean over the training rows, as the encoder of tables does. In a sparse
vector a missing value is not stored, which means 0, and noise changes the stored values alone, of which none falls below 0.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import Corruption, Reference
from stages.samples.bounds import LARGEST
from stages.samples.points import numbers_of


def mean_and_spread(column: pa.Array) -> Reference:
    """Return `mean` and `spread` (standard deviation), float64 (d,): of each number; of all stored values if the vectors are sparse."""
    if pa.types.is_struct(column.type):
        values = _float64(column.field("values").flatten())
        return {"spread": np.array([values.std() if len(values) else 0.0])}
    vectors = _vectors(column)
    if len(vectors) == 0:
        return {name: np.zeros(vectors.shape[1]) for name in ("mean", "spread")}
    return {"mean": vectors.mean(axis=0), "spread": vectors.std(axis=0)}


def _float64(values: pa.Array) -> np.ndarray:
    return np.from_dlpack(values.cast(pa.float64(), safe=False).fill_null(float("nan")))


def _vectors(column: pa.Array) -> np.ndarray:
    width = column.type.list_size
    return _float64(column.values).reshape(-1, width)


def _column(vectors: np.ndarray, kind: pa.DataType) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(numbers_of(np.clip(vectors, -LARGEST, LARGEST).reshape(-1), kind.value_type), type=kind)


def add_noise(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
    """Return the vectors with Gaussian noise in every number; of sparse ones in every stored value."""
    if not pa.types.is_struct(column.type):
        vectors = _vectors(column)
        draws = np.array([random.standard_normal(vectors.shape[1]) for random in randoms]).reshape(vectors.shape)
        return _column(vectors + strength * reference["spread"] * draws, column.type)
    lists = column.field("values")
    draws = np.concatenate([np.empty(0), *map(np.random.Generator.standard_normal, randoms, _lengths(lists))])
    values = np.clip(_float64(lists.flatten()) + strength * reference["spread"] * draws, 0, LARGEST)
    return _sparse(column, numbers_of(values, lists.type.value_type), np.ones(len(values), dtype=bool))


def miss_values(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
    """Return the vectors in which some numbers are missing."""
    if not pa.types.is_struct(column.type):
        vectors = _vectors(column)
        missing = np.array([random.random(vectors.shape[1]) < strength for random in randoms]).reshape(vectors.shape)
        return _column(np.where(missing, reference["mean"], vectors), column.type)
    lists = column.field("values")
    kept = [random.random(length) >= strength for random, length in zip(randoms, _lengths(lists), strict=True)]
    return _sparse(column, lists.flatten(), np.concatenate([np.empty(0, dtype=bool), *kept]))


def _lengths(lists: pa.Array) -> list[int]:
    return lists.value_lengths().to_pylist()


def _sparse(column: pa.StructArray, values: pa.Array, kept: np.ndarray) -> pa.StructArray:
    """Return sparse vectors with other values, of which only some are kept, with their indices."""
    of_row = np.repeat(np.arange(len(column)), _lengths(column.field("values")))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(of_row[kept], minlength=len(column)))])
    parts = {"values": values, "indices": column.field("indices").flatten()}
    lists = []
    for field in column.type:
        offsets = pa.array(bounds, pa.int64() if pa.types.is_large_list(field.type) else pa.int32())
        make = pa.LargeListArray if pa.types.is_large_list(field.type) else pa.ListArray
        lists.append(make.from_arrays(offsets, parts[field.name].filter(pa.array(kept)), type=field.type))
    return pa.StructArray.from_arrays(lists, fields=list(column.type))


CORRUPTIONS = (
    Corruption(
        name="noise",
        what="Gaussian noise is added to every number (of sparse vectors to every stored value, down to 0)",
        unit="standard deviations of the number over the training rows (sparse: of all stored values)",
        largest=10.0,
        strengths=(0.25, 0.5, 1.0),
        change=add_noise,
        measure=mean_and_spread,
    ),
    Corruption(
        name="missing_values",
        what="numbers are missing: each is its mean over the training rows (sparse: 0)",
        unit="probability of a number to be missing",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=miss_values,
        measure=mean_and_spread,
    ),
)
