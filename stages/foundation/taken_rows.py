"""Take rows of a table. Arrow's own `take` and `filter` return wrong values of a slice of fixed-size lists of fixed-size lists.

pyarrow 25.0.1: `pa.array([[[i, i], [i, i]] for i in range(4)], pa.list_(pa.list_(pa.int16(), 2), 2)).slice(1).take(pa.array([0]))` is not
row 1, and no error is raised: the offset is applied twice. tests/test_taken_rows.py fails when a later version has it right.
"""

import numpy as np
import pyarrow as pa


def rows_at(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Return rows of a table by their numbers, int64, in that order."""
    safe = [_copied(table[field.name]) if _is_nested(field.type) else table[field.name] for field in table.schema]
    return pa.table(safe, schema=table.schema).take(pa.array(rows, pa.int64()))


def _is_nested(kind: pa.DataType) -> bool:
    """Return whether fixed-size lists of fixed-size lists are in a type outside of lists of any length, whose elements are copied."""
    if pa.types.is_fixed_size_list(kind):
        return bool(pa.types.is_fixed_size_list(kind.value_type)) or _is_nested(kind.value_type)
    return bool(pa.types.is_struct(kind)) and any(_is_nested(field.type) for field in kind)


def _copied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column whose chunks are no slices; concatenating copies, but not a single array."""
    return pa.chunked_array([pa.concat_arrays([chunk, chunk.slice(0, 0)]) for chunk in column.chunks], column.type)
