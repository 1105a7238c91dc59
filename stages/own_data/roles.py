"""The roles of fields that an entry of own data declares, checked: first by itself, then against the source's fields."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest, parse
from stages.foundation.registry import component, names
from stages.ingestion.data_set_entry import DataSetEntry, ModalityEntry, TargetEntry
from stages.own_data.column_choice import chosen
from stages.own_data.file_pattern import FIELD, parse_pattern
from stages.own_data.several_files import POOLED, are_names, check_separated, check_several, is_several
from stages.own_data.source_rows import SourceKind, SourceRows
from stages.own_data.text_columns import as_written
from stages.own_data.unicode_forms import normal
from stages.own_data.wildcard_files import WILDCARD

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")  # it becomes part of the names of files and stages
TAKEN = ("sample_id", "group", "split", "fold", "time", "target", "persistence", "row", "source")  # columns of the samples
ID = "id"  # in a pattern of files: the sample's name


@dataclass(frozen=True)
class OwnModality:
    """A modality of own data: the fields that hold it, or the pattern of its file's name.

    name: the modality's name. kind: the component under stages/modalities/ that reads it. is_file: whether the field names a file.
    is_joined: whether the fields are numbers of one vector. matrix: the file that holds the vectors of all samples.
    several: whether a sample has a list of files. separator: the mark between their names in a cell.
    edges: the file of the edges of the graph whose nodes are the samples. hops: how far the graph around a node reaches.
    """

    name: str
    kind: str
    fields: tuple[str, ...]
    files: str | None = None
    is_file: bool = False
    is_joined: bool = False
    matrix: str | None = None
    several: bool = False
    separator: str | None = None
    edges: str | None = None
    hops: int = 1

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields that loading it reads."""
        fields = () if self.edges else self.fields  # those of all nodes are read at once
        return tuple(dict.fromkeys(FIELD.findall(self.files))) if self.files else fields


def key_of(dataset: str, modality: OwnModality) -> str:
    """Return the key of params.yaml that says where a modality is."""
    columns = "columns" if len(modality.fields) > 1 else "column"
    place = next((place for place in ("files", "matrix", "edges") if getattr(modality, place)), columns)
    return f"{PARAMS}: datasets.{dataset}.modalities.{modality.name}.{place}"


def check_entry(name: str, entry: DataSetEntry) -> None:
    """Raise InputError where the entry contradicts itself; files are not read."""
    key = f"{PARAMS}: datasets.{name}"
    if not NAME.fullmatch(name):
        raise InputError(f"{key}: not a valid name; use letters, digits and _ (64 at most), a letter first")
    if entry.options:
        raise InputError(f"{key}.options: only for data sets of stages/datasets/; settings of own data belong under `source`")
    if entry.group == ():
        raise InputError(f"{key}.group: no column is named; name one, or remove `group`")
    source_of(name, entry)
    target = target_of(entry)
    if bool(target.column) == bool(target.columns):
        raise InputError(f"{key}.target: expected either `column` or `columns`")
    if target.columns and component("tasks", target.task).form == "classes":
        raise InputError(f"{key}.target.columns: task {target.task} has one `column`; tasks of labels and continuous targets have several")
    if target.classes is not None:
        _check_classes(f"{key}.target.classes", target)
    if entry.missing_groups == "own" and entry.group is None:
        raise InputError(f"{key}.missing_groups: no `group` is declared, so every sample is its own already; remove it, or name the group")
    if entry.split is not None and entry.folds is not None:
        raise InputError(f"{key}.folds: `split` names an official split, which is the only outer fold; keep one of the two")
    if entry.time is not None:
        _check_time(f"{key}.time", entry, target)
    if entry.persistence is not None:
        _check_persistence(f"{key}.persistence", entry.persistence, target)
    for modality, declared in _modalities_of(entry).items():
        _check_modality(f"{key}.modalities.{modality}", modality, declared, target)


def _check_time(key: str, entry: DataSetEntry, target: TargetEntry) -> None:
    other = next((role for role in ("split", "folds") if getattr(entry, role) is not None), None)
    if other is not None:
        raise InputError(f"{key}: `{other}` gives the outer folds already; keep one of the two")
    if entry.time in (target.column, *target.columns):
        raise InputError(f"{key}: column {entry.time!r} is the target; name the column that tells when a sample was, or remove `time`")


def _check_persistence(key: str, declared: str | Mapping[str, str], target: TargetEntry) -> None:
    """Raise InputError unless each target has a column that is not a target itself."""
    targets, columns = target.columns or _one(target.column), _one(declared) if isinstance(declared, str) else tuple(declared.values())
    if component("tasks", target.task).form == "labels":
        raise InputError(f"{key}: task {target.task} predicts labels, and a column says one class or number; remove it")
    if isinstance(declared, str) and len(targets) > 1:
        raise InputError(f"{key}: there are {len(targets)} targets; name a column for each: `{{{targets[0]}: …, {targets[1]}: …}}`")
    if not isinstance(declared, str) and set(declared) != set(targets):
        raise InputError(f"{key}: expected a column for each target ({', '.join(targets)}), found {', '.join(declared) or 'nothing'}")
    if wrong := set(columns) & set(targets):
        raise InputError(f"{key}: column {min(wrong)!r} is a target, which would predict itself; name a column that is known before")


def _check_classes(key: str, target: TargetEntry) -> None:
    if component("tasks", target.task).form == "continuous":
        raise InputError(f"{key}: task {target.task} predicts numbers, not classes; remove it, or use task binary or multiclass")
    if target.columns:
        raise InputError(f"{key}: only with one `column`; of several `columns` each is a label already")
    wrong = [value for value, name in (target.classes or {}).items() if name is not None and not normal(name)]
    if wrong or not target.classes:
        raise InputError(f"{key}: expected a class for each value of the column, or null to leave its samples out, found "
                         f"{f'no name for {wrong[0]!r}' if wrong else 'nothing'}")


def _check_modality(key: str, modality: str, declared: ModalityEntry, target: TargetEntry) -> None:
    if not NAME.fullmatch(modality) or modality in TAKEN:
        raise InputError(f"{key}: not a valid modality name; use letters, digits and _ (64 at most), a letter first, and none of "
                         f"{', '.join(TAKEN)}")
    _check_places(key, declared)
    check_several(key, declared)
    columns = () if isinstance(declared.columns, str) else declared.columns
    if len(set(columns)) < len(columns):
        raise InputError(f"{key}.columns: a column occurs twice in {list(columns)}")
    for column in {*columns, *([declared.column] if declared.column else [])} & {target.column, *target.columns}:
        raise InputError(f"{key}: column {column!r} is the target, which would leak into the features; remove it from one of the two")
    if declared.files:
        try:
            parse_pattern(declared.files)
        except ValueError as error:
            raise InputError(f"{key}.files: {error}") from error


def _check_places(key: str, declared: ModalityEntry) -> None:
    """Raise InputError where an entry names more than one place of a modality, or one that its modality has not."""
    is_table, is_vector = declared.modality == "table", declared.modality == "vector"
    if declared.column and declared.files:
        raise InputError(f"{key}: give `column` or `files`, not both")
    if declared.edges and declared.modality != "graph":
        raise InputError(f"{key}.edges: only modality graph has it; {declared.modality} has `column` or `files`")
    if declared.hops is not None and not declared.edges:
        raise InputError(f"{key}.hops: only with `edges`, the edges of one graph whose nodes are the samples")
    if declared.columns and not is_table and declared.modality not in POOLED and not declared.edges:
        raise InputError(f"{key}.columns: only modalities table, {', '.join(POOLED)} have several; {declared.modality} has one `column`")
    if declared.matrix and not is_vector:
        raise InputError(f"{key}.matrix: only modality vector has it; {declared.modality} has `column` or `files`")
    if declared.without and not is_table:
        raise InputError(f"{key}.without: only modality table has it; {declared.modality} names what it reads")
    if is_table and (declared.column or declared.files):
        raise InputError(f"{key}: modality table has `columns` (default: all without another role), not `column` or `files`")
    if declared.without and declared.columns and not isinstance(declared.columns, str):
        raise InputError(f"{key}.without: expected no list of `columns` besides it; remove the columns from the list")
    given = [place for place in ("column", "columns", "files", "matrix") if getattr(declared, place)]
    if declared.edges:  # its columns are numbers of the nodes
        given = ["edges", *(place for place in given if place != "columns")]
    if len(given) > 1:
        raise InputError(f"{key}: give one of `column`, `columns`, `files` and `matrix`, found {' and '.join(given)}")


def source_of(name: str, entry: DataSetEntry) -> tuple[SourceKind[Any], Settings]:
    """Return the kind of an entry's source and its settings."""
    key = f"datasets.{name}.source"
    source, kinds = entry.source or {}, names("sources")
    found = [kind for kind in kinds if kind in source]
    if len(found) != 1:
        written = next(iter(source), "nothing")
        raise InputError(f"{PARAMS}: {key}: expected one of {', '.join(f'{kind}: path' for kind in kinds)}, found "
                         f"{' and '.join(found) or repr(written)}{'' if found else nearest(str(written), kinds)}")
    kind: SourceKind[Any] = component("sources", found[0])
    return kind, parse(source, key, kind.settings)


def open_source(name: str, entry: DataSetEntry) -> SourceRows:
    """Return the rows of an entry's source."""
    kind, settings = source_of(name, entry)
    return kind.open_rows(settings, f"{PARAMS}: datasets.{name}.source")


def find_modalities(name: str, entry: DataSetEntry, rows: SourceRows) -> list[OwnModality]:
    """Return the modalities with their fields.

    Raises:
        InputError: if the source has no field of that name; the message suggests the nearest.
    """
    key = f"{PARAMS}: datasets.{name}"
    roles = {"target": targets_of(entry), "group": groups_of(entry),
             **{role: _one(getattr(entry, role)) for role in ("id", "split", "folds", "time")}}
    for role, fields in {**roles, "persistence": tuple(persistence_of(entry).values())}.items():
        _refuse_absent(fields, rows.types, f"{key}.{role}")
    entries = _modalities_of(entry)
    used = {field for fields in (*roles.values(), _one(rows.content)) for field in fields}
    used |= {field for declared in entries.values() for field in (*_one(declared.column), *FIELD.findall(declared.files or ""))}
    joined = {modality: _joined_fields(declared, rows, used, f"{key}.modalities.{modality}")
              for modality, declared in entries.items() if declared.modality != "table" and declared.columns}  # fmt: skip
    used |= {field for fields in joined.values() for field in fields}
    found = []
    for modality, declared in entries.items():
        place = f"{key}.modalities.{modality}"
        if declared.modality == "table":
            found.append(OwnModality(modality, declared.modality, _table_fields(declared, rows, used, place)))
        elif declared.edges:
            hops = declared.hops or 1
            found.append(OwnModality(modality, declared.modality, joined.get(modality, ()), edges=declared.edges, hops=hops))
        elif modality in joined and declared.modality == "vector":
            found.append(OwnModality(modality, declared.modality, joined[modality], is_joined=True))
        elif modality in joined:
            is_file = are_names(joined[modality], rows.types, place)
            found.append(OwnModality(modality, declared.modality, joined[modality], is_file=is_file, several=True))
        elif declared.matrix:
            found.append(OwnModality(modality, declared.modality, (), matrix=declared.matrix))
        elif declared.files:
            _refuse_absent([field for field in FIELD.findall(declared.files) if field != ID], rows.types, f"{place}.files")
            several = WILDCARD in declared.files
            found.append(OwnModality(modality, declared.modality, (), declared.files, is_file=True, several=several))
        else:
            column = _column_of(declared, rows, target_of(entry), place)
            found.append(_in_column(modality, declared, column, rows, place))
    return found


def _in_column(name: str, declared: ModalityEntry, column: str, rows: SourceRows, place: str) -> OwnModality:
    """Return a modality whose values, or the names of whose files, are in one column."""
    kind = rows.types[column]
    check_separated(declared, kind, place)
    several = is_several(declared, kind)
    names = kind.value_type if several and pa.types.is_list(kind) else kind
    is_file = names == pa.string() and (declared.modality != "text" or column == rows.content)
    return OwnModality(name, declared.modality, (column,), is_file=is_file, several=several, separator=declared.separator)


def _table_fields(declared: ModalityEntry, rows: SourceRows, used: Set[str], place: str) -> tuple[str, ...]:
    """Return the columns of a table: those declared, else all without another role, but for those of `without`."""
    _refuse_absent(declared.without, rows.types, f"{place}.without")
    free = [field for field in rows.types if field not in {*used, *declared.without}]
    fields = _chosen(declared.columns, rows, free, place) if declared.columns else tuple(free)
    if not fields:
        raise InputError(f"{place}: no column is left for the table, as each has another role; name some in `columns`")
    return fields


def _joined_fields(declared: ModalityEntry, rows: SourceRows, used: Set[str], place: str) -> tuple[str, ...]:
    """Return the columns that a vector joins, or that hold the files of a sample."""
    return _chosen(declared.columns, rows, [field for field in rows.types if field not in used], place)


def _chosen(columns: Sequence[str], rows: SourceRows, free: Sequence[str], place: str) -> tuple[str, ...]:
    """Return the columns of a list, or the free ones that match a pattern; raise InputError if there are none."""
    fields = chosen(columns, free)
    _refuse_absent(fields, rows.types, f"{place}.columns")
    if not fields:
        raise InputError(f"{place}.columns: no column without another role matches {columns!r}; there are: {', '.join(rows.types)}")
    return fields


def _column_of(declared: ModalityEntry, rows: SourceRows, target: TargetEntry, place: str) -> str:
    """Return the column that holds a modality: the one declared, else the source's content."""
    column = declared.column or rows.content
    if column is None:
        raise InputError(f"{place}: name the `column` that holds it, or its `files`; there are: {', '.join(rows.types)}")
    _refuse_absent([column], rows.types, f"{place}.column")
    if column == target.column:  # possible with the default column, which depends on the source
        raise InputError(f"{place}: column {column!r} is the target, which would leak into the features; name another")
    return column


def target_of(entry: DataSetEntry) -> TargetEntry:
    """Return the declared target."""
    if not isinstance(entry.target, TargetEntry):
        raise TypeError("an entry of own data must declare its target (stages/check.py refuses others)")
    return entry.target


def targets_of(entry: DataSetEntry) -> tuple[str, ...]:
    """Return the fields of the target."""
    target = target_of(entry)
    return target.columns or _one(target.column)


def persistence_of(entry: DataSetEntry) -> Mapping[str, str]:
    """Return by target the column that says what it is if nothing changes; such a column may be a feature too."""
    declared = entry.persistence
    return dict.fromkeys(targets_of(entry), declared) if isinstance(declared, str) else declared or {}


def groups_of(entry: DataSetEntry) -> tuple[str, ...]:
    """Return the fields of the group."""
    return entry.group if isinstance(entry.group, tuple) else _one(entry.group)


def sample_names(name: str, entry: DataSetEntry, rows: SourceRows) -> Sequence[str]:
    """Return the samples' names: the values of the entry's `id`, else the source's names."""
    if entry.id is None:
        return rows.ids
    names = as_written(rows.read([entry.id], None)[entry.id], f"{PARAMS}: datasets.{name}.id: column {entry.id!r}").to_pylist()
    empty = next((row for row, given in enumerate(names) if not given), None)
    if empty is not None:
        raise InputError(f"{PARAMS}: datasets.{name}.id: column {entry.id!r}, {rows.where(empty)}: the sample has no name; fill it in, or "
                         "remove `id`: then samples are named by their number")
    first: dict[str, int] = {}
    for row, given in enumerate(names):
        if first.setdefault(given, row) != row:
            n_repeated = sum(count > 1 for count in Counter(names).values())
            raise InputError(f"{PARAMS}: datasets.{name}.id: column {entry.id!r}: {given!r} occurs more than once: "
                             f"{rows.where(first[given])}, {rows.where(row)} ({n_repeated} such names); name a column of unique names, or "
                             "remove `id`")
    return names


def _modalities_of(entry: DataSetEntry) -> Mapping[str, ModalityEntry]:
    if not isinstance(entry.modalities, dict):
        raise TypeError("an entry of own data must declare its modalities (stages/check.py refuses others)")
    return entry.modalities


def _one(field: str | None) -> tuple[str, ...]:
    return () if field is None else (field,)


def _refuse_absent(fields: Iterable[str], known: Mapping[str, pa.DataType] | Sequence[str], key: str) -> None:
    for field in fields:
        if field not in known:
            raise InputError(f"{key}: no column {field!r}{nearest(field, list(known))}; there are: {', '.join(known)}")
