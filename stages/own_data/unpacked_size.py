"""What Parquet and Arrow files grow to when they are read: a file of a kilobyte can stand for terabytes.

Dictionaries, views and lists repeat one value many times, and compressed buffers may hold nothing but zeros. Sizes are read from the
footer, or from what is still packed, before any memory is allocated.
"""

import mmap
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MAX_UNPACKED = 2**28  # bytes that any file may grow to
GROWTH = 50  # bytes for each byte of the file that a large one may grow to (docs/decisions/0042-bounded-input.md)
MAX_DEPTH = 8  # lists and structs within each other
MAGIC, CONTINUATION = b"ARROW1", 0xFFFFFFFF
DICTIONARY_BATCH = 2  # type of message in the IPC format
UNREADABLE = (struct.error, IndexError, ValueError)


class GrowthError(Exception):
    """A file would grow to more than is sensible for its size."""


def refuse_growth(path: Path, n_bytes: int) -> None:
    """Raise GrowthError if the contents of a file take more than MAX_UNPACKED and GROWTH allow."""
    allowed = MAX_UNPACKED + GROWTH * path.stat().st_size
    if n_bytes > allowed:
        raise GrowthError(f"its {path.stat().st_size:,} bytes stand for {n_bytes:,}, expected at most {allowed:,}: one long value "
                          "may repeat in many rows; store it once, as a file that the rows name, or split the table")


def plain_type(kind: pa.DataType, depth: int = 0) -> pa.DataType:
    """Return a type with dictionaries decoded and every kind of string or bytes in its common form.

    Raises:
        ValueError: if no modality reads such a type: nested too deeply, run-end encoded, or a view of a list.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(kind, pa.RunEndEncodedType | pa.ListViewType | pa.LargeListViewType):
        name = type(kind).__name__.removesuffix("Type")
        raise ValueError(f"of type {name}, in which one value can stand for many; save it as a plain column")
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type, depth)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(plain_type(field.type, depth + 1)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(kind.key_field.with_type(plain_type(kind.key_type, depth + 1)),
                       kind.item_field.with_type(plain_type(kind.item_type, depth + 1)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(plain_type(kind.value_type, depth + 1)), kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        of = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return of(kind.value_field.with_type(plain_type(kind.value_type, depth + 1)))
    if pa.types.is_string_view(kind) or (depth == 0 and pa.types.is_large_string(kind)):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(kind) else kind


def viewed_bytes(array: pa.Array) -> int:
    """Return what a column of views takes decoded, 0 for others: read from the views alone, which are not checked yet."""
    if not (pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type)):
        return 0
    lengths = np.frombuffer(array.buffers()[1], np.int32)[::4][array.offset : array.offset + len(array)]  # of each 16 bytes the first 4
    return int(lengths.astype(np.int64).sum())


def decoded_bytes(array: pa.Array) -> int:
    """Return what an array takes with dictionaries and views decoded; 0 for columns of numbers, which grow with the rows alone."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        values = array.dictionary
        is_variable = pa.types.is_string(kind.value_type) or pa.types.is_binary(kind.value_type)
        is_variable = is_variable or pa.types.is_large_string(kind.value_type) or pa.types.is_large_binary(kind.value_type)
        sizes = pc.binary_length(values).cast(pa.int64()) if is_variable else pa.array([values.nbytes // max(len(values), 1)] * len(values))
        return int(pc.sum(sizes.take(array.indices)).as_py() or 0)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return viewed_bytes(array)
    if pa.types.is_struct(kind):
        return sum(decoded_bytes(child) for child in array.flatten())
    if pa.types.is_nested(kind):
        inner = array.flatten()
        if pa.types.is_map(kind):
            inner = pa.StructArray.from_arrays([array.keys, array.items], names=["key", "item"])
        return max(decoded_bytes(inner), inner.nbytes)
    return array.nbytes if not pa.types.is_primitive(kind) else 0


def parquet_bytes(about: "FileMetaData") -> int:
    """Return what the columns take unpacked, as the footer declares: packed texts, and the numbers in lists."""
    total = 0
    for group in (about.row_group(i) for i in range(about.num_row_groups)):
        for column in (group.column(i) for i in range(group.num_columns)):
            is_listed = column.num_values > group.num_rows or "." in column.path_in_schema
            if column.physical_type == "BYTE_ARRAY" or is_listed:
                total += column.total_uncompressed_size + (8 * column.num_values if is_listed else 0)
    return total


def ipc_bytes(path: Path) -> int:
    """Return what the compressed buffers of an Arrow file declare to unpack to; 0 if none is compressed.

    Source: arrow.apache.org/docs/format/Columnar.html, "IPC File Format"; the tables are FlatBuffers.

    Raises:
        ValueError: if the file is damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        if raw[-len(MAGIC) :] != MAGIC:
            raise ValueError("it does not end as an Arrow file does; it may be truncated")
        try:
            footer = _Table.at(raw, len(raw) - len(MAGIC) - 4 - struct.unpack_from("<i", raw, len(raw) - len(MAGIC) - 4)[0])
            blocks = [block for place in (2, 3) for block in struct.iter_unpack("<qi4xq", footer.vector(place, 24))]
            return sum(_packed(raw, start, size) for start, size, _ in blocks)
        except UNREADABLE as error:
            raise ValueError(f"its footer is damaged ({error})") from error


def _packed(raw: mmap.mmap, start: int, size: int) -> int:
    """Return what the compressed buffers of a message take unpacked."""
    is_new = struct.unpack_from("<I", raw, start)[0] == CONTINUATION
    message = _Table.at(raw, start + (8 if is_new else 4))
    batch = message.table(2)
    if message.byte(1) == DICTIONARY_BATCH:
        batch = batch.table(1)
    if batch.place(3) is None:  # not compressed
        return 0
    body, total = start + size, 0
    for offset, length in struct.iter_unpack("<qq", batch.vector(2, 16)):
        if length:
            total += max(struct.unpack_from("<q", raw, body + offset)[0], 0)
    return total


class _Table:
    """A table of a FlatBuffer: a position in the bytes, before which lies the list of its fields' places."""

    def __init__(self, raw: mmap.mmap, at: int) -> None:
        self.raw, self.start = raw, at

    @classmethod
    def at(cls, raw: mmap.mmap, start: int) -> "_Table":
        """Return the table that a reference at `start` leads to."""
        return cls(raw, start + int(struct.unpack_from("<I", raw, start)[0]))

    def place(self, field: int) -> int | None:
        """Return where a field's value is; None if it has its default."""
        fields = self.start - struct.unpack_from("<i", self.raw, self.start)[0]
        if 4 + 2 * field >= struct.unpack_from("<H", self.raw, fields)[0]:
            return None
        offset = struct.unpack_from("<H", self.raw, fields + 4 + 2 * field)[0]
        return self.start + offset if offset else None

    def byte(self, field: int) -> int:
        """Return a field of one byte."""
        place = self.place(field)
        return 0 if place is None else self.raw[place]

    def table(self, field: int) -> "_Table":
        """Return a field that is a table."""
        place = self.place(field)
        if place is None:
            raise ValueError(f"field {field} is missing")
        return _Table.at(self.raw, place)

    def vector(self, field: int, width: int) -> bytes:
        """Return the bytes of a field that is a list of structs of `width` bytes."""
        place = self.place(field)
        if place is None:
            return b""
        start = place + int(struct.unpack_from("<I", self.raw, place)[0])
        stop = start + 4 + width * int(struct.unpack_from("<I", self.raw, start)[0])
        if stop > len(self.raw):
            raise ValueError("a list is longer than the file")
        return self.raw[start + 4 : stop]
