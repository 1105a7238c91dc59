"""Guess what a table holds: its target, groups, official split, and the modalities of its columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest
from stages.foundation.registry import component
from stages.ingestion.data_set_entry import TargetEntry
from stages.own_data.column_names import is_group, is_identifier, is_split_name, is_target
from stages.own_data.guess_columns import GuessedColumns, guess_columns, is_dates
from stages.own_data.guess_rows import Rare, rare_of, usable_rows
from stages.own_data.guess_source import guess_source
from stages.own_data.guesses import MAX_CLASSES, Guess, Hints, Values, checked_task, count_values, task_of
from stages.own_data.number_format import plain_numbers
from stages.own_data.official_splits import is_split
from stages.own_data.own_targets import read_target
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import column_mistakes
from stages.splitting.scarce_groups import FEWEST_GROUPS

ROWS_OF_A_CLASS = 8  # on average; a column with fewer names customers, days or the like
SEPARATORS = (";", "|", ", ", ",", "/")  # of labels in a cell
Texts = dict[str, list[str | None] | None]
NO_GROUP = "no column is called speaker, subject, patient, user, …; name one if rows belong together"


def guess_table(path: str, hints: Hints) -> Guess:
    """Return the entry for a table with one row per sample.

    Raises:
        InputError: if it cannot be read, no column can be a target, or a hint does not fit.
    """
    source, rows, notes = guess_source(path, hints)
    return guess_rows(source, rows, path, hints, notes)


def guess_rows(source: dict[str, Any], rows: SourceRows, path: str, hints: Hints, notes: list[str]) -> Guess:
    """Return the entry for a source that is opened already.

    Raises:
        InputError: if no column can be a target, or a hint does not fit.
    """
    texts: Texts = {name: _texts(rows, name) for name in rows.types}
    counted = {name: _counted(rows, name, values) for name, values in texts.items() if values is not None}
    for option, name in (("target", hints.target), ("group", hints.group)):
        if name is not None and name not in rows.types:
            raise InputError(f"--{option}: {path} has no column {name!r}{nearest(name, rows.types)}; there are: {', '.join(rows.types)}")
    chosen = hints.target or _guess_target(counted)
    target, why = _task(chosen, rows, counted, hints.task)
    split = next((name for name in counted if name != chosen and is_split_name(name) and is_split(_distinct(texts[name]))), None)
    labels = _labels(rows, target)
    no_target = np.array([not names for names in labels] if labels is not None else _unknown(rows, target), dtype=bool)
    group, about_group, others = _group(hints, rows, texts, counted, labels, no_target, {chosen, split})
    columns = guess_columns(rows, texts, counted, {name for name in (chosen, group, split) if name is not None})
    if labels is not None:
        _drop_untrainable(columns, labels, None if group is None else texts[group], 1 if target["task"] == "multilabel" else 2)
    if not columns.modalities:
        raise InputError(f"{path}: no column is left for features; expected one other than target and group")
    lacks = {f"without a target in {chosen!r}": no_target} | _lacks(columns, no_target)
    kept = ~np.logical_or.reduce(list(lacks.values()))
    rare = rare_of(labels, None if group is None else texts[group], kept) if labels is not None else Rare(0, {})
    usable = usable_rows(labels, lacks, rare, is_multilabel=target["task"] == "multilabel")
    notes += [*columns.notes, *_declare_mixed(source, rows, columns)]
    about = f"{len(rows.ids)} rows, {len(rows.types)} columns"
    parts = (split, f"an official split: {', '.join(sorted(_distinct(texts[split])))}") if split else None
    return Guess((source, about), (_fitting(target, rare, labels), why), (group, about_group), columns.modalities, notes, parts,
                 usable.counts, others, usable.more, "" if split else _time(counted, texts, {chosen, group}))  # fmt: skip


def _drop_untrainable(
    columns: GuessedColumns, labels: Sequence[Sequence[str]], groups: Sequence[str | None] | None, n_needed: int
) -> None:
    """Leave out the modalities whose rows are of too few classes to be trained on, with a note for each."""
    for name, gaps in list(columns.gaps.items()):
        if len(columns.modalities) > 1 and (why := gaps.lack_of_classes(labels, groups, n_needed)):
            columns.notes.append(f"{name} is not used: {why}")
            columns.modalities[:] = [modality for modality in columns.modalities if modality.name != name]
            del columns.gaps[name]


def _time(counted: Mapping[str, Values], texts: Texts, used: set[str | None]) -> str:
    """Return a comment that proposes the first column of dates as the order of the folds; "" if there is none."""
    dates = [name for name in counted if name not in used and not counted[name].numbers and is_dates(texts[name])]
    if not dates:
        return ""
    others = f" (or: {', '.join(dates[1:])})" if dates[1:] else ""
    return f"# time: {dates[0]}{others}: it holds dates; with this line each fold trains on the past only, instead of folds drawn at random"


def _fitting(target: dict[str, Any], rare: Rare, labels: Sequence[Sequence[str]] | None) -> dict[str, Any]:
    """Return the target with the task of the classes that are left without rare ones."""
    if labels is None or target["task"] != "multiclass" or rare.below <= 0:
        return target
    left = {name for names in labels for name in names} - set(rare.names)
    return target | {"task": "binary"} if len(left) == 2 else target


def _lacks(columns: GuessedColumns, no_target: np.ndarray) -> dict[str, np.ndarray]:
    """Return which rows have a file that cannot be read, and which have no modality, of those that have a target; each row counts once."""
    found, counted = {}, no_target.copy()
    for name, gaps in columns.gaps.items():
        found[f"with a {name} that cannot be read"] = gaps.broken & ~counted
        counted |= gaps.broken
    if not columns.plain:  # a table is lacked by no row
        nothing = np.logical_and.reduce([gaps.absent for gaps in columns.gaps.values()])
        found[f"without {' and '.join(columns.gaps)}"] = nothing & ~counted
    return found


def _labels(rows: SourceRows, target: Mapping[str, Any]) -> list[list[str]] | None:
    """Return the class of each row, alone, or its labels; empty where unknown; None for continuous targets."""
    form = component("tasks", target["task"]).form
    read = read_target(rows.read([target["column"]], None), TargetEntry.model_validate(target), rows, "PATH")
    if form == "continuous":
        return None
    return [[value] if isinstance(value, str) else value or [] for value in read.to_pylist()]


def _unknown(rows: SourceRows, target: Mapping[str, Any]) -> list[bool]:
    numbers = read_target(rows.read([target["column"]], None), TargetEntry.model_validate(target), rows, "PATH").field(0)
    return [bool(unknown) for unknown in pc.is_null(numbers, nan_is_null=True).to_pylist()]


def _group(
    hints: Hints, rows: SourceRows, texts: Texts, counted: Mapping[str, Values], labels: Sequence[Sequence[str]] | None,
    no_target: np.ndarray, used: set[str | None],
) -> tuple[str | None, str, list[str]]:
    """Return the group's column, why, and a line for each other column that could be it."""
    if hints.group is not None:
        if hints.group not in counted:
            raise InputError(f"--group: column {hints.group!r} holds {rows.types[hints.group]}; expected texts or numbers")
        return hints.group, f"as requested; {_repeats(counted[hints.group])}", []
    fits: list[str] = []
    others: list[str] = []
    for name, values in counted.items():
        if name in used or not is_group(name) or not 2 <= values.n_different < values.n - values.n_missing or _is_measured(values):
            continue
        rare = rare_of(labels, texts[name], ~no_target) if labels is not None else Rare(0, {})
        if values.n_missing:
            others.append(f"# or: group: {name}, once it is filled in: {values.n_missing} rows have none")
        elif values.n_different < max(hints.n_splits, FEWEST_GROUPS):
            others.append(f"# or: group: {name}, with fewer folds: {values.n_different} values, and `split.n_splits` is {hints.n_splits}")
        elif not rare.is_possible:
            others.append(f"# or: group: {name}, with other classes: class {rare.scarce}, and folds need {FEWEST_GROUPS}")
        else:
            fits.append(name)
    lines = [f"# or: group: {name}  ({_repeats(counted[name])})" for name in fits[1:]] + others
    if fits:
        return fits[0], f"its name, and {_repeats(counted[fits[0]])}", lines
    return None, "no column named like one allows the folds as they are" if lines else NO_GROUP, lines


def _repeats(values: Values) -> str:
    return f"{values.n_different} values in {values.n} rows"


def _is_measured(values: Values) -> bool:
    """Return whether values are numbers with decimals, which name nothing."""
    return values.numbers and not values.whole


def _declare_mixed(source: dict[str, Any], rows: SourceRows, columns: GuessedColumns) -> list[str]:
    """Declare columns of the table as text that are neither all numbers nor categories; return a note for each."""
    if not rows.written:
        return []
    mixed = [name for name in columns.plain if name not in rows.declared and column_mistakes(rows, (name,), (), "PATH")]
    if mixed:
        source["types"] = {**source.get("types", {}), **dict.fromkeys(mixed, "text")}
    return [f"{name}: read as categories, as some of its cells are numbers or dates and others are not" for name in mixed]


def _counted(rows: SourceRows, name: str, values: list[str | None]) -> Values:
    """Return the counts of a column, whose numbers are texts where it is declared so."""
    found = count_values(values)
    return Values(found.n, found.n_missing, found.n_different, numbers=False, whole=False) if rows.declared.get(name) == "text" else found


def _distinct(values: list[str | None] | None) -> set[str]:
    return {value for value in values or () if value}


def _task(chosen: str, rows: SourceRows, counted: Mapping[str, Values], wanted: str | None) -> tuple[dict[str, Any], str]:
    if chosen not in counted:
        if pa.types.is_list(rows.types[chosen]) and pa.types.is_string(rows.types[chosen].value_type):
            return checked_task(wanted, {"column": chosen, "task": "multilabel"}, "lists of texts", None)
        raise InputError(f"--target: column {chosen!r} holds {rows.types[chosen]}, which cannot be predicted")
    texts = [text for text in rows.read([chosen], None)[chosen].to_pylist() if isinstance(text, str)]
    if wanted in (None, "multilabel") and (mark := _separator(texts)):
        return {"column": chosen, "task": "multilabel", "separator": mark}, f"many of its values are several labels with {mark!r} between"
    if wanted is not None:
        return checked_task(wanted, {"column": chosen, "task": wanted}, "as requested", counted[chosen])
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


def _guess_target(counted: Mapping[str, Values]) -> str:
    """Return the column called like a target, else the last column of classes with several rows each, of classes, or of numbers."""
    usable = []
    for name, values in counted.items():
        try:
            is_classes = component("tasks", task_of(values)[0]).form == "classes"
        except InputError:
            continue
        is_frequent = is_classes and values.n >= ROWS_OF_A_CLASS * values.n_different
        usable.append((is_target(name), is_frequent, is_classes, name))
    usable = [item for item in usable if item[0] or not any(kind(item[-1]) for kind in (is_group, is_identifier, is_split_name))]
    if not usable:
        raise InputError("no column holds classes or numbers to predict; name one with --target")
    best = max(item[:-1] for item in usable)
    return [item[-1] for item in usable if item[:-1] == best][-1]


def _texts(rows: SourceRows, name: str) -> list[str | None] | None:
    kind = rows.types[name]
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    text = pc.utf8_trim_whitespace(rows.read([name], None)[name].combine_chunks().cast(pa.string()))
    return list((plain_numbers(text, rows.number_format) if rows.written else text).to_pylist())
