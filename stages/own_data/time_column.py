"""The column of times of own samples: numbers, dates or instants, as one type that has an order."""

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import typed

DAY, INSTANT = pa.date32(), "us"


def times_of(values: pa.ChunkedArray, field: str, rows: SourceRows, dataset: str) -> pa.Array:
    """Return times as int64, float64, date32 or timestamp[us], of instants with a zone in UTC; null where missing.

    Finer instants are cut to microseconds, which keeps their order but for those that become equal.

    Raises:
        InputError: if a value is neither a number, a date nor an instant, the first of them named.
    """
    key = f"{PARAMS}: datasets.{dataset}.time: column {field!r}"
    array = values.combine_chunks()
    if pa.types.is_string(array.type):
        array = typed(array, field, rows, dataset)
    kind = array.type
    if pa.types.is_date(kind):
        return array.cast(DAY)
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp(INSTANT, None if kind.tz is None else "UTC"), safe=False)
    try:
        if pa.types.is_integer(kind):
            return array.cast(pa.int64())
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _finite(array.cast(pa.float64()), key, rows)
    except pa.ArrowException as error:
        raise InputError(f"{key}: {str(error).splitlines()[0]}; expected numbers of 64 bits, dates or times") from error
    known = array.drop_null()
    example = f" (such as {str(known[0])[:40]!r})" if len(known) else ""
    raise InputError(f"{key} holds {'text' if pa.types.is_string(kind) else kind}{example}; expected numbers, dates such as 2024-03-31, or "
                     "times such as 2024-03-31T12:30:00, of which one is before another")


def _finite(numbers: pa.Array, key: str, rows: SourceRows) -> pa.Array:
    """Return numbers with null in place of NaN, which is missing; raise InputError at the first that is infinite."""
    infinite = pc.fill_null(pc.is_inf(numbers), fill_value=False).index(True).as_py()
    if infinite >= 0:
        raise InputError(f"{key}: {rows.where(infinite)}: expected a number, found {numbers[infinite]}; fix it, or leave it empty")
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
