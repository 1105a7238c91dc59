"""A JSON file that holds a table: a list of objects, an object with one such list, or an object of columns."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.own_data.bounded_json import bounded_integer
from stages.own_data.foreign_formats import COCO, is_coco
from stages.own_data.json_lines import table_of_objects, unique_keys
from stages.own_data.text_encoding import text_lines

MAX_CHARACTERS = 2**29
_BLANK = re.compile(r"[ \t\r\n]*")
_EXPECTED = "expected a list of objects, one per sample: [{…}, {…}]"


def read_json(
    path: Path, name: str, missing: frozenset[str], declared: Mapping[str, str], encoding: str | None = None
) -> tuple[pa.Table, np.ndarray]:
    """Return the table and the number of each row, from 1, int64; arguments and values as for `read_json_lines`.

    An object is read as a table if one of its values is a list of objects and no other is a list (`{"data": [{…}, …]}`), or if all of them
    are lists of one length that hold no objects: its columns.

    Raises:
        InputError: with the element's number, as for `read_json_lines`, or if the file holds something else.
    """
    parts, size = [], 0
    for line in text_lines(path, name, encoding):
        size += len(line)
        if size > MAX_CHARACTERS:
            raise InputError(f"{name}: more than {MAX_CHARACTERS:,} characters, which are read as a whole; save it as JSON lines (.jsonl)")
        parts.append(line)
    text = "".join(parts)
    start = _end_of_blank(text, 0)
    if start == len(text):
        raise InputError(f"{name}: the file is empty; {_EXPECTED}")
    objects = _elements(text, start, name) if text[start] == "[" else _rows_of(text, start, name)
    return table_of_objects(objects, name, missing, declared, "element")


def _elements(text: str, start: int, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and object of each element of the list that begins at `start`; one is in memory at a time."""
    place, number = _end_of_blank(text, start + 1), 0
    while number or text[place : place + 1] != "]":
        number += 1
        value, place = _parsed(text, place, name, f"element {number}: ")
        yield number, _object(value, number, name)
        place = _end_of_blank(text, place)
        if text[place : place + 1] == "]":
            break
        if text[place : place + 1] != ",":
            found = repr(text[place : place + 20]) if place < len(text) else "the end of the file: is it cut off?"
            raise InputError(f"{name}: after element {number} (line {_line(text, place)}): expected ',' or ']', found {found}")
        place = _end_of_blank(text, place + 1)
    _refuse_rest(text, place + 1, name)


def _rows_of(text: str, start: int, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and object of each row of a file that is no list."""
    value, end = _parsed(text, start, name, "")
    _refuse_rest(text, end, name)
    if not isinstance(value, dict):
        raise InputError(f"{name}: holds {text.strip()[:40]!r}; {_EXPECTED}")
    lists = {key: item for key, item in value.items() if isinstance(item, list)}
    of_objects = [key for key, items in lists.items() if items and all(isinstance(item, dict) for item in items)]
    if len(lists) == len(of_objects) == 1:
        yield from ((number, _object(item, number, name)) for number, item in enumerate(lists[of_objects[0]], 1))
    elif lists and not of_objects and len(lists) == len(value) and len({len(items) for items in lists.values()}) == 1:
        for number, cells in enumerate(zip(*lists.values(), strict=True), 1):
            yield number, _object(dict(zip(lists, cells, strict=True)), number, name)
    elif is_coco(value.keys()):
        raise InputError(f"{name}: holds {COCO}")
    else:
        keys = ", ".join(f"{key}: {_kind(item)}" for key, item in list(value.items())[:6]) + (", …" if len(value) > 6 else "")
        raise InputError(f"{name}: an object of {len(value)} keys ({keys}), of which it is not clear what the samples are; {_EXPECTED}, an "
                         "object with one such list, or one of lists of one length, its columns (in pandas: "
                         "`to_json(path, orient='records')`)")


def _parsed(text: str, place: int, name: str, what: str) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except json.JSONDecodeError as error:
        cut = "; is the file cut off?" if error.pos >= len(text) else ""
        raise InputError(f"{name}: {what}line {error.lineno}: {error.msg}{cut}") from error
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"{name}: {what}{why}; {_EXPECTED}") from error


def _object(value: Any, number: int, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name}: element {number}: is {_kind(value)} ({json.dumps(value, ensure_ascii=False)[:40]}); {_EXPECTED}")
    return value


def _refuse_rest(text: str, place: int, name: str) -> None:
    end = _end_of_blank(text, place)
    if end < len(text):
        raise InputError(f"{name}: line {_line(text, end)}: the JSON ends before {text[end : end + 40]!r}; if each line is an object, call "
                         "the file .jsonl")


def _end_of_blank(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


_DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_int=bounded_integer)
