"""Several columns of a table as one vector per row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.absent import AbsentError
from stages.own_data.number_format import NUMBER, plain_numbers
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import text_of


def joined_vectors(
    table: pa.Table, fields: Sequence[str], rows: SourceRows, dataset: str
) -> tuple[list[np.ndarray | None], dict[int, ValueError]]:
    """Return a vector per row of `table`, float64 (n_fields,), None where a cell is no number; and for each such row the reason.

    A row whose cells are all empty lacks the vector.

    Raises:
        InputError: if a column holds neither numbers nor text.
    """
    values, reasons = np.empty((len(table), len(fields))), dict[int, str]()
    n_empty = np.zeros(len(table), dtype=np.int64)
    for place, field in enumerate(fields):
        column = table[field]
        if pa.types.is_string(column.type):
            text = plain_numbers(text_of(column, field, dataset), rows.number_format)
            empty = pc.is_null(text)
            fits = pc.fill_null(pc.match_substring_regex(text, NUMBER), fill_value=False)
            numbers = pc.replace_substring_regex(pc.if_else(fits, text, pa.scalar(None, pa.string())), r"^\+", "").cast(pa.float64())
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            numbers = column.combine_chunks()
            empty = pc.is_null(numbers, nan_is_null=True)
            numbers = (numbers.cast(pa.uint8()) if pa.types.is_boolean(numbers.type) else numbers).cast(pa.float64(), safe=False)
        else:
            raise InputError(f"{PARAMS}: datasets.{dataset}: column {field!r} holds {column.type}; expected a number of a vector")
        n_empty += np.array(empty.to_pylist(), dtype=np.int64)
        values[:, place] = np.from_dlpack(pc.fill_null(numbers, float("nan")))
        for row in np.flatnonzero(~np.isfinite(values[:, place])):
            cell = column[int(row)].as_py()
            reasons.setdefault(int(row), f"column {field!r} is missing" if cell is None else f"column {field!r} holds {str(cell)[:40]!r}")
    known = [None if row in reasons else vector for row, vector in enumerate(values)]
    wanted = f"a vector needs a number in each of its {len(fields)} columns"
    return known, {row: AbsentError(f"its {len(fields)} columns are empty, such as {fields[0]!r}") if n_empty[row] == len(fields) else
                   ValueError(f"{why}; {wanted}") for row, why in reasons.items()}  # fmt: skip
