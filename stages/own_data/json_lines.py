"""JSON lines: an object per line, its keys the fields; a field holds values of one kind."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError

ROWS_AT_ONCE = 1024
KINDS = {bool: "truth value", int: "number", float: "number", str: "text", list: "list", dict: "object"}


def read_json_lines(path: Path, name: str, missing: frozenset[str], declared: Mapping[str, str]) -> tuple[pa.Table, np.ndarray]:
    """Return the table (a key that a line lacks is null) and the line of each row, int64.

    Args:
        name: what the file is called in messages.
        missing: texts that count as missing.
        declared: fields → type; of `text`, numbers and truth values count as written.
    Raises:
        InputError: with the line, if it is not an object, repeats a key, or holds a value of another kind than a line before it.
    """
    first: dict[str, tuple[str, int]] = {}
    tables: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, value in _objects(path, name):
        for key, item in value.items():
            if isinstance(item, str) and item in missing:
                value[key] = None
            elif declared.get(key) == "text" and isinstance(item, bool | int | float):
                value[key] = json.dumps(item)
            if value[key] is None:
                continue
            kind = KINDS[type(value[key])]
            before, line = first.setdefault(key, (kind, number))
            if before != kind:
                raise InputError(f"{name}: line {number}: {key!r} is a {kind} here but a {before} on line {line}; make them one kind, or "
                                 f"add `types: {{{key}: text}}` to the source")
        rows.append(value)
        lines.append(number)
        if len(rows) == ROWS_AT_ONCE:
            tables.append(_table(rows, list(first), name, lines))
            rows = []
    if not lines:
        raise InputError(f"{name}: the file is empty; expected a JSON object per line")
    tables.append(_table(rows, list(first), name, lines))
    try:
        return pa.concat_tables(tables, promote_options="permissive"), np.array(lines, dtype=np.int64)
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise InputError(f"{name}: a field holds lists or objects of different kinds ({error}); make them one kind") from error


def _table(rows: list[dict[str, Any]], fields: list[str], name: str, lines: list[int]) -> pa.Table:
    columns = {}
    for field in fields:
        try:
            columns[field] = pa.array([row.get(field) for row in rows])
        except (pa.ArrowException, OverflowError, ValueError) as error:
            where = f"{name}: lines {lines[-len(rows)]} to {lines[-1]}: {field!r}"
            why = str(error).splitlines()[0]
            raise InputError(f"{where}: {why}; expected values of one kind, and numbers that fit 64 bits") from error
    return pa.table(columns)


def _objects(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                value = json.loads(text, object_pairs_hook=_unique)
            except UnicodeDecodeError as error:
                wrong = f"byte {error.start} of the line is 0x{line[error.start]:02x}"
                raise InputError(f"{name}: line {number}: not UTF-8: {wrong}; save the file as UTF-8") from error
            except (ValueError, RecursionError) as error:
                raise InputError(f"{name}: line {number}: {error or 'nested too deeply'}; expected a JSON object per line") from error
            if not isinstance(value, dict):
                raise InputError(f"{name}: line {number}: expected a JSON object, found {line[:40]!r}")
            yield number, value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found
