"""Own samples: an index of all rows, and the loader of their values (ingest's `Found`)."""

from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.paths import check_path
from stages.contracts.tables.samples_table import DataSetDescription
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.foundation.tables import read_json
from stages.ingestion.data_set_entry import DataSetEntry
from stages.ingestion.missing_modalities import MissingModalities
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.node_graph import open_node_graph
from stages.own_data.roles import find_modalities, groups_of, key_of, open_source, persistence_of, sample_names, target_of, targets_of
from stages.own_data.sample_index import read_index
from stages.own_data.sample_loader import SampleLoader
from stages.own_data.sample_values import matrix_of
from stages.own_data.source_rows import CHUNK_ROWS, SourceRows
from stages.own_data.text_columns import column_mistakes, table_columns

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
    index = read_index(dataset, entry, rows)
    keys = {modality.name: key_of(dataset, modality) for modality in modalities if modality.kind != "table"}
    missing = MissingModalities(dataset, entry.missing_modalities, keys, len(modalities))
    loader = SampleLoader(dataset, rows, sample_names(dataset, entry, rows), modalities, tables=tables, missing=missing)
    return {
        "index": index.table,
        "n_left_out": index.n_left_out,
        "notes": index.notes,
        "mistakes": index.mistakes,
        "task": component("tasks", target_of(entry).task),
        "about": _about(dataset, entry, fingerprint),
        "remedy": f"fix its files (datasets.{dataset}.source in {PARAMS})",
        "load": loader.load,
        "missing": missing,
        "where": lambda row: rows.where(index.table["row"][row].as_py()),
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
            open_node_graph(dataset, modality, rows, ids)
        except InputError as error:
            matrix_mistakes.append(str(error))
    continuous = component("tasks", target_of(entry).task).form == "continuous"
    of_targets = (*targets_of(entry), *persistence_of(entry).values()) if continuous else ()
    return column_mistakes(rows, [*fields, *joined], (*of_targets, *joined), dataset) + matrix_mistakes


def _about(dataset: str, entry: DataSetEntry, fingerprint: dict[str, Any]) -> DataSetDescription:
    """Return what the samples' metadata have of the entry."""
    groups = groups_of(entry)
    without = "; a sample without one is its own" if entry.missing_groups == "own" else ""
    return DataSetDescription(
        title=entry.title or dataset,
        sources=(fingerprint,),
        licence=entry.licence or "not stated",
        citation=entry.citation or "not stated",
        group=(", ".join(groups) + without if groups else "none declared: every sample is its own"),
        shipped=False,
    )
