"""A person's own samples: an index of all rows, and how the contents of some are loaded (ingest's `Found`)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.paths import check_path
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.foundation.tables import read_json
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.own_data.contents import Contents
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.own_targets import read_target
from stages.own_data.roles import find_parts, groups_of, open_source, sample_names, targets_of
from stages.own_data.source_rows import PIECE, Rows
from stages.own_data.text_columns import table_columns, text_of

PIECE_BYTES = 2**26  # of files that are held at once
SPLITS = ("train", "test")


def read_own(dataset: str, entry: DataSetEntry) -> dict[str, Any]:
    """Return the fields of ingest's `Found`.

    Raises:
        InputError: naming file and row, or the key of params.yaml, that must be mended.
    """
    rows = open_source(dataset, entry)
    parts = find_parts(dataset, entry, rows)
    made_of = fingerprint_of(dataset, entry, rows)
    if made_of != read_json(check_path(dataset))["files"]:
        raise InputError("its files have changed since they were checked; run `make run`, or `python -m stages.own_data.outside` before "
                         "`dvc repro`")
    tables = {part.label: table_columns(rows, part.fields, dataset) for part in parts if part.modality == "table"}
    groups = groups_of(entry)
    about = {
        "title": entry.title or dataset,
        "sources": [made_of],
        "licence": entry.licence or "not stated",
        "citation": entry.citation or "not stated",
        "group": ", ".join(groups) if groups else "none declared: every sample is its own",
        "shipped": False,
    }
    return {
        "index": index_of(dataset, entry, rows),
        "task": component("tasks", _target(entry).task),
        "about": about,
        "remedy": f"mend its files (datasets.{dataset}.source in {PARAMS})",
        "load": Contents(dataset, rows, sample_names(dataset, entry, rows), parts, tables).load,
        "where": rows.where,
        "piece": int(np.clip(PIECE_BYTES * len(rows.ids) // max(made_of["n_bytes"], 1), 1, PIECE)),
    }


def index_of(dataset: str, entry: DataSetEntry, rows: Rows) -> pa.Table:
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


def _joined(columns: Sequence[pa.Array], rows: Rows, key: str) -> pa.Array:
    """Return the group's name of every row; several columns name it together."""
    names = []
    for row, parts in enumerate(zip(*(column.to_pylist() for column in columns), strict=True)):
        if None in parts:
            raise InputError(f"{key}: {rows.where(row)}: the group is missing; every sample needs one (its own, if it belongs to no other)")
        names.append(", ".join(parts))
    return pa.array(names, pa.string())


def _split(values: pa.Array, rows: Rows, key: str) -> pa.Array:
    for row, value in enumerate(values.to_pylist()):
        if value not in SPLITS:
            raise InputError(f"{key}: {rows.where(row)}: expected train or test, found {value!r}")
    return values


def _target(entry: DataSetEntry) -> TargetEntry:
    if not isinstance(entry.target, TargetEntry):
        raise TypeError("an entry of own files has a target of its own (stages/check.py)")
    return entry.target
