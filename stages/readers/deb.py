"""Read files of a Debian package: an `ar` archive that holds `data.tar.xz`, read in memory, never extracted to disk or installed."""

import io
import lzma
import tarfile
from collections.abc import Iterable
from pathlib import Path

from stages.foundation.errors import InputError
from stages.readers.archive import damaged

LIMIT_BYTES = 128 * 2**20
_MAGIC = b"!<arch>\n"
_HEADER = 60  # bytes: name 16, mtime 12, owner 6, group 6, mode 8, size 10, then "`\n"
_DATA = "data.tar.xz"


def read_deb_files(archive: Path, names: Iterable[str], *, limit_bytes: int = LIMIT_BYTES) -> dict[str, bytes]:
    """Return the bytes of several files of one Debian package, by their name in it ("./usr/share/…").

    Raises:
        InputError: if the file is not such a package, is damaged, lacks one of the files (a link does not count), or one is too large.
    """
    wanted, found = set(names), {}
    try:
        packed = io.BytesIO(_ar_members(archive.read_bytes())[_DATA])
        with tarfile.open(fileobj=packed, mode="r|xz") as tar:  # as a stream: one file in memory at a time
            for member in tar:
                if member.name not in wanted or not member.isreg():
                    continue
                if member.size > limit_bytes:
                    raise InputError(f"{archive}: {member.name!r} unpacks to {member.size} bytes, more than {limit_bytes}; not read")
                content = tar.extractfile(member)
                found[member.name] = content.read() if content else b""
    except FileNotFoundError as error:
        raise InputError(f"{archive}: not found; run again to fetch it") from error
    except (KeyError, ValueError, EOFError, OSError, lzma.LZMAError, tarfile.TarError) as error:
        raise damaged(archive, "", error) from error
    if missing := sorted(wanted - set(found)):
        raise InputError(f"{archive}: has no file {missing[0]!r}; this data set reads another layout of the package; "
                         "fix its version and checksum in stages/datasets/")
    return found


def _ar_members(content: bytes) -> dict[str, bytes]:
    """Return the members of an `ar` archive by name.

    Raises:
        ValueError: if it is not an `ar` archive.
    """
    if not content.startswith(_MAGIC):
        raise ValueError("not an ar archive")
    members: dict[str, bytes] = {}
    at = len(_MAGIC)
    while at < len(content):
        header = content[at : at + _HEADER]
        if len(header) < _HEADER or header[58:] != b"`\n":
            raise ValueError(f"no member header at byte {at}")
        size = int(header[48:58])
        at += _HEADER
        if size < 0 or at + size > len(content):
            raise ValueError(f"a member of {size} bytes ends past the end of the file")
        members[header[:16].decode("ascii").rstrip(" /")] = content[at : at + size]
        at += size + size % 2  # members start at even bytes
    return members
