"""Numbers that are equal where the contents of samples are: bytes, texts, numbers, lists and structs of them, without Python objects."""

import hashlib
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = np.uint64(0)
PRIME = np.uint64(0x9E3779B97F4A7C15)
SECOND, THIRD = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def content_keys(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return uint64 (n,): equal where the contents are, up to a chance of 1 in 10^19 per pair; 0 where null."""
    if isinstance(column, pa.ChunkedArray):  # chunk by chunk: all files of a large data set may be too many bytes for one array
        return np.concatenate([np.zeros(0, np.uint64), *(content_keys(chunk) for chunk in column.chunks)])
    keys = _keys(column)
    return np.where(keys == MISSING, PRIME, keys) * _valid(column).astype(np.uint64)


def mixed(values: np.ndarray) -> np.ndarray:
    """Return uint64 values whose bits are mixed, a one-to-one mapping (splitmix64)."""
    mixing = values.astype(np.uint64) + PRIME
    mixing = (mixing ^ (mixing >> np.uint64(30))) * SECOND
    mixing = (mixing ^ (mixing >> np.uint64(27))) * THIRD
    return mixing ^ (mixing >> np.uint64(31))


def combined(parts: list[np.ndarray]) -> np.ndarray:
    """Return one key per row from those of its parts, in their order: uint64 (n,)."""
    total = np.zeros_like(parts[0])
    for place, part in enumerate(parts):
        total += mixed(part ^ mixed(np.full(1, place + 1, np.uint64)))
    return mixed(total)


def _keys(whole: pa.Array) -> np.ndarray:
    kind = whole.type
    if pa.types.is_dictionary(kind):
        return _keys(whole.dictionary_decode())
    if pa.types.is_struct(kind):
        return combined([content_keys(child) for child in whole.flatten()])
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        wide = whole.cast(pa.large_binary())
        offsets = np.frombuffer(wide.buffers()[1], np.int64)[wide.offset : wide.offset + len(wide) + 1]
        data = wide.buffers()[2]
        return _hashed(memoryview(data) if data is not None else memoryview(b""), offsets)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values, size = _elements(whole.values)
        return _hashed(values.data.cast("B"), np.from_dlpack(whole.offsets).astype(np.int64) * size)
    values, size = _elements(whole)
    if size == 8:
        return mixed(values.view(np.uint64))
    return _hashed(values.data.cast("B"), np.arange(len(whole) + 1) * size)


def _elements(values: pa.Array) -> tuple[np.ndarray, int]:
    """Return the elements of an array as one run of memory, and the bytes of each."""
    kind = values.type
    if pa.types.is_fixed_size_list(kind) and values.null_count == 0:
        inner, size = _elements(values.flatten())
        return inner, size * kind.list_size
    if pa.types.is_boolean(kind):
        return _elements(values.cast(pa.uint8()))
    if (pa.types.is_floating(kind) or pa.types.is_integer(kind)) and values.null_count == 0:
        numbers = np.ascontiguousarray(np.from_dlpack(values))
        return numbers + 0 if kind in (pa.float32(), pa.float64()) else numbers, numbers.itemsize  # -0.0 becomes 0.0
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return content_keys(_with_marks(values)), 8
    if pa.types.is_null(kind):
        return np.zeros(len(values), np.uint64), 8
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return content_keys(values.cast(pa.string())), 8
    return content_keys(values), 8


def _with_marks(values: pa.Array) -> pa.Array:
    """Return numbers with nulls as a struct of a number and of whether it is known."""
    known = pc.fill_null(values, pa.scalar(0, values.type))
    return pa.StructArray.from_arrays([known, values.is_valid()], names=["number", "known"])


def _hashed(data: memoryview, offsets: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of each run of bytes between two offsets."""
    digests = b"".join(hashlib.blake2b(data[start:stop], digest_size=8).digest() for start, stop in pairwise(offsets.tolist()))
    return np.frombuffer(digests, "<u8").copy()


def _valid(whole: pa.Array) -> np.ndarray:
    return np.from_dlpack(whole.is_valid().cast(pa.uint8())).astype(bool)
