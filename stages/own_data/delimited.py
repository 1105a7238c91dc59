"""Delimited text (CSV, TSV) as columns of text: every cell as it stands, an empty one missing, every row checked for its width."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError

MAX_CELL_CHARACTERS = 2**24
ROWS_AT_ONCE = 4096
OTHER_DELIMITERS = (";", "\t", "|")


def read_delimited(path: Path, name: str, delimiter: str, missing: frozenset[str]) -> tuple[pa.Table, np.ndarray]:
    """Return the table, all of its columns string, and the line on which each row ends, int64.

    Args:
        name: what the file is called in messages.
        missing: cells that count as missing beside the empty one.
    Raises:
        InputError: with the line, if the text is not UTF-8, the header repeats a name, or a row has more or fewer cells than it.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    pieces: list[pa.RecordBatch] = []
    lines: list[int] = []
    with path.open("rb") as file:
        reader = csv.reader(_decoded(file, name), delimiter=delimiter, strict=True)
        try:
            header = _header(next(reader, []), name, delimiter)
            rows: list[list[str | None]] = []
            for row in reader:
                if len(row) != len(header):
                    if not row and len(header) > 1:
                        continue  # a blank line
                    row = row or [""]
                    if len(row) != len(header):
                        raise InputError(_ragged(row, header, name, reader.line_num, len(lines) + 1))
                rows.append([None if cell == "" or cell in missing else cell for cell in row])
                lines.append(reader.line_num)
                if len(rows) == ROWS_AT_ONCE:
                    pieces.append(_batch(rows, header))
                    rows = []
        except csv.Error as error:
            raise InputError(f"{name}: line {reader.line_num}: {error}; is a quote left open?") from error
    pieces.append(_batch(rows, header))
    return pa.Table.from_batches(pieces), np.array(lines, dtype=np.int64)


def _ragged(row: list[str], header: list[str], name: str, line: int, number: int) -> str:
    return (f"{name}: line {line} (row {number}) has {len(row)} cells, the header has {len(header)} ({', '.join(header[:8])}"
            f"{', …' if len(header) > 8 else ''}); add what is missing, or put quotes around a cell that holds the delimiter")


def _batch(rows: list[list[str | None]], header: list[str]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=header)


def _header(cells: list[str], name: str, delimiter: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise InputError(f"{name}: the file is empty; its first line must name the columns")
    if len(header) == 1 and delimiter not in cells[0]:
        other = next((mark for mark in OTHER_DELIMITERS if mark in cells[0]), None)
        if other is not None:
            raise InputError(f"{name}: line 1 has no {delimiter!r} but {other!r}; add `delimiter: {other!r}` to the source")
    repeated = [cell for cell, count in Counter(header).items() if count > 1]
    if repeated or not all(header):
        what = f"column {repeated[0]!r} stands {header.count(repeated[0])} times" if repeated and repeated[0] else "a column has no name"
        raise InputError(f"{name}: line 1: {what}; every column needs a name of its own")
    return header


def _decoded(file: Iterator[bytes], name: str) -> Iterator[str]:
    before = 0
    for number, line in enumerate(file):
        try:
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}: line {number + 1}: not UTF-8: byte {before + error.start} is 0x{line[error.start]:02x}; save the "
                             "file as UTF-8") from error
        before += len(line)
