"""Guess how a table's file is written: delimiter, encoding, decimal marks, dates, marks of missing values."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.params_file import parse
from stages.own_data.date_format import DateOrder, n_written, possible_orders
from stages.own_data.delimited import OTHER_DELIMITERS
from stages.own_data.guesses import Hints
from stages.own_data.number_format import NUMBER, PLAIN, NumberFormat, Reading, counted, plain_numbers, readings
from stages.own_data.paths_inside import existing
from stages.own_data.source_rows import SourceRows
from stages.own_data.sources.table import DELIMITERS, JSON, JSON_LINES, TableSourceSettings, open_rows
from stages.own_data.text_columns import MIXED
from stages.own_data.text_encoding import guessed_encoding
from stages.own_data.unpacked import table_ending, unpacked


def guess_source(path: str, hints: Hints) -> tuple[dict[str, Any], SourceRows, list[str]]:
    """Return the settings of a table's source, its rows, and notes on what was found.

    Raises:
        InputError: if it cannot be read, or a hint does not fit it.
    """
    source: dict[str, Any] = {"table": path} | ({"delimiter": mark} if (mark := _delimiter(path)) else {})
    if encoding := hints.encoding or (_encoding(path) if table_ending(Path(path)) in (*DELIMITERS, *JSON_LINES, *JSON) else None):
        source["encoding"] = encoding
    source |= {key: value for key, value in (("sheet", hints.sheet), ("header", hints.header)) if value is not None}
    source |= {key: value for key, value in (("missing", list(hints.missing)), ("types", dict(hints.types))) if value}
    rows = open_rows(parse(source, "PATH", TableSourceSettings), "PATH")
    written, notes = _number_settings(rows)
    if written:
        written["missing"] = [*hints.missing, *(mark for mark in written.get("missing", ()) if mark not in hints.missing)]
        source |= {key: value for key, value in written.items() if value}
        rows = open_rows(parse(source, "PATH", TableSourceSettings), "PATH")
    return source, rows, [*rows.notes, *notes]


def _number_settings(rows: SourceRows) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of the source with which columns of text are numeric that are not so as written, and a note for each column."""
    found: dict[str, list[Reading]] = {}
    texts: dict[str, pa.Array] = {}
    dates: dict[str, list[DateOrder]] = {}
    for name, kind in rows.types.items():
        if rows.written and pa.types.is_string(kind) and rows.declared.get(name) != "text":
            text = pc.utf8_trim_whitespace(rows.read([name], None)[name].combine_chunks())
            if n_written(text) >= MIXED * (len(text) - text.null_count) > 0:
                dates[name] = possible_orders(text)
            if not pc.all(pc.match_substring_regex(plain_numbers(text, PLAIN), NUMBER)).as_py() and (ways := readings(text, PLAIN)):
                found[name], texts[name] = ways, text
    # a column that can be read in one way decides for those that can be read in several
    formats = Counter(ways[0].number_format for ways in found.values() if len(ways) == 1 and ways[0].number_format != PLAIN)
    several = [way.number_format for ways in found.values() if len(ways) > 1 for way in ways]
    chosen = formats.most_common(1)[0][0] if formats else next((way for way in several if way.thousands), PLAIN)
    marks = Counter[str]()
    for ways in found.values():
        marks.update(ways[0].marks)
    notes = [f"{name}: {_read_as(ways, chosen, len(texts[name]) - texts[name].null_count)}" for name, ways in found.items()]
    settings = chosen.settings | ({"missing": [mark for mark, _ in marks.most_common()]} if marks else {})
    orders = sorted(dates.values(), key=len)
    if orders and orders[0]:
        settings["dates"] = orders[0][0]
        sure = "" if len(orders[0]) == 1 else "; month_first is as possible"
        notes += [f"{name}: dates that do not begin with the year, read {orders[0][0]}{sure}" for name in dates]
    return settings, notes


def _read_as(ways: Sequence[Reading], chosen: NumberFormat, n_known: int) -> str:
    """Return how a column is numeric, with counts, and what an ambiguous number is then."""
    mine = next((way for way in ways if way.number_format == chosen), ways[0])
    others = [f"{way.value} with {way.number_format.settings}" for way in ways if way is not mine]
    value = f"; {mine.example!r} is read as {mine.value}" if mine.number_format != PLAIN else ""
    return f"{counted(mine, PLAIN, n_known)}{value}{f' (it would be {others[0]})' if others else ''}"


def _encoding(path: str) -> str | None:
    """Return the likely encoding of a file that is not UTF-8, else None."""
    n_read = 0
    with unpacked(existing(path, "PATH", folder=False), path) as file:
        while chunk := file.read(2**24):
            if found := guessed_encoding(chunk[3:] if n_read else chunk):  # a character may be cut at the start
                return found
            n_read += len(chunk)
    return None


def _delimiter(path: str) -> str | None:
    """Return the delimiter of the first line if it differs from the ending's, else None."""
    expected = DELIMITERS.get(table_ending(Path(path)))
    if expected is None:
        return None
    with unpacked(existing(path, "PATH", folder=False), path) as file:
        line = file.readline(2**16).decode("utf-8", errors="replace")
    counts: Sequence[tuple[int, str]] = [(line.count(mark), mark) for mark in (",", *OTHER_DELIMITERS)]
    most, mark = max(counts)
    return mark if most and mark != expected and not line.count(expected) else None
