"""Guess what the columns of a table are."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest, parse
from stages.foundation.registry import component
from stages.own_data.date_format import DateOrder, n_written, possible_orders
from stages.own_data.delimited import OTHER_DELIMITERS
from stages.own_data.guesses import MAX_CLASSES, MODALITY_OF, Guess, GuessedModality, Values, count_values, free_name, modality_of, task_of
from stages.own_data.number_format import NUMBER, PLAIN, NumberFormat, Reading, counted, plain_numbers, readings
from stages.own_data.official_splits import is_split
from stages.own_data.paths_inside import existing
from stages.own_data.source_rows import SourceRows
from stages.own_data.sources.table import DELIMITERS, JSON, JSON_LINES, TableSourceSettings, open_rows
from stages.own_data.text_columns import DATE, MIXED, TIMESTAMP
from stages.own_data.text_encoding import guessed_encoding
from stages.own_data.unpacked import table_ending, unpacked

TARGETS = re.compile(r"(target|label|class|cls|category|outcome|y|kind|species|diagnosis)s?", re.IGNORECASE)
GROUPS = re.compile(r"(.*[_ ])?(speaker|subject|patient|person|participant|user|author|customer|client|session|recording|group|brand|owner|"
                    r"device)([_ ]?(id|name|no|number))?", re.IGNORECASE)  # fmt: skip
IDS = re.compile(r"(.*[_ ])?(id|uuid|guid|key|index)|unnamed.*", re.IGNORECASE)
SPLIT_NAMES = re.compile(r"(.*[_ ])?(split|subset|partition|part|fold|set|phase|stage)", re.IGNORECASE)
ROWS_OF_A_CLASS = 8  # on average; a column with fewer names customers, days or the like
SEPARATORS = (";", "|", ", ", ",", "/")  # of labels in a cell
MIN_WORDS_OF_TEXT = 4  # words in a value, on average, from which a column is text
AUDIO_MAGIC = (b"RIFF", b"fLaC", b"OggS", b"ID3")


def guess_table(path: str, target: str | None) -> Guess:
    """Return the entry for a table with one row per sample.

    Raises:
        InputError: if it cannot be read, or no column can be a target.
    """
    source: dict[str, Any] = {"table": path} | ({"delimiter": mark} if (mark := _delimiter(path)) else {})
    if table_ending(Path(path)) in (*DELIMITERS, *JSON_LINES, *JSON) and (encoding := _encoding(path)):
        source["encoding"] = encoding
    rows = open_rows(parse(source, "PATH", TableSourceSettings), "PATH")
    written, notes_on_numbers = _number_settings(rows)
    if written:
        source |= written
        rows = open_rows(parse(source, "PATH", TableSourceSettings), "PATH")
    return guess_rows(source, rows, path, target, notes_on_numbers)


def guess_rows(source: dict[str, Any], rows: SourceRows, path: str, target: str | None, notes_on_source: Sequence[str]) -> Guess:
    """Return the entry for a source that is opened already.

    Raises:
        InputError: if no column can be a target.
    """
    columns = {name: _texts(rows, name) for name in rows.types}
    counted = {name: count_values(values) for name, values in columns.items() if values is not None}
    if target is not None and target not in rows.types:
        raise InputError(f"--target: {path} has no column {target!r}{nearest(target, rows.types)}; there are: {', '.join(rows.types)}")
    chosen = target or _guess_target(counted)
    wanted, why = _task(chosen, rows, counted)
    split = next((name for name in counted if name != chosen and SPLIT_NAMES.fullmatch(name) and is_split(_distinct(columns[name]))), None)
    groups = [name for name in counted if name != chosen and GROUPS.fullmatch(name) and counted[name].n_different < counted[name].n]
    group = (groups[0], f"its name, and {counted[groups[0]].n_different} values in {counted[groups[0]].n} rows") if groups else (
        None, "no column is called speaker, subject, patient, user, …; name one if rows belong together")  # fmt: skip
    modalities, notes = _modalities(rows, columns, counted, {chosen, *groups[:1], *([split] if split else [])})
    if not modalities:
        raise InputError(f"{path}: no column is left for features; expected one other than target and group")
    about = f"{len(rows.ids)} rows, {len(rows.types)} columns"
    parts = (split, f"an official split: {', '.join(sorted(_distinct(columns[split])))}") if split else None
    return Guess((source, about), (wanted, why), group, modalities, [*rows.notes, *notes_on_source, *notes], parts)


def _number_settings(rows: SourceRows) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of the source with which columns of text are numeric that are not so as written, and a note for each column."""
    found: dict[str, list[Reading]] = {}
    texts: dict[str, pa.Array] = {}
    dates: dict[str, list[DateOrder]] = {}
    for name, kind in rows.types.items():
        if rows.written and pa.types.is_string(kind):
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


def _distinct(values: list[str | None] | None) -> set[str]:
    return {value for value in values or () if value}


def _task(chosen: str, rows: SourceRows, counted: dict[str, Values]) -> tuple[dict[str, Any], str]:
    if chosen not in counted:
        if pa.types.is_list(rows.types[chosen]) and pa.types.is_string(rows.types[chosen].value_type):
            return {"column": chosen, "task": "multilabel"}, "lists of texts"
        raise InputError(f"--target: column {chosen!r} holds {rows.types[chosen]}, which cannot be predicted")
    texts = [text for text in rows.read([chosen], None)[chosen].to_pylist() if isinstance(text, str)]
    if mark := _separator(texts):
        return {"column": chosen, "task": "multilabel", "separator": mark}, f"many of its values are several labels with {mark!r} between"
    task, why = task_of(counted[chosen])
    return {"column": chosen, "task": task}, why


def _separator(texts: Sequence[str]) -> str | None:
    """Return the mark between labels, if values are lists of labels: of different lengths, some of which are part of others."""
    values = Counter(texts)
    for mark in SEPARATORS:
        lists = [frozenset(part.strip() for part in value.split(mark) if part.strip()) for value in values]
        several = sum(count for value, count in values.items() if mark in value)
        labels = {label for found in lists for label in found}
        shorter = [found for found in lists if any(found < other for other in lists)]
        if several >= len(texts) / 10 and shorter and len(labels) <= min(MAX_CLASSES, len(texts) / 2):
            return mark
    return None


def _guess_target(counted: dict[str, Values]) -> str:
    """Return the column called like a target, else the last column of classes with several rows each, of classes, or of numbers."""
    usable = []
    for name, values in counted.items():
        try:
            is_classes = component("tasks", task_of(values)[0]).form == "classes"
        except InputError:
            continue
        is_frequent = is_classes and values.n >= ROWS_OF_A_CLASS * values.n_different
        usable.append((bool(TARGETS.fullmatch(name)), is_frequent, is_classes, name))
    usable = [item for item in usable if item[0] or not any(kind.fullmatch(item[-1]) for kind in (GROUPS, IDS, SPLIT_NAMES))]
    if not usable:
        raise InputError("no column holds classes or numbers to predict; name one with --target")
    best = max(item[:-1] for item in usable)
    return [item[-1] for item in usable if item[:-1] == best][-1]


def _modalities(
    rows: SourceRows, columns: dict[str, list[str | None] | None], counted: dict[str, Values], used: set[str]
) -> tuple[list[GuessedModality], list[str]]:
    modalities: list[GuessedModality] = []
    notes: list[str] = []
    plain: list[str] = []
    for name, kind in rows.types.items():
        if name in used:
            continue
        found = _content(name, kind, rows, columns[name])
        if found is not None:
            modality, why = found
            taken = [other.name for other in modalities]
            modalities.append(GuessedModality(free_name(modality, taken), {"modality": modality, "column": name}, why))
        elif name not in counted:
            notes.append(f"{name} is not used: {kind}")
        elif not _is_date(columns[name]) and (reason := _no_feature(name, counted[name])):
            notes.append(f"{name} is not used: {reason}")
        else:
            plain.append(name)
    if plain:
        modalities.append(GuessedModality("facts", {"modality": "table", "columns": plain}, "numbers and categories"))
    return modalities, notes


def _is_date(texts: list[str | None] | None) -> bool:
    """Return whether most values are dates, which may all differ."""
    text = pa.array([text for text in texts or () if text], pa.string())
    iso = pc.sum(pc.match_substring_regex(text, f"({DATE})|({TIMESTAMP})")).as_py() or 0
    return len(text) > 0 and (iso + n_written(text)) / len(text) >= MIXED and len(text.unique()) > 1


def _no_feature(name: str, values: Values) -> str | None:
    if values.n_different < 2:
        return "it has one value" if values.n_different else "it is empty"
    if IDS.fullmatch(name) and values.n_different > 0.9 * values.n:
        return "it is an identifier of the rows"
    if not values.numbers and values.n_different > 0.9 * values.n:
        return "nearly every value differs, as in an identifier"
    return None


def _content(name: str, kind: pa.DataType, rows: SourceRows, texts: list[str | None] | None) -> tuple[str, str] | None:
    """Return the modality of a column, and why; None for numbers and categories."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or (pa.types.is_struct(kind) and "bytes" in [f.name for f in kind]):
        first = rows.read([name], np.array([0]))[name][0].as_py()
        raw = (first.get("bytes") if isinstance(first, dict) else first) or b""
        return ("audio" if raw.startswith(AUDIO_MAGIC) else "image"), f"bytes that begin with {raw[:4]!r}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        depth, inner = 0, kind
        while pa.types.is_nested(inner) and not pa.types.is_struct(inner):
            depth, inner = depth + 1, inner.value_type
        number = pa.types.is_integer(inner) or pa.types.is_floating(inner)
        return {1: ("series", "lists of numbers"), 2: ("series", "lists of lists of numbers"),
                3: ("tactile", "lists of frames of numbers")}.get(depth) if number else None  # fmt: skip
    if texts is None or not pa.types.is_string(kind):
        return None
    known = [text for text in texts if text]
    files = [text for text in known if Path(text).suffix.lower() in MODALITY_OF and " " not in text.rpartition("/")[2].strip()]
    if known and len(files) > 0.9 * len(known):
        found = modality_of(files, rows.sample_files)
        return (found[0], f"its values are names of files ({found[1]})") if found else None
    n_words = sum(len(text.split()) for text in known) / max(len(known), 1)
    if n_words >= MIN_WORDS_OF_TEXT and len(set(known)) > len(known) / 2:
        return "text", f"{n_words:.0f} words a row, {len(set(known))} of {len(known)} differ"
    return None


def _texts(rows: SourceRows, name: str) -> list[str | None] | None:
    kind = rows.types[name]
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    text = pc.utf8_trim_whitespace(rows.read([name], None)[name].combine_chunks().cast(pa.string()))
    return list((plain_numbers(text, rows.number_format) if rows.written else text).to_pylist())


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
