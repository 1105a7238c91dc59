"""Guess what the columns of a table are."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest
from stages.foundation.registry import component
from stages.own_data.delimited import OTHER_DELIMITERS
from stages.own_data.guesses import MODALITY_OF, Guess, Part, Values, count_values, free_label, modality_of, task_of
from stages.own_data.paths_inside import existing
from stages.own_data.source_rows import Rows
from stages.own_data.sources.table import DELIMITERS, TableSettings, open_rows

TARGETS = re.compile(r"(target|label|class|category|outcome|y|kind|species|diagnosis)s?", re.IGNORECASE)
GROUPS = re.compile(r"(.*[_ ])?(speaker|subject|patient|person|participant|user|author|customer|client|session|recording|group|brand|owner|"
                    r"device)([_ ]?(id|name|no|number))?", re.IGNORECASE)  # fmt: skip
IDS = re.compile(r"(.*[_ ])?(id|uuid|guid|key|index)|unnamed.*", re.IGNORECASE)
SPLITS = re.compile(r"split|subset|partition", re.IGNORECASE)
WORDY = 4  # words in a value, on average, from which a column is text
SOUNDS = (b"RIFF", b"fLaC", b"OggS", b"ID3")


def guess_table(path: str, target: str | None) -> Guess:
    """Return the entry for a table with one row per sample.

    Raises:
        InputError: if it cannot be read, or no column can be a target.
    """
    mark = _delimiter(path)
    rows = open_rows(TableSettings(table=path, delimiter=mark, missing=()), "PATH")
    columns = {name: _texts(rows, name) for name in rows.types}
    counted = {name: count_values(values) for name, values in columns.items() if values is not None}
    if target is not None and target not in rows.types:
        raise InputError(f"--target: {path} has no column {target!r}{nearest(target, rows.types)}; there are: {', '.join(rows.types)}")
    chosen = target or _guess_target(counted)
    wanted, why = _task(chosen, rows, counted)
    groups = [name for name in counted if name != chosen and GROUPS.fullmatch(name) and counted[name].n_different < counted[name].n]
    group = (groups[0], f"its name, and {counted[groups[0]].n_different} values in {counted[groups[0]].n} rows") if groups else (
        None, "no column is called speaker, subject, patient, user, …; name one if rows belong together")  # fmt: skip
    parts, notes = _parts(rows, columns, counted, {chosen, *groups[:1]})
    if not parts:
        raise InputError(f"{path}: no column is left to learn from")
    source = {"table": path, **({"delimiter": mark} if mark else {})}
    return Guess((source, f"{len(rows.ids)} rows, {len(rows.types)} columns"), (wanted, why), group, parts, notes)


def _task(chosen: str, rows: Rows, counted: dict[str, Values]) -> tuple[dict[str, Any], str]:
    if chosen not in counted:
        if pa.types.is_list(rows.types[chosen]) and pa.types.is_string(rows.types[chosen].value_type):
            return {"column": chosen, "task": "multilabel"}, "lists of texts"
        raise InputError(f"--target: column {chosen!r} holds {rows.types[chosen]}, which cannot be predicted")
    try:
        task, why = task_of(counted[chosen])
    except InputError:
        texts = [text for text in rows.read([chosen], None)[chosen].to_pylist() if isinstance(text, str)]
        if sum(";" in text for text in texts) < len(texts) / 10:
            raise
        return {"column": chosen, "task": "multilabel", "separator": ";"}, "a semicolon stands in many of its values"
    return {"column": chosen, "task": task}, why


def _guess_target(counted: dict[str, Values]) -> str:
    """Return the column called like a target, else the last one of classes, else the last one of numbers."""
    usable = []
    for name, values in counted.items():
        try:
            usable.append((bool(TARGETS.fullmatch(name)), component("tasks", task_of(values)[0]).form == "classes", name))
        except InputError:
            continue
    usable = [item for item in usable if item[0] or not (GROUPS.fullmatch(item[2]) or IDS.fullmatch(item[2]) or SPLITS.fullmatch(item[2]))]
    if not usable:
        raise InputError("no column holds classes or numbers that could be predicted; name one with --target")
    best = max(item[:2] for item in usable)
    return [item[2] for item in usable if item[:2] == best][-1]


def _parts(
    rows: Rows, columns: dict[str, list[str | None] | None], counted: dict[str, Values], used: set[str]
) -> tuple[list[Part], list[str]]:
    parts: list[Part] = []
    notes: list[str] = []
    plain: list[str] = []
    for name, kind in rows.types.items():
        if name in used:
            continue
        found = _content(name, kind, rows, columns[name])
        if found is not None:
            modality, why = found
            parts.append(Part(free_label(modality, [part.label for part in parts]), {"modality": modality, "column": name}, why))
        elif name not in counted:
            notes.append(f"{name} is left out: {kind}")
        elif left_out := _no_feature(name, counted[name]):
            notes.append(f"{name} is left out: {left_out}")
        else:
            plain.append(name)
    if plain:
        parts.append(Part("facts", {"modality": "table", "columns": plain}, "numbers and categories"))
    return parts, notes


def _no_feature(name: str, values: Values) -> str | None:
    if values.n_different < 2:
        return "it has one value" if values.n_different else "it is empty"
    if IDS.fullmatch(name) and values.n_different > 0.9 * values.n:
        return "it names the rows"
    if SPLITS.fullmatch(name):
        return "its name; if it says train or test, add `split: " + name + "`"
    if not values.numbers and values.n_different > 0.9 * values.n:
        return "nearly every value differs, as names do"
    return None


def _content(name: str, kind: pa.DataType, rows: Rows, texts: list[str | None] | None) -> tuple[str, str] | None:
    """Return the modality of a column that is none of numbers and categories, and why; else None."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or (pa.types.is_struct(kind) and "bytes" in [f.name for f in kind]):
        first = rows.read([name], np.array([0]))[name][0].as_py()
        raw = (first.get("bytes") if isinstance(first, dict) else first) or b""
        return ("audio" if raw.startswith(SOUNDS) else "image"), f"bytes that begin with {raw[:4]!r}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        depth, inner = 0, kind
        while pa.types.is_nested(inner) and not pa.types.is_struct(inner):
            depth, inner = depth + 1, inner.value_type
        number = pa.types.is_integer(inner) or pa.types.is_floating(inner)
        return {1: ("series", "lists of numbers"), 2: ("series", "lists of lists of numbers"),
                3: ("tactile", "lists of frames of numbers")}.get(depth) if number else None  # fmt: skip
    if texts is None or not pa.types.is_string(kind):
        return None
    there = [text for text in texts if text]
    files = [text for text in there if Path(text).suffix.lower() in MODALITY_OF and " " not in text.rpartition("/")[2].strip()]
    if there and len(files) > 0.9 * len(there):
        found = modality_of(files, rows.root)
        return (found[0], f"its values are names of files ({found[1]})") if found else None
    words = sum(len(text.split()) for text in there) / max(len(there), 1)
    if words >= WORDY and len(set(there)) > len(there) / 2:
        return "text", f"{words:.0f} words a row, {len(set(there))} of {len(there)} differ"
    return None


def _texts(rows: Rows, name: str) -> list[str | None] | None:
    kind = rows.types[name]
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    return [None if text is None else text.strip() for text in rows.read([name], None)[name].cast(pa.string()).to_pylist()]


def _delimiter(path: str) -> str | None:
    """Return what parts the cells of the first line, where it is not what the ending says."""
    expected = DELIMITERS.get(Path(path).suffix.lower())
    if expected is None:
        return None
    with existing(path, "PATH", folder=False).open("rb") as file:
        line = file.readline(2**16).decode("utf-8", errors="replace")
    counts: Sequence[tuple[int, str]] = [(line.count(mark), mark) for mark in (",", *OTHER_DELIMITERS)]
    most, mark = max(counts)
    return mark if most and mark != expected and not line.count(expected) else None
