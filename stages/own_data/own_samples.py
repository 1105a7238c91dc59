"""Own samples: an index of all rows, and the loader of their values (ingest's `Found`)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.paths import check_path
from stages.contracts.tables.samples_table import DataSetDescription
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.foundation.tables import read_json
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.official_splits import SPLITS
from stages.own_data.own_targets import read_target
from stages.own_data.roles import find_modalities, groups_of, open_source, sample_names, targets_of
from stages.own_data.sample_loader import SampleLoader, matrix_of
from stages.own_data.source_rows import CHUNK_ROWS, SourceRows
from stages.own_data.text_columns import column_mistakes, table_columns, text_of

CHUNK_BYTES = 2**26  # of files in memory at once


def read_own(dataset: str, entry: DataSetEntry) -> dict[str, Any]:
    """Return the fields of ingest's `Found`.

    Raises:
        InputError: naming the file and row, or the key of params.yaml, to fix.
    """
    checked = read_json(check_path(dataset))
    if "failed" in checked:
        raise InputError(checked["failed"])
    rows = open_source(dataset, entry)
    modalities = find_modalities(dataset, entry, rows)
    fingerprint = fingerprint_of(dataset, entry, rows)
    if fingerprint != checked["files"]:
        raise InputError("its files have changed since the check; run `make run`, or `python -m stages.own_data.outside` before "
                         "`dvc repro`")
    tables = {modality.name: table_columns(rows, modality.fields, dataset) for modality in modalities if modality.kind == "table"}
    return {
        "index": index_of(dataset, entry, rows),
        "task": component("tasks", _target(entry).task),
        "about": _about(dataset, entry, fingerprint),
        "remedy": f"fix its files (datasets.{dataset}.source in {PARAMS})",
        "load": SampleLoader(dataset, rows, sample_names(dataset, entry, rows), modalities, tables).load,
        "where": rows.where,
        "piece": int(np.clip(CHUNK_BYTES * len(rows.ids) // max(fingerprint["n_bytes"], 1), 1, CHUNK_ROWS)),
    }


def unreadable_columns(dataset: str, entry: DataSetEntry, rows: SourceRows) -> list[str]:
    """Return why columns of text (of tables, vectors and continuous targets) and matrices cannot be read, a line each."""
    modalities = find_modalities(dataset, entry, rows)
    fields = [field for modality in modalities if modality.kind == "table" for field in modality.fields]
    joined = [field for modality in modalities if modality.is_joined for field in modality.fields if pa.types.is_string(rows.types[field])]
    ids, matrix_mistakes = sample_names(dataset, entry, rows), []
    for modality in modalities:
        try:
            matrix_of(dataset, modality, rows, ids)
        except InputError as error:
            matrix_mistakes.append(str(error))
    continuous = component("tasks", _target(entry).task).form == "continuous"
    return column_mistakes(rows, [*fields, *joined], (*(targets_of(entry) if continuous else ()), *joined), dataset) + matrix_mistakes


def _about(dataset: str, entry: DataSetEntry, fingerprint: dict[str, Any]) -> DataSetDescription:
    """Return what the samples' metadata have of the entry."""
    groups = groups_of(entry)
    return DataSetDescription(
        title=entry.title or dataset,
        sources=(fingerprint,),
        licence=entry.licence or "not stated",
        citation=entry.citation or "not stated",
        group=", ".join(groups) if groups else "none declared: every sample is its own",
        shipped=False,
    )


def index_of(dataset: str, entry: DataSetEntry, rows: SourceRows) -> pa.Table:
    """Return sample_id, group, optionally split, target, and row (its number in the source) of every row."""
    groups, split = groups_of(entry), [entry.split] if entry.split else []
    table = rows.read(list(dict.fromkeys([*targets_of(entry), *groups, *split])), None)
    ids = sample_names(dataset, entry, rows)
    columns: dict[str, Any] = {"sample_id": pa.array(ids, pa.string())}
    named = [text_of(table[field], field, dataset) for field in groups]
    columns["group"] = _joined(named, rows, f"{PARAMS}: datasets.{dataset}.group") if groups else columns["sample_id"]
    if entry.split:
        columns["split"] = _split(text_of(table[entry.split], entry.split, dataset), rows, f"{PARAMS}: datasets.{dataset}.split")
    columns["target"] = read_target(table, _target(entry), rows, dataset)
    return pa.table({**columns, "row": pa.array(np.arange(len(ids), dtype=np.int64))})


def _joined(columns: Sequence[pa.Array], rows: SourceRows, key: str) -> pa.Array:
    """Return the group of every row; the values of several columns are joined."""
    names = []
    for row, names_in_row in enumerate(zip(*(column.to_pylist() for column in columns), strict=True)):
        if None in names_in_row:
            raise InputError(f"{key}: {rows.where(row)}: the group is missing; every sample needs one (its own, if no other belongs to it)")
        names.append(", ".join(names_in_row))
    return pa.array(names, pa.string())


def _split(values: pa.Array, rows: SourceRows, key: str) -> pa.Array:
    parts = [None if value is None else SPLITS.get(value.lower()) for value in values.to_pylist()]
    for row, part in enumerate(parts):
        if part is None:
            found = values[row].as_py()
            raise InputError(f"{key}: {rows.where(row)}: expected train or test (validation rows count as train), found {found!r}")
    return pa.array(parts, pa.string())


def _target(entry: DataSetEntry) -> TargetEntry:
    if not isinstance(entry.target, TargetEntry):
        raise TypeError("an entry of own data must declare its target (stages/check.py refuses others)")
    return entry.target
