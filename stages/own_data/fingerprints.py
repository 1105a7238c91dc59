"""Fingerprint of an own data set: one digest over the names and contents of its files."""

import hashlib
from typing import Any

from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.file_names import FileNames
from stages.own_data.roles import find_modalities, open_source, sample_names, source_of
from stages.own_data.sample_files import file_digest
from stages.own_data.source_rows import SourceRows


def fingerprint_of(dataset: str, entry: DataSetEntry, rows: SourceRows | None = None) -> dict[str, Any]:
    """Return kind, SHA-256, number and bytes of the files: the source's own and those that its rows name, sorted by name.

    An unreadable file counts with the reason, so that fixing it is a change. The folder of the files does not count.

    Raises:
        InputError: if the source cannot be read, or has no field that the entry names.
    """
    rows = rows or open_source(dataset, entry)
    modalities = find_modalities(dataset, entry, rows)
    names, named = set[str](), FileNames(rows.sample_files)
    ids = sample_names(dataset, entry, rows)
    for modality in modalities:
        names.update(name for name in (modality.matrix, modality.edges) if name is not None)
        if modality.is_file:
            table = rows.read([field for field in modality.needed if field in rows.types], None)
            for found in named.of(modality, table, ids):
                names.update(() if isinstance(found, ValueError) else found)
    if rows.content is not None and not rows.files:  # a folder: its files are its rows
        names.update(rows.ids)
    digest, n_bytes, n_files = hashlib.sha256(), 0, 0
    own = {f"/{name}": path for name, path in rows.files.items()}
    for name in sorted({*names, *own}):
        content, size, is_read = file_digest(own[name]) if name in own else rows.sample_files.digest(name)
        digest.update(f"{name}\0{content}\n".encode())
        n_bytes, n_files = n_bytes + size, n_files + is_read
    return {"kind": source_of(dataset, entry)[0].name, "digest": digest.hexdigest(), "n_files": n_files, "n_bytes": n_bytes}

