"""Read members of a .tar.gz archive (a source distribution, an npm package) in memory: bounded, never extracted to disk or executed.

Only members requested by their exact name are read, and only plain files: links are not followed. The archive is decompressed as a whole up
to a limit, so that a small file cannot fill the memory.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from stages.foundation.errors import InputError
from stages.readers.archive import damaged

LIMIT_BYTES = 64 * 2**20
MAX_MEMBERS = 10_000
_UNREADABLE = (EOFError, OSError, OverflowError, ValueError, zlib.error, tarfile.TarError)


def read_tar_members(
    archive: Path, members: Iterable[str], *, inside: str | None = None, limit_bytes: int = LIMIT_BYTES
) -> dict[str, bytes]:
    """Return the bytes of several members of a .tar.gz archive, by name; `inside`: of one that is a member of it.

    Raises:
        InputError: if the file is not such an archive or is damaged, unpacks to more than `limit_bytes`, or if a member is missing, is
            not a plain file (a link, a device), or occurs twice.
    """
    try:
        packed = archive.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{archive}: not found; run again to fetch it") from error
    if inside is not None:
        packed = _members(archive, packed, [inside], limit_bytes)[inside]
    return _members(archive, packed, list(members), limit_bytes)


def _members(archive: Path, packed: bytes, wanted: list[str], limit_bytes: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    names = frozenset(wanted)
    try:
        with tarfile.open(fileobj=io.BytesIO(_decompressed(archive, packed, limit_bytes)), mode="r:") as opened:
            for place, member in enumerate(opened):
                if place == MAX_MEMBERS:
                    raise InputError(f"{archive}: has more than {MAX_MEMBERS} members; not read")
                if member.name in names:
                    if member.name in found:
                        raise InputError(f"{archive}: member {member.name!r} occurs twice; not read")
                    found[member.name] = _content(archive, opened, member)
    except _UNREADABLE as error:
        raise damaged(archive, "", error) from error
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"{archive}: has no member {missing[0]!r}; this data set reads another layout of the package; "
                         "fix its version and checksum in stages/datasets/")
    return found


def _decompressed(archive: Path, packed: bytes, limit_bytes: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        content = stream.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise InputError(f"{archive}: unpacks to more than {limit_bytes} bytes; not read")
    return content


def _content(archive: Path, opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if not member.isreg() or member.issparse():  # a sparse file can claim any size
        raise InputError(f"{archive}: member {member.name!r} is not a plain file (a link, a device or the like); not read")
    stream = opened.extractfile(member)
    content = stream.read() if stream else b""
    if len(content) != member.size:
        raise damaged(archive, member.name, f"{len(content)} of {member.size} bytes found")
    return content
