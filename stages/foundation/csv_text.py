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
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(plain_cell, columns))
    writer.writerows(map(plain_cell, row) for row in rows)
    return buffer.getvalue()


def plain_cell(value: Any) -> Any:
    """Return a cell; an apostrophe stands before text that begins like a formula and is no number."""
    is_formula = isinstance(value, str) and re.match(FORMULA, value) and not re.match(NUMBER, value)
    return f"'{value}" if is_formula else value
