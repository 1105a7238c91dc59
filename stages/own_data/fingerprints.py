"""What a person's own data set is made of: one digest over the names and contents of its files."""

import hashlib
from pathlib import Path
from typing import Any

from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.contents import file_names
from stages.own_data.paths_inside import resolve_inside
from stages.own_data.roles import find_parts, open_source, sample_names, source_of
from stages.own_data.source_rows import Rows

BLOCK_BYTES = 2**20


def fingerprint_of(dataset: str, entry: DataSetEntry, rows: Rows | None = None) -> dict[str, Any]:
    """Return kind, SHA-256, number and bytes of the files: the source's own and those that its rows name, sorted by name.

    A file that cannot be read counts with the reason, so that mending it is a change. Where the files are does not count.

    Raises:
        InputError: if the source cannot be read, or the entry names a field that it has not.
    """
    rows = rows or open_source(dataset, entry)
    parts = find_parts(dataset, entry, rows)
    files: dict[str, Path | str] = {f"/{name}": path for name, path in rows.files.items()}
    ids = sample_names(dataset, entry, rows)
    for part in parts:
        if part.is_file:
            table = rows.read([field for field in part.needed if field in rows.types], None)
            for name in file_names(part, table, ids):
                if isinstance(name, str):
                    files[name] = _file_or_reason(rows.root, name)
    if rows.content is not None and not rows.files:  # a folder: its files are its rows, whatever is made of them
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
    """Return the digest of a file's content and its size; of a file that cannot be read, the reason and 0."""
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
