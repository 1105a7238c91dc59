"""Samples that lack a modality: a null in its column. Their rows of a features file hold nothing, and are marked."""

import numpy as np
import pyarrow as pa

from stages.foundation.taken_rows import rows_at

PRESENT = "present"  # the column of a features file that marks them


def has_sample(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return which samples have the modality of a column: bool (n,)."""
    valid = column.is_valid()
    whole = valid.combine_chunks() if isinstance(valid, pa.ChunkedArray) else valid
    return np.from_dlpack(whole.cast(pa.uint8())).astype(bool)


def with_absent(columns: pa.Table, present: np.ndarray) -> pa.Table:
    """Return features with an empty row for every sample that lacks the modality, and which samples have it.

    Args:
        columns: the features of the samples that have it, in their order.
        present: bool (n,), with as many true as `columns` has rows.
    """
    n_absent = int(np.count_nonzero(~present))
    if n_absent:
        empty = pa.table([empty_values(field.type, n_absent) for field in columns.schema], schema=columns.schema)
        order = np.empty(len(present), np.int64)
        order[present], order[~present] = np.arange(len(columns)), np.arange(len(columns), len(present))
        columns = rows_at(pa.concat_tables([columns, empty]).combine_chunks(), order)
    return columns.append_column(PRESENT, pa.array(present, pa.bool_()))


def empty_values(kind: pa.DataType, n: int) -> pa.Array:
    """Return n values that say nothing: missing cells of tables, lists of no element, and zeros.

    Zeros, as learners predict all rows of a matrix at once; a sample that lacks a modality is in none of its training and test rows.
    """
    if pa.types.is_fixed_size_list(kind) and kind.list_size == 0:
        return pa.array([[]] * n, kind)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(empty_values(kind.value_type, n * kind.list_size), type=kind)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), empty_values(kind.value_type, 0), type=kind)
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays([empty_values(field.type, n) for field in kind], fields=list(kind))
    if pa.types.is_float64(kind):
        return pa.array(np.full(n, np.nan))  # a missing number of a table
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pa.array(np.zeros(n), kind) if not pa.types.is_integer(kind) else pa.array(np.zeros(n, np.int64)).cast(kind)
    return pa.nulls(n, kind)
