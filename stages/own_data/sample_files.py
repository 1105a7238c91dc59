"""Where the files of samples are: in a folder, or in an archive that is read as one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stages.foundation.errors import InputError
from stages.own_data.archives import ArchiveFiles, is_archive, open_archive
from stages.own_data.foreign_formats import foreign_format
from stages.own_data.paths_inside import existing, read_inside, resolve_inside, walk_files
from stages.own_data.unpacked import WORKBOOKS
from stages.samples.file_kinds import foreign_kind

BLOCK_BYTES = 2**20


class SampleFiles(Protocol):
    """Files by their names, which are relative and have / between their parts."""

    def names(self) -> list[str]:
        """Return the names of all files, sorted, without those that are never samples; raise InputError if one is not UTF-8."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file; raise ValueError, with a message for the user, unless it is a readable file of at most MAX_FILE_BYTES."""
        ...

    def n_bytes(self, name: str) -> int:
        """Return the size of a file, which is not read; raise ValueError if it cannot be."""
        ...

    def digest(self, name: str) -> tuple[str, int, bool]:
        """Return the SHA-256 of a file, its bytes, and True; of one that cannot be read the reason, 0 and False."""
        ...


@dataclass(frozen=True)
class FolderFiles:
    """The files in a folder and its subfolders."""

    root: Path

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return walk_files(self.root)

    def read(self, name: str) -> bytes:
        """Return a file."""
        return read_inside(self.root, name)

    def n_bytes(self, name: str) -> int:
        """Return the size of a file."""
        return resolve_inside(self.root, name).stat().st_size

    def digest(self, name: str) -> tuple[str, int, bool]:
        """Return the SHA-256 of a file and its size."""
        try:
            path = resolve_inside(self.root, name)
        except ValueError as error:
            return str(error), 0, False
        return file_digest(path)


def file_digest(path: Path) -> tuple[str, int, bool]:
    """Return the SHA-256 of a file, its bytes, and True; of one that cannot be read the reason, 0 and False."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as content:
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
    except OSError as error:
        return str(error.strerror), 0, False
    return digest.hexdigest(), size, True


def open_files(path: str, key: str) -> FolderFiles | ArchiveFiles:
    """Return the files of a folder or archive that `key` names.

    Raises:
        InputError: if it is neither, or an archive that is damaged or not safe to read.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        return FolderFiles(existing(path, key, folder=True))
    if what := foreign_format(place.name):
        raise InputError(f"{key}: {path}: is {what}")
    if place.suffix.lower() in WORKBOOKS:  # a zip archive inside
        raise InputError(f"{key}: {path}: is an Excel workbook, whose rows may be samples; write `source: {{table: {path}}}`")
    if is_archive(place):
        return open_archive(place, path)
    with place.open("rb") as file:
        kind = foreign_kind(file.read(1024), "folder")
    if kind and "archive" in kind:
        raise InputError(f"{key}: {path}: is {kind}; expected a folder, or a .zip or .tar archive (.tar.gz and the like too)")
    return FolderFiles(existing(path, key, folder=True))
