"""What an entry under `datasets:` says of a person's own files, checked: first by itself, then against the fields that there are."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest, parse
from stages.foundation.registry import component, names
from stages.ingestion.data_set_entry import DataSetEntry, ModalityEntry, TargetEntry
from stages.own_data.file_pattern import FIELD, parse_pattern
from stages.own_data.source_rows import Rows, SourceKind
from stages.own_data.text_columns import as_written

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # it becomes part of the names of files and stages
TAKEN = ("sample_id", "group", "split", "target", "row", "source")  # columns of the samples
ID = "id"  # in a pattern of files: the sample's name


@dataclass(frozen=True)
class Part:
    """A modality: the fields that hold it, or the pattern of its file's name.

    is_file: whether the field holds the name of a file.
    """

    label: str
    modality: str
    fields: tuple[str, ...]
    files: str | None = None
    is_file: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields that must be read to load it."""
        return tuple(dict.fromkeys(FIELD.findall(self.files))) if self.files else self.fields


def check_entry(name: str, entry: DataSetEntry) -> None:
    """Raise InputError where the entry contradicts itself, whatever the files hold."""
    key = f"{PARAMS}: datasets.{name}"
    if not NAME.fullmatch(name):
        raise InputError(f"{key}: a data set is called by letters, digits and _ (64 at most), beginning with a letter")
    if entry.options:
        raise InputError(f"{key}.options: only for data sets of stages/datasets/; what own files need stands under source")
    if entry.group == ():
        raise InputError(f"{key}.group: no column is named; name one, or leave `group` out")
    source_of(name, entry)
    target = _target_of(entry)
    if bool(target.column) == bool(target.columns):
        raise InputError(f"{key}.target: name the target in either `column` or `columns`")
    if target.columns and component("tasks", target.task).form == "classes":
        raise InputError(f"{key}.target.columns: {target.task} has one `column`; several are for regression and multilabel")
    for label, part in _parts_of(entry).items():
        _check_part(f"{key}.modalities.{label}", label, part, target)


def _check_part(key: str, label: str, part: ModalityEntry, target: TargetEntry) -> None:
    if not NAME.fullmatch(label) or label in TAKEN:
        raise InputError(f"{key}: a modality is called by letters, digits and _ (64 at most), beginning with a letter, and not "
                         f"{', '.join(TAKEN)}")
    if part.column and part.files:
        raise InputError(f"{key}: give `column` or `files`, not both")
    if part.columns and part.modality != "table":
        raise InputError(f"{key}.columns: only modality table has several; {part.modality} has one `column`")
    if part.modality == "table" and (part.column or part.files):
        raise InputError(f"{key}: modality table has `columns` (default: all that have no other role), no column or files")
    if len(set(part.columns)) < len(part.columns):
        raise InputError(f"{key}.columns: a column stands twice in {list(part.columns)}")
    for column in {*part.columns, *([part.column] if part.column else [])} & {target.column, *target.columns}:
        raise InputError(f"{key}: column {column!r} is the target, which a modality would give away; take it out of one of the two")
    if part.files:
        try:
            parse_pattern(part.files)
        except ValueError as error:
            raise InputError(f"{key}.files: {error}") from error


def source_of(name: str, entry: DataSetEntry) -> tuple[SourceKind, Settings]:
    """Return the kind of an entry's source and its settings."""
    key = f"datasets.{name}.source"
    source, kinds = entry.source or {}, names("sources")
    found = [kind for kind in kinds if kind in source]
    if len(found) != 1:
        written = next(iter(source), "nothing")
        raise InputError(f"{PARAMS}: {key}: expected one of {', '.join(f'{kind}: path' for kind in kinds)}, found "
                         f"{' and '.join(found) or repr(written)}{'' if found else nearest(str(written), kinds)}")
    kind: SourceKind = component("sources", found[0])
    return kind, parse(source, key, kind.settings)


def open_source(name: str, entry: DataSetEntry) -> Rows:
    """Return the rows of an entry's source."""
    kind, settings = source_of(name, entry)
    return kind.open_rows(settings, f"{PARAMS}: datasets.{name}.source")


def find_parts(name: str, entry: DataSetEntry, rows: Rows) -> list[Part]:
    """Return the modalities with their fields.

    Raises:
        InputError: if the entry names a field that is not there, the nearest one suggested.
    """
    key = f"{PARAMS}: datasets.{name}"
    target = _target_of(entry)
    for place, fields in {"target": targets_of(entry), "group": groups_of(entry), "id": _one(entry.id), "split": _one(entry.split)}.items():
        _refuse_absent(fields, rows.types, f"{key}.{place}")
    parts = _parts_of(entry)
    used = {*targets_of(entry), *groups_of(entry), *_one(entry.id), *_one(entry.split), *_one(rows.content)}
    used |= {field for part in parts.values() for field in (*_one(part.column), *FIELD.findall(part.files or ""))}
    found = []
    for label, part in parts.items():
        place = f"{key}.modalities.{label}"
        if part.modality == "table":
            fields = part.columns or tuple(field for field in rows.types if field not in used)
            _refuse_absent(fields, rows.types, f"{place}.columns")
            if not fields:
                raise InputError(f"{place}: no column is left for the table: each has another role; name some in `columns`")
            found.append(Part(label, part.modality, fields))
        elif part.files:
            _refuse_absent([field for field in FIELD.findall(part.files) if field != ID], rows.types, f"{place}.files")
            found.append(Part(label, part.modality, (), part.files, is_file=True))
        else:
            column = part.column or rows.content
            if column is None:
                raise InputError(f"{place}: say which `column` holds it, or give its `files`; there are: {', '.join(rows.types)}")
            _refuse_absent([column], rows.types, f"{place}.column")
            is_file = rows.types[column] == pa.string() and (part.modality != "text" or column == rows.content)
            if column == target.column:  # a default: the entry alone cannot know
                raise InputError(f"{place}: column {column!r} is the target, which a modality would give away")
            found.append(Part(label, part.modality, (column,), is_file=is_file))
    return found


def targets_of(entry: DataSetEntry) -> tuple[str, ...]:
    """Return the fields of the target."""
    target = _target_of(entry)
    return target.columns or _one(target.column)


def groups_of(entry: DataSetEntry) -> tuple[str, ...]:
    """Return the fields of the group."""
    return entry.group if isinstance(entry.group, tuple) else _one(entry.group)


def sample_names(name: str, entry: DataSetEntry, rows: Rows) -> Sequence[str]:
    """Return what the samples are called: as the entry's `id` says, else as the source does."""
    if entry.id is None:
        return rows.ids
    names = as_written(rows.read([entry.id], None)[entry.id], f"{PARAMS}: datasets.{name}.id: column {entry.id!r}").to_pylist()
    empty = next((row for row, given in enumerate(names) if not given), None)
    if empty is not None:
        raise InputError(f"{PARAMS}: datasets.{name}.id: column {entry.id!r}, {rows.where(empty)}: the sample has no name; fill it in, or "
                         "leave `id` out, then samples are called by their number")
    first: dict[str, int] = {}
    for row, given in enumerate(names):
        if first.setdefault(given, row) != row:
            n_repeated = sum(count > 1 for count in Counter(names).values())
            raise InputError(f"{PARAMS}: datasets.{name}.id: column {entry.id!r}: {given!r} stands more than once: "
                             f"{rows.where(first[given])}, {rows.where(row)} ({n_repeated} such names); name a column of unique ones, or "
                             "leave `id` out")
    return names


def _target_of(entry: DataSetEntry) -> TargetEntry:
    if not isinstance(entry.target, TargetEntry):
        raise TypeError("an entry of own files has a target of its own (stages/check.py)")
    return entry.target


def _parts_of(entry: DataSetEntry) -> Mapping[str, ModalityEntry]:
    if not isinstance(entry.modalities, dict):
        raise TypeError("an entry of own files has modalities of its own (stages/check.py)")
    return entry.modalities


def _one(field: str | None) -> tuple[str, ...]:
    return () if field is None else (field,)


def _refuse_absent(fields: Iterable[str], there: Mapping[str, pa.DataType] | Sequence[str], key: str) -> None:
    for field in fields:
        if field not in there:
            raise InputError(f"{key}: no column {field!r}{nearest(field, list(there))}; there are: {', '.join(there)}")
