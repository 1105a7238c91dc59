"""A sheet of an Excel workbook as a table: the first row with cells names the columns, and each column has the type of its cells."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest
from stages.own_data.unicode_forms import normal
from stages.own_data.workbook_parts import Extent, Sheet, Workbook, open_workbook, parsed_range

DIGITS = 9  # after the point, to which the library writes numbers as text
MIDNIGHT = r"^(\d{4}-\d\d-\d\d) 00:00:00$"
FIRST_DAYS = {"1899-12-30", "1899-12-31"}  # of a time of day: Excel counts days from there


def read_workbook(
    path: Path, name: str, sheet: str | None, header: int | None, missing: frozenset[str], texts: frozenset[str]
) -> tuple[pa.Table, np.ndarray, str, list[str]]:
    """Return the table, the number of each row in the sheet, int64, the sheet's name, and notes on what is left out or missing.

    Args:
        name: the file's name in messages. sheet: which; None: the only one with data.
        header: number of the row that names the columns; None: the first row with cells.
        missing: texts that count as missing, in addition to empty cells and errors. texts: columns that are read as text.
    Raises:
        InputError: if it cannot be read, there are several sheets, or the header is none.
    """
    workbook = open_workbook(path, name)
    chosen = _chosen(workbook, name, sheet)
    if chosen.extent is None:
        raise InputError(f"{name}: {chosen.name!r} is a sheet without cells, such as a chart; name another with `sheet:`")
    where = f"{name}: sheet {chosen.name!r}"
    reader = _reader(workbook, chosen.name, where)
    raw = reader.load("string")
    is_filled = np.any([column.is_valid().to_pylist() for column in raw.columns], axis=0)
    row = _header_row(np.flatnonzero(is_filled) + 1, header, where)
    names, kept = _names(raw, row, chosen.extent, where)
    filled = np.flatnonzero(is_filled[row:])
    if not len(filled):
        raise InputError(f"{where}: there is no row below the header (row {row}); expected one per sample")
    columns = reader.typed(raw.slice(row), row, [name in texts for name in names])
    table = pa.table({names[i]: _known(columns[i].take(pa.array(filled)), missing) for i in kept})
    return table, filled + row + 1, chosen.name, _notes(chosen.extent, row, where)


def _chosen(workbook: Workbook, name: str, wanted: str | None) -> Sheet:
    every = {sheet.name: sheet for sheet in workbook.sheets}
    if wanted is not None:
        if wanted not in every:
            raise InputError(f"{name}: no sheet {wanted!r}{nearest(wanted, every)}; there are: {', '.join(map(repr, every))}")
        return every[wanted]
    full = [sheet for sheet in workbook.sheets if not sheet.is_hidden and sheet.extent is not None and sheet.extent.first_row]
    if len(full) == 1:
        return full[0]
    if not full:
        raise InputError(f"{name}: no visible sheet has a cell with a value; there are: {', '.join(map(repr, every))}")
    raise InputError(f"{name}: {len(full)} sheets have cells: {', '.join(repr(sheet.name) for sheet in full)}; name the one whose rows are "
                     f"the samples, such as `sheet: {full[0].name}` in the source (`make new`: --sheet)")


class SheetReader:
    """Reads one sheet of a workbook, from the first column with a value on."""

    def __init__(self, excel: Any, sheet: str, where: str) -> None:
        self._excel, self._sheet, self._where = excel, sheet, where

    def load(self, kind: Any, skip: int = 0) -> pa.RecordBatch:
        """Return the cells of all columns, those that cannot be of the kind as null; kind None: guessed of all cells of a column."""
        import fastexcel

        logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it reports each empty column
        try:
            sheet = self._excel.load_sheet(self._sheet, header_row=None, skip_rows=skip, schema_sample_rows=None, dtypes=kind)
            found: pa.RecordBatch = sheet.to_arrow()
        except fastexcel.FastExcelError as error:
            raise _damaged(self._where, error) from error
        return found

    def typed(self, texts: pa.RecordBatch, skip: int, as_text: Sequence[bool]) -> list[pa.Array]:
        """Return the columns below the header with the type of their cells; those of mixed cells, and those to be text, as text."""
        found = self.load(None, skip)
        # the library takes texts such as "n/a" among numbers for missing cells: what is missing is declared, never guessed
        mixed = [as_text[i] or pa.types.is_string(column.type) or column.null_count > texts.column(i).null_count
                 for i, column in enumerate(found.columns)]  # fmt: skip
        exact = self.load("float", skip) if any(mixed) else None
        return [exact_text(texts.column(i), exact.column(i)) if is_mixed and exact is not None else plain_column(found.column(i))
                for i, is_mixed in enumerate(mixed)]  # fmt: skip


def _reader(workbook: Workbook, sheet: str, where: str) -> SheetReader:
    import fastexcel  # here: only workbooks need it

    try:
        return SheetReader(fastexcel.read_excel(workbook.packed), sheet, where)
    except fastexcel.FastExcelError as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> InputError:
    return InputError(f"{where}: cannot be read ({str(error).splitlines()[0]}); open it in Excel and save it again, or the sheet as CSV")


def _header_row(filled: np.ndarray, header: int | None, where: str) -> int:
    """Return the number of the row that names the columns, of those with cells, from 1."""
    if not len(filled):
        raise InputError(f"{where}: has no cell with a value; expected a header and a row per sample")
    if header is not None and header not in filled:
        raise InputError(f"{where}: header: row {header} has no cells; there are some in rows {filled[0]} to {filled[-1]}")
    return int(filled[0]) if header is None else header


def _names(raw: pa.RecordBatch, row: int, extent: Extent, where: str) -> tuple[list[str], list[int]]:
    """Return the name of each column, and which are kept: those with a name; raise InputError if one with cells has none."""
    cells = [column[row - 1].as_py() for column in raw.columns]
    merged = [found for text in extent.merged if (found := parsed_range(text))]
    offset = max(extent.first_column, 1) - 1  # the grid begins there
    for first, left, last, right in merged:  # merged from above: the header's name is in the first of them
        column = left - 1 - offset
        if first < row <= last and left == right and 0 <= column < len(cells):
            cells[column] = cells[column] or raw.column(column)[first - 1].as_py()
    names = [normal(cell or "") for cell in cells]
    below = raw.slice(row)
    kept = [i for i, name in enumerate(names) if name]
    nameless = [i for i, name in enumerate(names) if not name and below.column(i).null_count < len(below)]
    if nameless:
        letters = _letters(nameless[0] + offset)
        span = next((text for text, found in zip(extent.merged, map(parsed_range, extent.merged), strict=True)
                     if found and found[0] <= row <= found[2] and found[1] <= nameless[0] + offset + 1 <= found[3]), None)
        what = f" (it is part of the merged cell {span})" if span else ""
        raise InputError(f"{where}: row {row}: column {letters} has no name{what}; every column needs a name of its own in the header, "
                         "which is the first row with cells, or the row of `header:` (`make new`: --header)")
    if repeated := [name for name, count in Counter(names[i] for i in kept).items() if count > 1]:
        raise InputError(f"{where}: row {row}: column {repeated[0]!r} occurs {names.count(repeated[0])} times; every column needs a name "
                         "of its own")
    return names, kept


def _letters(place: int) -> str:
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(65 + place % 26)


def plain_column(values: pa.Array) -> pa.Array:
    """Return numbers that are all whole as int64, times that are all midnight as dates, times of day as text, spans of time as seconds."""
    kind = values.type
    if pa.types.is_floating(kind):
        floats = np.from_dlpack(pc.fill_null(values, 0.0))
        is_whole = np.isfinite(floats).all() and (np.abs(floats) < 2**53).all() and (floats == np.floor(floats)).all()
        return values.cast(pa.int64()) if is_whole else values
    if pa.types.is_duration(kind):
        return pc.divide(values.cast(pa.duration("ms")).cast(pa.int64()).cast(pa.float64()), 1000.0)
    if pa.types.is_timestamp(kind):
        days = pc.floor_temporal(values, unit="day").cast(pa.date32())
        if set(map(str, days.drop_null().unique().to_pylist())) <= FIRST_DAYS and days.null_count < len(days):
            return pc.strftime(values.cast(pa.timestamp("s"), safe=False), "%H:%M:%S")
        is_midnight = pc.all(pc.equal(days.cast(kind), values)).as_py() is not False
        return days if is_midnight else values.cast(pa.timestamp("us"))
    return values.cast(pa.string()) if pa.types.is_null(kind) else values


def exact_text(texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """Return cells as text with all digits of the numbers among them, which the library rounds to DIGITS, and dates without a time.

    Args:
        texts: string, as the library writes cells. numbers: float64, null where a cell is none.
    """
    cells = pc.replace_substring_regex(texts, MIDNIGHT, r"\1").to_pylist()
    for row, (text, number) in enumerate(zip(cells, numbers.to_pylist(), strict=True)):
        read = None if text is None or number is None else _float(text)
        if read is not None and read != number and round(number, DIGITS) == read:
            cells[row] = repr(number)
    return pa.array(cells, pa.string())


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _known(values: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Return text with null where it is empty or a mark of missing values; other columns as they are."""
    if not pa.types.is_string(values.type):
        return values
    return pc.if_else(pc.is_in(values, value_set=pa.array(["", *sorted(missing)])), pa.scalar(None, pa.string()), values)


def _notes(extent: Extent, header: int, where: str) -> list[str]:
    notes = []
    if extent.n_errors:
        notes.append(f"{where}: {extent.n_errors} cell(s) with an error such as #N/A count as missing (the first is {extent.errors[0]})")
    if extent.n_unsaved:
        notes.append(f"{where}: {extent.n_unsaved} formula(s) without a saved value count as missing (the first is {extent.unsaved[0]}); "
                     "open it in Excel and save it")
    n_merged = sum(found[2] > header for text in extent.merged if (found := parsed_range(text)))
    if n_merged:
        notes.append(f"{where}: {n_merged} merged cell(s) below the header: only the first cell of each has its value, the others are "
                     "missing; unmerge and fill them if they should have it")
    return notes
