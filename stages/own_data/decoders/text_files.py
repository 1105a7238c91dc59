"""Text files in UTF-8: lines, cells of a line and numbers in cells; line by line, so that memory stays bounded."""

import csv
import io
import math
from collections.abc import Iterator

from stages.own_data.text_encoding import decoded

MAX_TEXT_BYTES = 64 * 2**20  # of one sample's text file
MAX_LINE = 2**20  # characters
MISSING = {"", "nan", "na", "n/a", "null"}


def characters(raw: bytes, encoding: str | None = None) -> str:
    """Return the text of a file, without the byte order mark (BOM) at its start.

    Args:
        encoding: of a file that is not UTF-8.
    Raises:
        ValueError: naming the first byte that cannot be decoded.
    """
    check_size(raw, MAX_TEXT_BYTES)
    return decoded(raw, encoding)


def check_size(raw: bytes, limit: int) -> None:
    """Raise ValueError if a file is too large to be read."""
    if len(raw) > limit:
        raise ValueError(f"a file of {len(raw):,} bytes; expected at most {limit:,} per sample; split it into several")


def lines(raw: bytes) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and content of every line that is not a comment (`#`), blank ones as "".

    Raises:
        ValueError: if the file is empty, not UTF-8, or a line is longer than MAX_LINE.
    """
    if not raw:
        raise ValueError("the file is empty (0 bytes)")
    file = io.StringIO(characters(raw), newline=None)
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ValueError(f"line {number} has more than {MAX_LINE:,} characters; expected one row of a table per line")
        stripped = line.strip()
        if not stripped.startswith("#"):
            yield number, line.rstrip("\n") if stripped else ""


def separator(line: str, suffix: str) -> str | None:
    """Return the separator of cells in a file's first line: a tab, `;`, `,` or (None) blanks."""
    if suffix == ".tsv":
        return "\t"
    for mark in (";", ",", "\t") if suffix == ".csv" else (";", ","):
        if mark in line:
            return mark
    return None


def split(line: str, mark: str | None, number: int) -> list[str]:
    """Return the cells of line `number`, stripped; quotes are respected.

    Raises:
        ValueError: if a quote is not closed.
    """
    if mark is None:
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(mark)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark, skipinitialspace=True, strict=True))]
    except csv.Error as error:
        raise ValueError(f"line {number} cannot be split into cells ({error}); close its quotes") from error


def to_number(cell: str) -> float | None:
    """Return the number in a cell, NaN if missing (empty, NaN, NA, null), None if not a number."""
    try:
        if "_" not in cell:  # Python would read 1_000 as a number
            return float(cell)
    except ValueError:
        pass
    return math.nan if cell.strip().lower() in MISSING else None
