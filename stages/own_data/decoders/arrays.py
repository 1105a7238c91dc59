"""Arrays of numbers: .npy and .npz files, rows of numbers as text.

No code in a file runs (no pickle), and headers are checked before memory is allocated. Numbers become float64: time stamps and map
coordinates lose digits in float32.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.own_data.decoders.text_files import check_size, lines, separator, split, to_number

MAX_BYTES = 2**28  # of one sample's file, packed or unpacked
MAX_VALUES = 20_000_000  # numbers in one sample
MAX_AXES = 32  # of an array, NumPy's own limit for long
MAX_WIDTH = 4096  # numbers in one point, sensors on one side of a grid
MAX_DIRECTORY = 2**16  # bytes of an .npz file's directory
MAX_HEADER = 10_000  # bytes of an .npy file's header, NumPy's own limit
HEADER_FIELD = re.compile(r"'(descr|fortran_order|shape)'\s*:\s*(?:'([^']*)'|(True|False)|\(([\dL,\s]*)\))")
NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
PREFERRED = ("series", "values")  # of several arrays in an .npz file
BROKEN_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, LookupError, RuntimeError,
    ArithmeticError,
)  # fmt: skip


def read_npy(raw: bytes) -> np.ndarray:
    """Return the numbers of an .npy file, float64 of any shape.

    Raises:
        ValueError: if it holds anything but numbers (Python objects included), or its size differs from its header's.
    """
    check_size(raw, MAX_BYTES)
    if raw[:6] != b"\x93NUMPY" or len(raw) < 10 or raw[6] not in (1, 2, 3):
        raise ValueError(f"not an .npy file ({len(raw)} bytes that start with {raw[:6]!r}); write it with numpy.save")
    start, form = (10, "<H") if raw[6] == 1 else (12, "<I")
    size = struct.unpack_from(form, raw, 8)[0] if len(raw) >= start else 0
    if not 0 < size <= MAX_HEADER or start + size > len(raw):
        raise ValueError(f".npy header of {size} bytes in a file of {len(raw)}: the file is truncated or damaged")
    kind, shape, order = _parse_header(raw[start : start + size].decode("latin-1"))
    n_values = math.prod(shape)
    if n_values > MAX_VALUES:
        raise ValueError(f".npy file of shape {shape}, {n_values:,} numbers; expected at most {MAX_VALUES:,} per sample")
    found, expected = len(raw) - start - size, n_values * kind.itemsize
    if found != expected:
        what = "is truncated" if found < expected else "is longer than its header declares"
        raise ValueError(f".npy file {what}: {kind} of shape {shape} needs {expected:,} bytes, found {found:,}")
    values = np.frombuffer(raw, kind, n_values, start + size).reshape(shape, order=order)
    with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
        return values.astype(np.float64, order="C")


def _parse_header(header: str) -> tuple[np.dtype, tuple[int, ...], Any]:
    """Return dtype, shape and order of an .npy header, matched by a regular expression: it is not evaluated."""
    fields = {name: text or word or numbers for name, text, word, numbers in HEADER_FIELD.findall(header)}
    code = fields.get("descr", "")
    if code.lstrip("<>|=").startswith("O"):
        raise ValueError(".npy file of Python objects (a pickle, which could run code), which is not read; "
                         "save an array of numbers, one file per sample")
    if not NUMBERS.fullmatch(code) or "fortran_order" not in fields or "shape" not in fields:
        raise ValueError(f".npy header {header.strip()[:100]!r}; expected an array of whole or real numbers")
    sizes = [size.strip().removesuffix("L") for size in fields["shape"].split(",")]
    if len(sizes) > MAX_AXES + 1:  # a comma may follow the last one
        raise ValueError(f".npy header with a shape of {len(sizes):,} axes; expected at most {MAX_AXES}")
    if any(len(size) > 18 or (size and not size.isdecimal()) for size in sizes):
        raise ValueError(f".npy header with the shape ({fields['shape'][:100]}); expected whole numbers")
    return np.dtype(code), tuple(int(size) for size in sizes if size), "F" if fields["fortran_order"] == "True" else "C"


def read_npz(raw: bytes) -> np.ndarray:
    """Return the one array of an .npz file, or that named `series` or `values`; see `read_npy`."""
    check_size(raw, MAX_BYTES)
    _check_directory(raw)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            member = _member_to_read(archive.infolist())
            content = archive.read(member)
    except UnsupportedNpzError as error:
        raise ValueError(str(error)) from error
    except BROKEN_ZIP as error:
        raise ValueError(f".npz file of {len(raw)} bytes is damaged ({type(error).__name__}: {error})") from error
    try:
        return read_npy(content)
    except ValueError as error:
        raise ValueError(f"array {member.orig_filename!r} of the .npz file: {error}") from error


class UnsupportedNpzError(Exception):
    """An .npz file is valid, but not of a supported form."""


def _check_directory(raw: bytes) -> None:
    """Raise ValueError unless a ZIP file's directory is small: zipfile reads all of it first."""
    at = len(raw) - 22
    if at < 0 or raw[at : at + 4] != b"PK\5\6" or raw[-2:] != b"\0\0":
        at = raw.rfind(b"PK\5\6", max(0, len(raw) - 22 - 2**16))
    if at < 0 or at + 22 > len(raw):
        raise ValueError(f"not an .npz file, or a truncated one ({len(raw)} bytes that start with {raw[:4]!r})")
    size = struct.unpack_from("<I", raw, at + 12)[0]
    if size > MAX_DIRECTORY or raw[max(0, at - 20) : at - 16] == b"PK\6\7":
        raise ValueError("an .npz file with too many arrays, or of the ZIP64 form (above 4 GB); expected one array per file")


def _member_to_read(members: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    names = [member.orig_filename for member in members]
    for member in members:
        name = member.orig_filename
        if not name.endswith(".npy") or re.search(r"[/\\:\0]", name):
            raise UnsupportedNpzError(f"an .npz file with a member {name!r}; expected arrays, whose names end in .npy and have no folder")
    stems = [name.removesuffix(".npy") for name in names]
    wanted = [i for i, stem in enumerate(stems) if stem in PREFERRED] if len(members) > 1 else list(range(len(members)))
    if len(wanted) != 1:
        found = ", ".join(stems[:20]) or "(none)"
        raise UnsupportedNpzError(f"an .npz file of the arrays {found}; expected a single one, or one named {' or '.join(PREFERRED)}")
    member = members[wanted[0]]
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsupportedNpzError("an .npz file that is encrypted or of another compression; write it with numpy.savez_compressed")
    if member.file_size > MAX_BYTES:
        raise UnsupportedNpzError(f"an .npz file that unpacks to {member.file_size:,} bytes; expected at most {MAX_BYTES:,} per sample")
    return member


def read_rows(raw: bytes, suffix: str) -> np.ndarray:
    """Return the numbers of a text file, float64 (n, c): a row per line, NaN where a cell is empty; a header is skipped.

    Raises:
        ValueError: naming the line that is blank, differs from the first in its number of cells, or has a cell that is not a number.
    """
    values, width, mark, blank = array("d"), 0, None, 0
    for line, content in lines(raw):
        if not content:
            blank = blank or (line if values else 0)
            continue
        if blank:
            raise ValueError(f"line {blank} is blank, between rows; remove it, or write NaN in it")
        is_first = not width
        mark = separator(content, suffix) if is_first else mark
        cells = split(content, mark, line)
        row = [to_number(cell) for cell in cells]
        width = width or len(cells)
        if is_first and _is_header(row):
            continue
        _check_row(line, cells, row, width)
        values.extend(row)  # type: ignore[arg-type]
        if len(values) > MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES:,} numbers by line {line}; expected at most as many per sample")
    if not values:
        raise ValueError("no row of numbers in the file")
    return np.frombuffer(values, dtype=np.float64).reshape(-1, width).copy()


def _is_header(row: list[float | None]) -> bool:
    """Return whether a row names columns: it holds text, and no number."""
    return None in row and all(number is None or math.isnan(number) for number in row)


def _check_row(line: int, cells: list[str], row: list[float | None], width: int) -> None:
    if len(row) != width:
        raise ValueError(f"line {line} has {len(row)} cells, the first row has {width}; expected the same number in every row")
    if None in row:
        place = row.index(None)
        raise ValueError(f"line {line}: cell {place + 1} is {cells[place][:40]!r}; expected a number (decimal point, no thousands mark)")
