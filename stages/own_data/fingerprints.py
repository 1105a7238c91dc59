"""Fingerprint of an own data set: one digest over the names and contents of its files."""

import hashlib
from pathlib import Path
from typing import Any

from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.paths_inside import resolve_inside
from stages.own_data.roles import find_modalities, open_source, sample_names, source_of
from stages.own_data.sample_loader import file_names
from stages.own_data.source_rows import SourceRows

BLOCK_BYTES = 2**20


def fingerprint_of(dataset: str, entry: DataSetEntry, rows: SourceRows | None = None) -> dict[str, Any]:
    """Return kind, SHA-256, number and bytes of the files: the source's own and those that its rows name, sorted by name.

    An unreadable file counts with the reason, so that fixing it is a change. The folder of the files does not count.

    Raises:
        InputError: if the source cannot be read, or has no field that the entry names.
    """
    rows = rows or open_source(dataset, entry)
    modalities = find_modalities(dataset, entry, rows)
    files: dict[str, Path | str] = {f"/{name}": path for name, path in rows.files.items()}
    ids = sample_names(dataset, entry, rows)
    for modality in modalities:
        if modality.matrix is not None:
            files[modality.matrix] = _file_or_reason(rows.root, modality.matrix)
        if modality.is_file:
            table = rows.read([field for field in modality.needed if field in rows.types], None)
            for name in file_names(modality, table, ids):
                if isinstance(name, str):
                    files[name] = _file_or_reason(rows.root, name)
    if rows.content is not None and not rows.files:  # a folder: its files are its rows
        files |= {name: _file_or_reason(rows.root, name) for name in rows.ids if name not in files}
    digest, n_bytes, n_files = hashlib.sha256(), 0, 0
    for name in sorted(files):
        content, size = _digest(files[name])
        digest.update(f"{name}\0{content}\n".encode())
        n_bytes, n_files = n_bytes + size, n_files + isinstance(files[name], Path)
    return {"kind": source_of(dataset, entry)[0].name, "digest": digest.hexdigest(), "n_files": n_files, "n_bytes": n_bytes}


def _file_or_reason(root: Path, name: str) -> Path | str:
    try:
        return resolve_inside(root, name)
    except ValueError as error:
        return str(error)


def _digest(file: Path | str) -> tuple[str, int]:
    """Return the digest of a file's content and its size; of an unreadable file, the reason and 0."""
    if isinstance(file, str):
        return file, 0
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("rb") as content:
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
    except OSError as error:
        return str(error.strerror), 0
    return digest.hexdigest(), size
