"""A text file of blocks: a line with the label, then rows of numbers; blank lines between blocks. Each block is a sample."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.tables import fixed_lists
from stages.own_data.paths_inside import MAX_FILE_BYTES, existing
from stages.own_data.sample_files import FolderFiles
from stages.own_data.source_rows import SourceKind, SourceRows, numbered, table_reader
from stages.own_data.unpacked import unpacked

LABEL, BLOCK = "label", "block"
_SEPARATORS = re.compile(r"[\s,;]+")
Block = tuple[int, str, list[list[float]]]  # line of the label, label, rows


class BlocksSourceSettings(Settings):
    blocks: str = Field(min_length=1, description="a text file: a line with the label, rows of numbers, blank lines between")


def open_rows(settings: BlocksSourceSettings, key: str) -> SourceRows:
    """Return a row per block, with `label` and `block` (its rows of numbers, as a series).

    Raises:
        InputError: naming the line that has another form.
    """
    path = existing(settings.blocks, f"{key}.blocks", folder=False)
    blocks = list(_blocks(_lines(path, settings.blocks), settings.blocks))
    if not blocks:
        raise InputError(f"{settings.blocks}: there is no block in it; expected a line with the label, then rows of numbers")
    points = np.array([row for _, _, rows in blocks for row in rows], dtype=np.float64)
    offsets = np.cumsum([0, *(len(rows) for _, _, rows in blocks)], dtype=np.int32)
    series = pa.ListArray.from_arrays(pa.array(offsets), fixed_lists(points))
    table = pa.table({LABEL: pa.array([label for _, label, _ in blocks], pa.string()), BLOCK: series})
    types = {field.name: field.type for field in table.schema}
    where = [f"line {line} of {path.name}" for line, _, _ in blocks]
    return SourceRows(FolderFiles(path.parent), numbered(len(blocks)), types, table_reader(table), where.__getitem__, BLOCK, written=True,
                      declared={}, files={path.name: path})


def _lines(path: Path, name: str) -> list[str]:
    with unpacked(path, name) as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"{name}: more than {MAX_FILE_BYTES:,} bytes; cut it into several files, or give a folder of .npy series")
    try:
        return raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}; save it as UTF-8") from error


def _blocks(lines: Sequence[str], name: str) -> Iterator[Block]:
    start, width = 0, 0
    for end in [*(i for i, line in enumerate(lines) if not line.strip()), len(lines)]:
        if end > start:
            label, rows = lines[start].strip(), [_numbers(lines[i], f"{name}: line {i + 1}") for i in range(start + 1, end)]
            if not rows:
                raise InputError(f"{name}: line {start + 1}: a label ({label[:40]!r}) without rows of numbers under it")
            width = width or len(rows[0])
            for i, row in enumerate(rows):
                if len(row) != width:
                    raise InputError(f"{name}: line {start + 2 + i}: {len(row)} numbers, but the first row has {width}")
            if _is_row_of_numbers(label, width):
                raise InputError(f"{name}: line {start + 1}: expected a label after the blank line, found a row of {width} numbers")
            yield start + 1, label, rows
        start = end + 1


def _numbers(line: str, where: str) -> list[float]:
    try:
        return [float(cell) for cell in _SEPARATORS.split(line.strip(" \t\r\n,;"))]
    except ValueError as error:
        found = line.strip()[:60]
        raise InputError(f"{where}: expected a row of numbers, found {found!r}; put a blank line before each label") from error


def _is_row_of_numbers(label: str, width: int) -> bool:
    try:
        return len([float(cell) for cell in _SEPARATORS.split(label)]) == width and width > 1
    except ValueError:
        return False


SOURCE = SourceKind("blocks", BlocksSourceSettings, open_rows)
