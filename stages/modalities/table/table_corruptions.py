"""What can happen to a row of a table: missing cells, and noise in its numbers."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.corruption import Corruption, Reference
from stages.samples.bounds import LARGEST
from stages.samples.points import numbers_of


def column_spreads(column: pa.StructArray) -> Reference:
    """Return `spread`: each column's standard deviation over its known cells, float64 (p,); 0 of a column that is no number."""
    spread = np.zeros(column.type.num_fields)
    for place, values in enumerate(column.flatten()):
        if _is_number(values.type):
            numbers = _float64(values)
            known = numbers[np.abs(numbers) <= LARGEST]
            spread[place] = known.std() if len(known) else 0.0
    return {"spread": spread}


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _float64(values: pa.Array) -> np.ndarray:
    return np.from_dlpack(values.cast(pa.float64(), safe=False).fill_null(float("nan")))


def add_noise(column: pa.StructArray, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.StructArray:
    """Return the rows with noise in their numbers: whole numbers and decimals rounded, other cells and missing ones as they are."""
    draws = np.empty((len(column), column.type.num_fields))
    for row, random in zip(draws, randoms, strict=True):
        row[:] = random.standard_normal(len(row))
    arrays = []
    for place, values in enumerate(column.flatten()):
        spread = reference["spread"][place]
        arrays.append(_with_noise(values, strength * spread * draws[:, place]) if spread > 0 and _is_number(values.type) else values)
    return pa.StructArray.from_arrays(arrays, fields=list(column.type))


def _with_noise(values: pa.Array, noise: np.ndarray) -> pa.Array:
    kind, numbers = values.type, _float64(values)
    known = np.abs(numbers) <= LARGEST  # not: missing ones, and those that featurizing counts as infinite
    noisy = np.where(known, np.clip(numbers + noise, -LARGEST, LARGEST), numbers)
    if pa.types.is_decimal(kind):
        most = float(10 ** (kind.precision - kind.scale)) - 1
        noisy = np.clip(noisy, -most, most)
    # the other cells are not written again: float64 might not hold them exactly
    return pc.if_else(pa.array(known & (noisy != numbers)), _written(np.where(known, noisy, np.nan), kind), values)


def _written(numbers: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        return pa.array(numbers, mask=np.isnan(numbers)).cast(kind, safe=False)
    return numbers_of(numbers, kind)


def miss_cells(column: pa.StructArray, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.StructArray:
    """Return the rows in which some cells are missing (null)."""
    missing = np.empty((len(column), column.type.num_fields), dtype=bool)
    for row, random in zip(missing, randoms, strict=True):
        row[:] = random.random(len(row)) < strength
    arrays = [values.take(pa.array(np.arange(len(column)), mask=gone)) for values, gone in zip(column.flatten(), missing.T, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=list(column.type))


CORRUPTIONS = (
    Corruption(
        name="missing_cells",
        what="cells are missing, of any type",
        unit="probability of a cell to be missing",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=miss_cells,
    ),
    Corruption(
        name="noise",
        what="Gaussian noise is added to every number; whole numbers are rounded; other types are not changed",
        unit="standard deviations of the column over the training rows",
        largest=10.0,
        strengths=(0.25, 0.5, 1.0),
        change=add_noise,
        measure=column_spreads,
    ),
)
