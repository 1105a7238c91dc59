"""Text files in UTF-8, in UTF-16 or UTF-32 with a byte order mark, or in an encoding that the source declares for the others."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stages.foundation.errors import InputError
from stages.own_data.unpacked import unpacked

MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
CHUNK_BYTES = 2**20


def _known(name: str) -> str:
    try:
        b"x".decode(name, errors="replace")  # an empty text would be decoded by any name
    except LookupError as error:
        raise ValueError("expected the name of an encoding of text, such as cp1252, latin-1, shift_jis or gb18030") from error
    return name


Encoding = Annotated[
    str | None, AfterValidator(lambda name: None if name is None else _known(name)),
    Field(description="of text that is not UTF-8, such as cp1252 (Western European), cp1251 (Cyrillic), shift_jis or gb18030"),
]  # fmt: skip


def text_lines(path: Path, name: str, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a text file, unpacked if it is compressed, with their ends: LF, CR LF or CR.

    Args:
        name: the file's name in messages. encoding: of a file that is not UTF-8; None: it is refused.
    Raises:
        InputError: with the line and byte that cannot be decoded, or if the file cannot be unpacked.
    """
    with unpacked(path, name) as file:
        head = file.read(4)
    marked = next((codec for mark, codec in MARKS if head.startswith(mark)), None)
    codec = marked or ("utf-8-sig" if encoding is None or _is_utf8(path, name) else encoding)
    with io.TextIOWrapper(unpacked(path, name), encoding=codec, newline="") as text:
        try:
            yield from text
        except UnicodeError as error:
            raise InputError(f"{name}: {_undecodable(path, name, codec)}") from error


def decoded(raw: bytes, encoding: str | None) -> str:
    """Return the text of a file, without the byte order mark at its start.

    Raises:
        ValueError: naming the first byte that cannot be decoded.
    """
    marked = next((codec for mark, codec in MARKS if raw.startswith(mark)), None)
    try:
        return raw.decode(marked or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding is not None and not marked:
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError as other:
                raise ValueError(f"neither UTF-8 nor {encoding}: byte {other.start} is 0x{raw[other.start]:02x}") from other
        raise ValueError(f"not {marked or 'UTF-8'}: byte {error.start} is 0x{raw[error.start]:02x} ({error.reason}); {REMEDY}") from error


def guessed_encoding(raw: bytes) -> str | None:
    """Return None for UTF-8 (a last character that is cut off counts as whole) or text with a byte order mark, else cp1252 or latin-1."""
    if any(raw.startswith(mark) for mark, _ in MARKS):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        try:
            raw.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return None


REMEDY = "save it as UTF-8, or name its encoding in the source, such as `encoding: cp1252`"


def _is_utf8(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with unpacked(path, name) as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _undecodable(path: Path, name: str, codec: str) -> str:
    """Return where a file is not in the encoding; by line, where a line ends in one byte."""
    before, is_wide = 0, codec in {wide for _, wide in MARKS}
    with unpacked(path, name) as file:
        for number, line in enumerate([file.read()] if is_wide else file, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError as error:
                place, where = before + error.start, "" if is_wide else f"line {number}: "
                return f"{where}not {codec.removesuffix('-sig').upper()}: byte {place} is 0x{line[error.start]:02x}; {REMEDY}"
            before += len(line)
    return f"not {codec.upper()}; {REMEDY}"
