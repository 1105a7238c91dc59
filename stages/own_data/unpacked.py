"""Open a file as the bytes that it unpacks to: gzip, bzip2, xz, Zstandard, or a zip archive of one file. Its first bytes decide.

What comes out is bounded, by its size and by its ratio to the file, so that a small file cannot keep a stage busy or fill the memory.
"""

import io
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import pyarrow as pa

from stages.foundation.errors import InputError
from stages.readers.archive import DAMAGE

ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")
WORKBOOKS = (".xlsx", ".xlsm")  # of Excel: zip archives that are read as tables
MAX_BYTES = 2**33  # that come out of a file
MAX_RATIO = 200  # of these to the file's own, from FREE_BYTES on: text packs to a tenth, rarely to a fiftieth
FREE_BYTES = 2**26
DEFLATE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the methods of zip that Python unpacks in bounded steps
XZ_MEMORY_BYTES = 2**27  # xz -9 needs 65 MiB
BLOCK_BYTES = 2**20
_UNREADABLE = (*DAMAGE, pa.ArrowException, lzma.LZMAError, MemoryError)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


def table_ending(path: Path) -> str:
    """Return the ending of a file's name in lower case, without that of a compression: `.csv` of `t.CSV.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in ENDINGS else "".join(suffixes[-1:])


def is_compressed(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is compressed, and no archive of several files."""
    return not start.startswith(b"PK") and any(re.match(magic, start) for magic in _OPENERS)


def unpacked(path: Path, name: str, max_bytes: int = MAX_BYTES) -> BinaryIO:
    """Return a file's bytes, unpacked if it is compressed, as a stream to be closed.

    Args:
        name: the file's name in messages.
    Raises:
        InputError: here or while it is read, if the file is damaged, cut off, encrypted, or unpacks to too much.
    """
    with path.open("rb") as file:
        start = file.read(8)
    opener = next((opener for magic, opener in _OPENERS.items() if re.match(magic, start)), None)
    if opener is None:
        return path.open("rb")
    try:
        stream = opener(path, name)
    except _UNREADABLE as error:
        raise _damaged(name, error) from error
    return cast(BinaryIO, io.BufferedReader(Bounded(stream, name, path.stat().st_size, max_bytes), BLOCK_BYTES))


class Bounded(io.RawIOBase):
    """The bytes of a decompressing stream, up to the limits; raises InputError beyond them, or where the stream is damaged."""

    def __init__(self, stream: _Stream, name: str, packed_bytes: int, max_bytes: int) -> None:
        super().__init__()
        self._stream, self._name, self._n_bytes = stream, name, 0
        self._limit = min(max_bytes, max(FREE_BYTES, MAX_RATIO * packed_bytes))

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._stream.close()
        super().close()

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill the buffer as far as possible; return the number of bytes, 0 at the end."""
        try:
            block = self._stream.read(min(len(buffer), BLOCK_BYTES))
        except _UNREADABLE as error:
            raise _damaged(self._name, error) from error
        self._n_bytes += len(block)
        if self._n_bytes > self._limit:
            raise InputError(f"{self._name}: unpacks to more than {self._limit:,} bytes ({MAX_RATIO} times its size, at least "
                             f"{FREE_BYTES:,}, is the limit); if that is right, unpack it and name the file itself")
        buffer[: len(block)] = block
        return len(block)


class _Xz:
    """The streams of an .xz file, one after the other, in bounded memory."""

    def __init__(self, path: Path, _name: str) -> None:
        self._file, self._packed, self._decoder = path.open("rb"), b"", self._new()
        self.close = self._file.close

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)

    def read(self, size: int) -> bytes:
        found = b""
        while not found:
            if self._decoder.eof:
                self._packed = self._decoder.unused_data.lstrip(b"\0")  # streams may be padded
                while not self._packed:
                    block = self._file.read(BLOCK_BYTES)
                    if not block:
                        return b""
                    self._packed = block.lstrip(b"\0")
                self._decoder = self._new()
            elif self._decoder.needs_input and not self._packed:
                self._packed = self._file.read(BLOCK_BYTES)
                if not self._packed:
                    raise EOFError("it ends too early")
            found, self._packed = self._decoder.decompress(self._packed, size), b""
        return found


def _by_arrow(codec: str) -> Callable[[Path, str], _Stream]:
    return lambda path, _: cast(_Stream, pa.input_stream(str(path), compression=codec))


def _only_member(path: Path, name: str) -> _Stream:
    """Return the only file in a zip archive."""
    archive = zipfile.ZipFile(path)
    members = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        some = ", ".join(info.filename for info in members[:5]) + (", …" if len(members) > 5 else "")
        raise InputError(f"{name}: holds {len(members)} files ({some}), and a table is one; unpack it and name the table in it")
    if members[0].compress_type not in DEFLATE:
        raise InputError(f"{name}: is compressed by method {members[0].compress_type} of zip, which is not read; unpack it")
    return cast(_Stream, archive.open(members[0]))


# first bytes, as a regular expression → how to open such a file
_OPENERS: dict[bytes, Callable[[Path, str], _Stream]] = {
    rb"\x1f\x8b\x08": _by_arrow("gzip"),
    rb"BZh[1-9](1AY&|\x17rE8)": _by_arrow("bz2"),
    rb"\x28\xb5\x2f\xfd": _by_arrow("zstd"),
    rb"\xfd7zXZ\0": _Xz,
    rb"PK\x03\x04": _only_member,
}


def _damaged(name: str, error: BaseException) -> InputError:
    return InputError(f"{name}: cannot be unpacked ({str(error) or type(error).__name__}); it is damaged, cut off or encrypted: fetch it "
                      "again, or unpack it with the program that packed it")
