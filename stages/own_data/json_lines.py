"""JSON lines: an object per line, its keys are the fields; a field holds values of one kind."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.own_data.bounded_json import load_json
from stages.own_data.text_encoding import text_lines
from stages.own_data.unicode_forms import normal
from stages.own_data.unpacked_size import plain_type

BATCH_ROWS = 1024
KINDS = {bool: "truth value", int: "number", float: "number", str: "text", list: "list", dict: "object"}


def read_json_lines(
    path: Path, name: str, missing: frozenset[str], declared: Mapping[str, str], encoding: str | None = None
) -> tuple[pa.Table, np.ndarray]:
    """Return the table (a key that a line lacks is null) and the line of each row, int64.

    Args:
        name: the file's name in messages.
        missing: texts that count as missing.
        declared: field → type; in a field of type `text`, numbers and truth values become text.
        encoding: as for `text_lines`.
    Raises:
        InputError: with the line, if it is not an object, repeats a key, or holds a value of another kind than an earlier line.
    """
    first: dict[str, tuple[str, int]] = {}
    tables: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, value in _objects(path, name, encoding):
        row = {key: _cell(item, missing, as_text=declared.get(key) == "text") for key, item in value.items()}
        _check_kinds(row, first, f"{name}: line {number}", number)
        rows.append(row)
        lines.append(number)
        if len(rows) == BATCH_ROWS:
            tables.append(_table(rows, list(first), name, lines))
            rows = []
    if not lines:
        raise InputError(f"{name}: the file is empty; expected a JSON object per line")
    tables.append(_table(rows, list(first), name, lines))
    try:
        return pa.concat_tables(tables, promote_options="permissive"), np.array(lines, dtype=np.int64)
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise InputError(f"{name}: a field holds lists or objects of different kinds ({error}); make them one kind") from error


def _cell(item: Any, missing: frozenset[str], *, as_text: bool) -> Any:
    if isinstance(item, str) and item in missing:
        return None
    return json.dumps(item) if as_text and isinstance(item, bool | int | float) else item


def _check_kinds(row: Mapping[str, Any], first: dict[str, tuple[str, int]], where: str, number: int) -> None:
    """Raise InputError where a value is of another kind than the first of its field; `first`: field → kind and line, extended."""
    for key, item in row.items():
        if item is None:
            continue
        kind = KINDS[type(item)]
        earlier, line = first.setdefault(key, (kind, number))
        if earlier != kind:
            raise InputError(f"{where}: {key!r} is a {kind} here but a {earlier} on line {line}; make them one kind, or add "
                             f"`types: {{{key}: text}}` to the source")


def _table(rows: list[dict[str, Any]], fields: list[str], name: str, lines: list[int]) -> pa.Table:
    columns = {}
    for field in fields:
        try:
            values = pa.array([row.get(field) for row in rows])
            plain_type(values.type)  # raises if it is nested too deeply
        except (pa.ArrowException, OverflowError, ValueError) as error:
            where = f"{name}: lines {lines[-len(rows)]} to {lines[-1]}: {field!r}"
            why = str(error).splitlines()[0]
            raise InputError(f"{where}: {why}; expected values of one kind, and numbers that fit 64 bits") from error
        if pa.types.is_floating(values.type) and (infinite := pc.is_inf(values).index(True).as_py()) >= 0:
            line = lines[infinite - len(rows)]
            raise InputError(f"{name}: line {line}: {field!r} is a number beyond 1e308; fix it; if it is unknown, write null")
        columns[field] = values
    return pa.table(columns)


def _objects(path: Path, name: str, encoding: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text_lines(path, name, encoding), 1):
        if not line.strip():
            continue
        try:
            value = load_json(line, _unique)
        except ValueError as error:
            raise InputError(f"{name}: line {number}: {error}; expected a JSON object per line") from error
        if not isinstance(value, dict):
            raise InputError(f"{name}: line {number}: expected a JSON object, found {line[:40]!r}")
        yield number, value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {normal(key): value for key, value in pairs}
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found
