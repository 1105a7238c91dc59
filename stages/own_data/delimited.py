"""Delimited text (CSV, TSV) as columns of text: cells unchanged, empty cells missing, every row checked for its width."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.own_data.text_encoding import text_lines
from stages.own_data.unicode_forms import normal

if TYPE_CHECKING:
    import _csv

MAX_CELL_CHARACTERS = 2**24
BATCH_ROWS = 4096
OTHER_DELIMITERS = (";", "\t", "|")


def read_delimited(
    path: Path, name: str, delimiter: str, missing: frozenset[str], encoding: str | None = None
) -> tuple[pa.Table, np.ndarray, list[str]]:
    """Return the table, all of its columns string, the line on which each row ends, int64, and notes on what is left out.

    An unnamed first column that counts the rows, as data frames write it, is left out.

    Args:
        name: the file's name in messages.
        missing: cells that count as missing, in addition to empty ones.
        encoding: as for `text_lines`.
    Raises:
        InputError: with the line, if the text cannot be decoded, the header repeats a name, or a row has more or fewer cells than it.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    batches: list[pa.RecordBatch] = []
    lines: list[int] = []
    reader = csv.reader(text_lines(path, name, encoding), delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader, []), name, delimiter)
        rows: list[list[str | None]] = []
        for line, cells in _checked_rows(reader, header, name):
            rows.append([None if cell == "" or cell in missing else cell for cell in cells])
            lines.append(line)
            if len(rows) == BATCH_ROWS:
                batches.append(_batch(rows, header))
                rows = []
    except csv.Error as error:
        raise InputError(f"{name}: line {reader.line_num}: {error}; is a quote left open?") from error
    batches.append(_batch(rows, header))
    table = pa.Table.from_batches(batches)
    if header[0]:
        return table, np.array(lines, dtype=np.int64), []
    if not _counts_rows(table[""]):
        raise InputError(f"{name}: line 1: the first column has no name; every column needs a name of its own")
    note = f"{name}: the first column has no name and counts the rows, so it is left out"
    return table.drop_columns([""]), np.array(lines, dtype=np.int64), [note]


def _counts_rows(column: pa.ChunkedArray) -> bool:
    """Return whether a column holds 0, 1, 2, … or 1, 2, 3, …."""
    cells = column.to_pylist()
    return any(all(cell == str(first + row) for row, cell in enumerate(cells)) for first in (0, 1))


def _checked_rows(reader: "_csv.Reader", header: list[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row ends and its cells; raise InputError where their number differs from the header's."""
    number = 0
    for row in reader:
        if not row and len(header) > 1:
            continue  # a blank line
        number += 1
        cells = row or [""]
        if len(cells) != len(header):
            names = ", ".join(header[:8]) + (", …" if len(header) > 8 else "")
            where = f"{name}: line {reader.line_num} (row {number})"
            raise InputError(f"{where} has {len(cells)} cells, the header has {len(header)} ({names}); add the missing cells, or put "
                             " quotes around a cell that holds the delimiter")
        yield reader.line_num, cells


def _batch(rows: list[list[str | None]], header: list[str]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=header)


def _header(cells: list[str], name: str, delimiter: str) -> list[str]:
    header = [normal(cell) for cell in cells]
    if not any(header):
        raise InputError(f"{name}: the file is empty; its first line must name the columns")
    if len(header) == 1 and delimiter not in cells[0]:
        other = next((mark for mark in OTHER_DELIMITERS if mark in cells[0]), None)
        if other is not None:
            raise InputError(f"{name}: line 1 has no {delimiter!r} but {other!r}; add `delimiter: {other!r}` to the source")
    repeated = [cell for cell, count in Counter(header).items() if count > 1]
    if repeated or not all(header[1:]):
        what = f"column {repeated[0]!r} occurs {header.count(repeated[0])} times" if repeated and repeated[0] else "a column has no name"
        raise InputError(f"{name}: line 1: {what}; every column needs a name of its own")
    return header
