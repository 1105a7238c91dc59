"""CSV that a spreadsheet can open: no text of the data becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

# What spreadsheets take for the beginning of a formula (owasp.org/www-community/attacks/CSV_Injection); a number stays one.
FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV with a header line and \\n line ends; text that a spreadsheet would calculate gets an apostrophe."""
    return "".join(_line(row) for row in (columns, *rows))


def _line(row: Iterable[Any]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(map(plain_cell, row))  # a cell is quoted if it holds one of these
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def plain_cell(value: Any) -> Any:
    """Return a cell; an apostrophe stands before text that begins like a formula and is no number."""
    is_formula = isinstance(value, str) and re.match(FORMULA, value) and not re.match(NUMBER, value)
    return f"'{value}" if is_formula else value
