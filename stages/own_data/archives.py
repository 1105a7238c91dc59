"""Zip and tar archives read as folders: their members are files, and nothing is unpacked by name.

Members of a zip are read one by one, those of a tar by their place in it. A compressed tar has no places, so it is unpacked once, as a
whole, to a file without a name on the workspace's disk, which is gone when the stage ends. Links and devices are not
read; an archive with a path that leaves it is refused. A single folder that holds everything is left out, so that an archive of a folder
and one of its contents are the same.
"""

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import weakref
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from stages.foundation.errors import InputError
from stages.own_data.absent import AbsentError
from stages.own_data.paths_inside import MAX_FILE_BYTES, is_skipped, is_text
from stages.own_data.unpacked import DEFLATE, FREE_BYTES, MAX_RATIO, is_compressed, unpacked
from stages.readers.archive import DAMAGE

WORK = Path(".sensorium")  # in the workspace, ignored by git
MAX_TAR_BYTES = 2**40  # that a compressed tar unpacks to
BLOCK_BYTES = 2**20
LINK = "is a link, which is not followed in an archive; pack the file itself (`tar --dereference`, `zip` without -y)"
_UNREADABLE = (*DAMAGE, tarfile.TarError, OverflowError)


@dataclass(frozen=True)
class Member:
    """A file of an archive: its size, how to read it, and why it is not read, if so."""

    n_bytes: int
    read: Callable[[], bytes]
    refused: str = ""


class ArchiveFiles:
    """The files in an archive."""

    def __init__(self, members: dict[str, Member]) -> None:
        self._members = members

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """Return a file; raise ValueError, with a message for the user, if it cannot be read or is too large."""
        member = self._readable(name)
        if member.n_bytes > MAX_FILE_BYTES:
            raise ValueError(f"{name}: {member.n_bytes:,} bytes, more than {MAX_FILE_BYTES:,}; cut it into several samples")
        try:
            content = member.read()
        except _UNREADABLE as error:
            raise ValueError(f"{name}: cannot be unpacked ({error}); it is damaged: pack it again") from error
        if len(content) != member.n_bytes:
            raise ValueError(f"{name}: {len(content):,} of {member.n_bytes:,} bytes are in the archive; it is damaged: pack it again")
        return content

    def n_bytes(self, name: str) -> int:
        """Return the size of a file, which is not unpacked; raise ValueError if it is not there, or not read."""
        return self._readable(name).n_bytes

    def digest(self, name: str) -> tuple[str, int, bool]:
        """Return the SHA-256 of a file, its bytes, and True; of one that cannot be read the reason, 0 and False."""
        try:
            content = self.read(name)
        except ValueError as error:
            return str(error), 0, False
        return hashlib.sha256(content).hexdigest(), len(content), True

    @cached_property
    def _folded(self) -> dict[str, str]:
        """Names by what they are without case."""
        return {name.casefold(): name for name in self.names()}

    def _readable(self, name: str) -> Member:
        member = self._members.get(unicodedata.normalize("NFC", name))
        if member is None and (os.path.isabs(name) or any(part == ".." or is_skipped(part) for part in name.split("/"))):
            raise ValueError(f"{name}: absolute, with a part '..', or of a name that no sample has; name a file in the archive")
        if member is None and (other := self._folded.get(name.casefold())):
            raise ValueError(f"{name}: no such file in the archive, but there is {other}; write the name in the same case")
        if member is None:
            raise AbsentError(f"{name}: no such file in the archive", name)
        if member.refused:
            raise ValueError(f"{name}: {member.refused}")
        return member


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip or tar archive, or compressed and called .tar.gz, .tgz and the like."""
    with path.open("rb") as file:
        start = file.read(512)
    is_packed_tar = is_compressed(start) and (".tar." in path.name.lower() or path.suffix.lower() in (".tgz", ".tbz2", ".txz", ".tzst"))
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06") or start[257:262] == b"ustar" or path.suffix.lower() == ".tar" or is_packed_tar


def open_archive(path: Path, name: str, *, keep_top: bool = False) -> ArchiveFiles:
    """Return the files of an archive.

    Args:
        name: the archive's name in messages.
        keep_top: whether a single folder that holds everything stays in the names.
    Raises:
        InputError: if it is damaged, cut off or encrypted, has a name twice or one that leaves it, or would unpack to too much.
    """
    with path.open("rb") as file:
        start = file.read(8)
    try:
        if start.startswith(b"PK"):
            return ArchiveFiles(_by_name(_zip_members(path, name), name, keep_top=keep_top))
        with ExitStack() as until_failed:
            tar = until_failed.enter_context(_unpacked_tar(path, name) if is_compressed(start) else path.open("rb"))
            files = ArchiveFiles(_by_name(_tar_members(tar, name), name, keep_top=keep_top))
            weakref.finalize(files, until_failed.pop_all().close)  # members are read as long as `files` lives
            return files
    except _UNREADABLE as error:
        raise InputError(f"{name}: cannot be read as an archive ({error}); it is damaged or cut off: pack or fetch it again") from error


def _zip_members(path: Path, name: str) -> Iterator[tuple[str, Member]]:
    archive = zipfile.ZipFile(path)  # stays open as long as a member can be read
    members = [info for info in archive.infolist() if not info.is_dir()]
    if encrypted := [info.filename for info in members if info.flag_bits & 1]:
        raise InputError(f"{name}: {encrypted[0]!r} is encrypted ({len(encrypted)} such files); unpack it and name the folder")
    _refuse_bomb(sum(info.file_size for info in members), path.stat().st_size, name)
    for info in members:
        mode = info.external_attr >> 16
        kind = stat.S_IFMT(mode) if info.create_system == 3 else 0
        refused = LINK if kind == stat.S_IFLNK else "is a device, pipe or socket" if kind not in (0, stat.S_IFREG) else ""
        if info.compress_type not in DEFLATE:
            refused = refused or f"is compressed by method {info.compress_type} of zip, which is not read; pack it by deflate"
        yield _zip_name(info), Member(info.file_size, lambda info=info: _zip_content(archive, info), refused)  # type: ignore[misc]


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; macOS writes UTF-8 without the mark that says so, which then is read as cp437."""
    if not info.flag_bits & 0x800:
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return b"".join(iter(lambda: file.read(BLOCK_BYTES), b""))  # in blocks: a member may hold more than it declares


def _refuse_bomb(n_bytes: int, packed_bytes: int, name: str) -> None:
    if n_bytes > max(FREE_BYTES, MAX_RATIO * packed_bytes):
        raise InputError(f"{name}: its files have {n_bytes:,} bytes, more than {MAX_RATIO} times the archive's {packed_bytes:,}; if that "
                         "is right, unpack it and name the folder")


def _unpacked_tar(path: Path, name: str) -> IO[bytes]:
    """Return a compressed tar as an open file without a name, which nothing needs to remove."""
    WORK.mkdir(exist_ok=True)
    file = tempfile.TemporaryFile(dir=WORK)  # noqa: SIM115 - stays open as long as a member can be read
    try:
        with unpacked(path, name, MAX_TAR_BYTES) as content:
            shutil.copyfileobj(content, file, BLOCK_BYTES)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _tar_members(file: IO[bytes], name: str) -> Iterator[tuple[str, Member]]:
    members: dict[str, Member] = {}
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as archive:
        for info in archive:
            if info.isdir():
                continue
            if info.islnk():  # tar writes a file once, and its other names as links to the first
                found = members.get(info.linkname, Member(0, bytes, LINK))
            elif info.isreg() and not info.issparse():
                place, size = info.offset_data, info.size
                found = Member(size, lambda place=place, size=size: os.pread(file.fileno(), size, place))  # type: ignore[misc]
            else:
                found = Member(0, bytes, LINK if info.issym() else "is a device, a pipe or a sparse file")
            members.setdefault(info.name, found)
            yield info.name, found
        end = archive.offset
    file.seek(end)
    rest = file.read(tarfile.BLOCKSIZE)
    if len(rest) < tarfile.BLOCKSIZE or any(any(block) for block in (rest, *iter(lambda: file.read(BLOCK_BYTES), b""))):
        raise InputError(f"{name}: the archive ends too early, or is damaged at byte {end:,}, or several are in one file; pack it again")


def _by_name(found: Iterator[tuple[str, Member]], archive: str, *, keep_top: bool) -> dict[str, Member]:
    """Return the members that can be samples by their names; raise InputError if two have one name."""
    members: dict[str, Member] = {}
    for written, member in found:
        name = unicodedata.normalize("NFC", written.removeprefix("./"))
        if any(is_skipped(part) for part in name.split("/") if part not in (".", "..")) or not name:
            continue
        if not is_text(name):
            raise InputError(f"{archive}: {name.encode(errors='surrogateescape')!r} is not UTF-8; rename it and pack it again")
        if name in members:
            raise InputError(f"{archive}: {name!r} is in it twice; pack it again with each file once")
        if os.path.isabs(name) or {"", ".", ".."} & set(name.split("/")):
            raise InputError(f"{archive}: {name!r} is absolute, or has a part '..', '.' or ''; pack it again, relative to a folder")
        members[name] = member
    tops = {name.partition("/")[0] for name in members}
    if len(tops) == 1 and not keep_top and all(name.partition("/")[2] for name in members):
        return {name.partition("/")[2]: member for name, member in members.items()}
    return members
