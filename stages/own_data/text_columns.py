"""Columns of text as typed columns: numbers, truth values, dates, or text; the type is inferred from all values of a column."""

from collections.abc import Iterable
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.date_format import WRITTEN, iso_dates, n_written, possible_orders
from stages.own_data.number_format import MARKS, NUMBER, plain_numbers, proposal, readings
from stages.own_data.source_rows import SourceRows
from stages.own_data.unicode_forms import normal_column

WHOLE = r"^[+-]?\d{1,18}$"
CODE = r"^[+-]?0\d"  # leading zeros: a code, such as a postcode, not a number
DATE = r"^\d{4}-\d\d-\d\d$"
TIMESTAMP = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?$"
ZONED = r"(Z|[+-]\d\d:?\d\d)$"
TRUTH, MISSING = pa.array(["true", "false"]), pa.array(sorted(MARKS))
UNKNOWN = "fix it; if it is unknown, leave the cell empty or name the value under `missing:`"
MIXED = 0.5  # share of values of one kind from which the others count as mistakes


def table_columns(rows: SourceRows, fields: tuple[str, ...], dataset: str) -> pa.StructArray:
    """Return the fields of every row as one struct, each with its inferred type."""
    table = rows.read(fields, None)
    arrays = [table[field].combine_chunks() for field in fields]
    if rows.written or rows.declared:
        named = zip(fields, arrays, strict=True)
        arrays = [typed(values, field, rows, dataset) if values.type == pa.string() else values for field, values in named]
    for field, values in zip(fields, arrays, strict=True):
        if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
            raise InputError(f"{PARAMS}: datasets.{dataset}: column {field!r} holds {values.type}, which a table cannot hold; list the "
                             "table's `columns` without it, or make it a modality")
    return pa.StructArray.from_arrays(arrays, names=list(fields))


def column_mistakes(rows: SourceRows, table_fields: Iterable[str], number_fields: Iterable[str], dataset: str) -> list[str]:
    """Return why columns of text cannot be read as columns of a table, or as numbers, a line per column."""
    found = []
    for field in dict.fromkeys((*table_fields, *number_fields)):
        try:
            if field in number_fields:
                numbers_of(rows.read([field], None)[field], field, rows, dataset)
            else:
                table_columns(rows, (field,), dataset)
        except InputError as error:
            found.append(str(error))
    return found


def as_written(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Return values as text, unchanged, null where NaN; raise InputError where they have no text form, such as lists or bytes."""
    wrong = f"{where} holds {values.type}; expected text, numbers or truth values"
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        raise InputError(wrong)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        return values.cast(pa.string())
    except pa.ArrowException as error:
        raise InputError(wrong) from error


def text_of(values: pa.ChunkedArray, field: str, dataset: str) -> pa.Array:
    """Return values as text in one form (`normal_column`), null where it is empty."""
    text = normal_column(as_written(values, f"{PARAMS}: datasets.{dataset}: column {field!r}").combine_chunks())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def numbers_of(values: pa.ChunkedArray, field: str, rows: SourceRows, dataset: str) -> pa.Array:
    """Return values as float64, null where missing; raise InputError naming the first that is not a number."""
    if not pa.types.is_string(values.type):
        try:
            return values.combine_chunks().cast(pa.float64())
        except pa.ArrowException as error:
            key = f"{PARAMS}: datasets.{dataset}: column {field!r} holds"
            if pa.types.is_integer(values.type):
                raise InputError(f"{key} whole numbers beyond ±2^53, which float64 rounds; subtract an offset in the data, or store them "
                                 "as floating-point numbers if their last digits do not matter") from error
            raise InputError(f"{key} {values.type}; expected numbers") from error
    where = f"datasets.{dataset}: column {field!r}"
    text = plain_numbers(text_of(values, field, dataset), rows.number_format)
    n_known = len(text) - text.null_count
    if n_known > _count(pc.match_substring_regex(text, NUMBER)) and (found := readings(text, rows.number_format)):
        raise InputError(f"{where}: {_first_misfit(text, rows)}; {proposal(found, rows.number_format, n_known, None)}")
    if n_known and not _count(pc.match_substring_regex(text, NUMBER)):
        first = next(value for value in text.to_pylist() if value is not None)
        raise InputError(f"{PARAMS}: {where} holds no number (such as {first[:40]!r}); expected numbers for task regression; for classes "
                         "use task binary or multiclass, or name another column")
    return _cast(text, NUMBER, pa.float64(), where, rows, "a number", remedy=UNKNOWN)


def typed(values: pa.Array, field: str, rows: SourceRows, dataset: str) -> pa.Array:
    """Return a column of text as the declared type, or as the type of all of its values.

    Raises:
        InputError: if most values have a type, numbers or dates, and others have not; or if the order of day and month is not declared.
    """
    remedy = f"{UNKNOWN}, or declare `types: {{{field}: text}}` in the source"
    where = f"datasets.{dataset}: column {field!r}"
    declared = rows.declared.get(field)
    if declared == "text":
        return values
    text = plain_numbers(text_of(pa.chunked_array([values]), field, dataset), rows.number_format)
    lower = pc.utf8_lower(text)
    n_known = len(text) - text.null_count
    n_marks, n_numbers = _count(pc.is_in(lower, value_set=MISSING)), _count(pc.match_substring_regex(text, NUMBER))
    is_code = declared != "number" and _count(pc.match_substring_regex(text, CODE)) > 0
    if n_numbers < n_known and not is_code and (found := readings(text, rows.number_format)):
        raise InputError(f"{where}: {_first_misfit(text, rows)}; {proposal(found, rows.number_format, n_known, field)}")
    if declared == "number":
        return _cast(text, NUMBER, pa.float64(), where, rows, "a number", remedy=remedy)
    if not n_known:
        return text
    if declared == "truth" or _count(pc.is_in(lower, value_set=TRUTH)) == n_known:
        return _cast(lower, "^(true|false)$", pa.bool_(), where, rows, "true or false", remedy=remedy)
    days, times = _count(pc.match_substring_regex(text, DATE)), _count(pc.match_substring_regex(text, TIMESTAMP))
    if declared in (None, "date") and days + times < (n_last := n_written(text)) and n_last / (n_known - n_marks) >= MIXED:
        text = _in_order(text, where, field, rows)
        days, times = _count(pc.match_substring_regex(text, DATE)), _count(pc.match_substring_regex(text, TIMESTAMP))
    if declared == "date" or (days + times) / max(n_known - n_marks, 1) >= MIXED:
        return _dates(text, where, rows, n_times=times, remedy=remedy)
    if n_numbers / n_known < MIXED or is_code:
        return values
    whole = _count(pc.match_substring_regex(text, WHOLE)) == n_known
    return _cast(text, NUMBER, pa.int64() if whole else pa.float64(), where, rows, "a number, as most values of the column are",
                 remedy=remedy)


def _in_order(text: pa.Array, where: str, field: str, rows: SourceRows) -> pa.Array:
    """Return dates with the day or the month first as ISO dates, in the order that the source declares; raise InputError if none is."""
    if rows.dates is not None:
        return iso_dates(text, rows.dates)
    example = text.filter(pc.fill_null(pc.match_substring_regex(text, WRITTEN), fill_value=False))[0].as_py()
    read_as = {order: iso_dates(pa.array([example]), order)[0] for order in possible_orders(text)}
    options = " or ".join(f"`dates: {order}` (then it is {value})" for order, value in read_as.items()) or "`dates:`"
    raise InputError(f"{where}: {n_written(text)} of {len(text) - text.null_count} cells are dates such as {example!r}; add {options} to "
                     f"the source, or, if the column holds categories, `types: {{{field}: text}}`")


def _first_misfit(text: pa.Array, rows: SourceRows) -> str:
    """Return where the first cell is that is not a number, with the cell."""
    row = pc.fill_null(pc.match_substring_regex(text, NUMBER), fill_value=True).index(False).as_py()
    return f"{rows.where(row)}: expected a number, found {text[row].as_py()[:40]!r}"


def _dates(text: pa.Array, where: str, rows: SourceRows, *, n_times: int, remedy: str) -> pa.Array:
    if not n_times:
        return _cast(text, DATE, pa.date32(), where, rows, "a date such as 2024-03-31", remedy=remedy)
    n_zoned = _count(pc.match_substring_regex(text, ZONED))
    kind = pa.timestamp("us", "UTC" if n_zoned else None)
    if n_zoned and n_zoned < len(text) - text.null_count:
        raise InputError(f"{where}: some times have a time zone and others do not; make them one kind, or declare `types: {{…: text}}`")
    return _cast(text, f"({TIMESTAMP})|({DATE})", kind, where, rows, "a time such as 2024-03-31T12:30:00", remedy=remedy)


def _cast(text: pa.Array, form: str, kind: pa.DataType, where: str, rows: SourceRows, wanted: str, *, remedy: str) -> pa.Array:
    """Return the values as `kind`; raise InputError naming the first that does not match `form`."""
    fits = pc.fill_null(pc.match_substring_regex(text, form), fill_value=True)
    wrong = fits.index(False).as_py()
    if wrong >= 0:
        n_wrong, found = len(fits) - _count(fits), text[wrong].as_py()
        raise InputError(f"{where}: {rows.where(wrong)}: expected {wanted}, found {found[:40]!r} ({n_wrong} such); {remedy}")
    try:
        # Arrow does not parse a plus sign
        values = pc.replace_substring_regex(text, r"^\+", "").cast(kind)
    except pa.ArrowInvalid as error:
        for row, value in enumerate(text.to_pylist()):
            if value is not None and not _is_date(value):
                raise InputError(f"{where}: {rows.where(row)}: {value!r} is not a calendar date; {remedy}") from error
        raise InputError(f"{where}: {str(error).splitlines()[0]}; {remedy}") from error
    if pa.types.is_floating(kind) and (infinite := pc.is_inf(values).index(True).as_py()) >= 0:
        raise InputError(f"{where}: {rows.where(infinite)}: expected a number up to 1e308, found a larger one; {UNKNOWN}")
    return values


def _is_date(value: str) -> bool:
    try:
        return bool(datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value))
    except ValueError:
        return False


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)
