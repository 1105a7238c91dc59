"""The index of own samples: name, group, official part, fold or time, and target of every row of the source.

Every column that cannot be read is a mistake of its own, so that a person sees all of them at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from stages.contracts.checked import shortened
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.class_mapping import MappedTarget, map_classes
from stages.own_data.official_splits import SPLITS
from stages.own_data.own_targets import read_persistence, read_target
from stages.own_data.roles import groups_of, persistence_of, sample_names, target_of, targets_of
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import text_of
from stages.own_data.time_column import times_of

Found = TypeVar("Found")
NO_GROUP = " "  # begins the group of a sample without one: no declared group begins with a blank (`text_of`), and names are unique


@dataclass(frozen=True)
class SampleIndex:
    """table: sample_id, row (its number in the source), and of group, split, fold, time, persistence and target those that could be read.

    n_left_out: rows that are not in it, as `target.classes` leaves them out. notes: what was left out or filled in, a line each.
    mistakes: why columns could not be read, a line each.
    """

    table: pa.Table
    n_left_out: int
    notes: tuple[str, ...]
    mistakes: tuple[str, ...]


def read_index(dataset: str, entry: DataSetEntry, rows: SourceRows) -> SampleIndex:
    """Return the index of all samples.

    Raises:
        InputError: if the source, or the samples' names, cannot be read.
    """
    key = f"{PARAMS}: datasets.{dataset}"
    single = [field for field in (entry.split, entry.folds, entry.time) if field is not None]
    persisted = persistence_of(entry)
    table = rows.read(list(dict.fromkeys([*targets_of(entry), *groups_of(entry), *single, *persisted.values()])), None)
    mistakes: list[str] = []
    mapped = _attempt(mistakes, lambda: _target(table, entry, rows, dataset))
    numbers = np.arange(len(table)) if mapped is None else np.flatnonzero(~mapped.left_out)
    kept, notes = pa.array(numbers, pa.int64()), [] if mapped is None else [*mapped.notes]
    ids = pa.array(sample_names(dataset, entry, rows), pa.string()).take(kept)
    columns = {"sample_id": ids, "row": kept}

    def texts(field: str) -> list[str | None]:
        found: list[str | None] = text_of(table[field], field, dataset).take(kept).to_pylist()
        return found

    def where(place: int) -> str:
        return rows.where(int(numbers[place]))

    groups = _attempt(mistakes, lambda: _groups([texts(field) for field in groups_of(entry)], entry, ids, where, key))
    if groups is not None:
        columns["group"] = groups[0]
        notes += groups[1]
    if entry.split is not None and (split := _attempt(mistakes, lambda: _parts(texts(str(entry.split)), where, key))) is not None:
        columns["split"] = split
    if entry.folds is not None and (folds := _attempt(mistakes, lambda: _folds(texts(str(entry.folds)), where, key))) is not None:
        columns["fold"] = folds
    if entry.time is not None and (times := _attempt(mistakes, lambda: _times(table, entry, rows, kept, where, dataset))) is not None:
        columns["time"] = times
    if persisted:
        values = _attempt(mistakes, lambda: _persistence(table, entry, rows, dataset))
        columns |= {} if values is None else {"persistence": values.take(kept)}
    if mapped is not None:
        columns["target"] = mapped.target.take(kept)
    return SampleIndex(pa.table(columns), len(table) - len(numbers), tuple(notes), tuple(mistakes))


def _attempt(mistakes: list[str], read: Callable[[], Found]) -> Found | None:
    """Return what `read` returns; None, with the reason in `mistakes`, where the input is wrong."""
    try:
        return read()
    except InputError as error:
        mistakes.append(str(error))
        return None


def _target(table: pa.Table, entry: DataSetEntry, rows: SourceRows, dataset: str) -> MappedTarget:
    """Return the target of every row, with the entry's classes in place of the values if it maps them."""
    declared = target_of(entry)
    target = read_target(table, declared, rows, dataset)
    if declared.classes is None:
        return MappedTarget(target, np.zeros(len(target), dtype=bool), ())
    return map_classes(target, declared.classes, f"{PARAMS}: datasets.{dataset}.target.classes: column {declared.column!r}")


def _persistence(table: pa.Table, entry: DataSetEntry, rows: SourceRows, dataset: str) -> pa.Array:
    """Return what the target of every row is if nothing changes, with the entry's classes in place of the values if it maps them."""
    declared, columns = target_of(entry), persistence_of(entry)
    values = read_persistence(table, columns, declared, rows, dataset)
    if declared.classes is None:
        return values
    return map_classes(values, declared.classes, f"{PARAMS}: datasets.{dataset}.target.classes: column {entry.persistence!r}").target


def _groups(
    columns: Sequence[Sequence[str | None]], entry: DataSetEntry, ids: pa.Array, where: Callable[[int], str], key: str
) -> tuple[pa.Array, list[str]]:
    """Return the group of every sample, and a line if some are their own; the values of several columns are joined."""
    if not columns:
        return ids, []
    joined = [None if None in names else ", ".join(map(str, names)) for names in zip(*columns, strict=True)]
    n_missing = joined.count(None)
    if n_missing and entry.missing_groups == "fail":
        raise InputError(f"{key}.group: {where(joined.index(None))}: the group is missing ({n_missing} such); fill it in, or declare "
                         "`missing_groups: own`: each such sample is then a group of its own")
    names = [f"{NO_GROUP}{name}" if group is None else group for group, name in zip(joined, ids.to_pylist(), strict=True)]
    one = n_missing == 1
    notes = [f"{n_missing} sample{'' if one else 's'} without a group {'is its' if one else 'are each their'} own (missing_groups: own)"]
    return pa.array(names, pa.string()), notes if n_missing else []


def _parts(texts: Sequence[str | None], where: Callable[[int], str], key: str) -> pa.Array:
    """Return the part of the official split of every sample: train or test."""
    parts = [None if text is None else SPLITS.get(text.lower()) for text in texts]
    if None in parts:
        first = parts.index(None)
        raise InputError(f"{key}.split: {where(first)}: expected train or test (validation rows count as train), found {texts[first]!r}")
    return pa.array(parts, pa.string())


def _folds(texts: Sequence[str | None], where: Callable[[int], str], key: str) -> pa.Array:
    """Return the name of the outer fold that tests each sample."""
    n_missing = texts.count(None)
    if n_missing:
        raise InputError(f"{key}.folds: {where(texts.index(None))}: the fold is missing ({n_missing} such); every sample needs the name of "
                         "the fold that tests it")
    return pa.array(texts, pa.string())


def _times(
    table: pa.Table, entry: DataSetEntry, rows: SourceRows, kept: pa.Array, where: Callable[[int], str], dataset: str
) -> pa.Array:
    """Return when each sample was: one of the types of samples' times."""
    field = str(entry.time)
    times = times_of(table[field], field, rows, dataset).take(kept)
    if times.null_count:
        missing = np.flatnonzero(np.array(times.is_null()))
        places = ", ".join(shortened(where(int(place)) for place in missing))
        raise InputError(f"{PARAMS}: datasets.{dataset}.time: column {field!r}: the time is missing in {len(missing)} "
                         f"row{'s' * (len(missing) > 1)} ({places}); fill it in, or remove these rows: a sample without a time is neither "
                         "past nor future")
    return times
