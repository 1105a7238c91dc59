"""Numbers that are equal where the contents of samples are: bytes, texts, numbers, lists and structs of them, without Python objects."""

import hashlib
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = np.uint64(0)
TEXTS = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary(), pa.string_view(), pa.binary_view())
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
    if kind in TEXTS:
        wide = whole.cast(pa.large_binary())
        offsets = np.frombuffer(wide.buffers()[1], np.int64)[wide.offset : wide.offset + len(wide) + 1]
        data = wide.buffers()[2]
        return _hashed(memoryview(data) if data is not None else memoryview(b""), offsets)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = np.from_dlpack(whole.offsets).astype(np.int64)
        values, size, gaps = _elements(whole.values)
    elif pa.types.is_fixed_size_list(kind) and not _is_plain(kind):
        offsets = np.arange(len(whole) + 1) * kind.list_size
        values, size, gaps = _elements(whole.values.slice(whole.offset * kind.list_size, len(whole) * kind.list_size))
    elif pa.types.is_null(kind):
        return np.zeros(len(whole), np.uint64)
    else:
        offsets = np.arange(len(whole) + 1)
        values, size, gaps = _elements(whole)
        if size == 8 and not pa.types.is_fixed_size_list(kind):
            return mixed(values.view(np.uint64))
    keys = _hashed(values.data.cast("B"), offsets * size)
    if gaps is not None and not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        before = np.r_[0, np.cumsum(gaps)]
        for row in np.flatnonzero(before[offsets[1:]] > before[offsets[:-1]]).tolist():  # a null in a list is no 0
            keys[row] = content_keys(pa.array([repr(whole[row].as_py())]))[0]
    return keys


def _elements(values: pa.Array) -> tuple[np.ndarray, int, np.ndarray | None]:
    """Return the elements of an array as one run of memory, nulls as 0; the bytes of each; and which hold a null (None: none does).

    What an element becomes depends on the type alone, so that chunks with nulls and without them agree.
    """
    kind = values.type
    if pa.types.is_fixed_size_list(kind) and _is_plain(kind):
        inner, size, gaps = _elements(values.values.slice(values.offset * kind.list_size, len(values) * kind.list_size))
        within = None if gaps is None else np.asarray(gaps.reshape(len(values), kind.list_size).any(axis=1))
        if values.null_count:
            within = ~_valid(values) if within is None else ~_valid(values) | within
        return inner, size * kind.list_size, within
    if pa.types.is_boolean(kind):
        return _elements(values.cast(pa.uint8()))
    if _is_plain(kind):
        filled = pc.fill_null(values, pa.scalar(0, kind)) if values.null_count else values
        numbers = np.ascontiguousarray(np.from_dlpack(filled))
        gaps = ~_valid(values) if values.null_count else None
        return numbers + 0 if pa.types.is_floating(kind) else numbers, numbers.itemsize, gaps  # -0.0 becomes 0.0
    nested = pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or kind in TEXTS
    return content_keys(values if nested else values.cast(pa.string())), 8, None


def _is_plain(kind: pa.DataType) -> bool:
    """Return whether a type is a number or a truth value, or fixed-size lists of them."""
    while pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _hashed(data: memoryview, offsets: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of each run of bytes between two offsets."""
    digests = b"".join(hashlib.blake2b(data[start:stop], digest_size=8).digest() for start, stop in pairwise(offsets.tolist()))
    return np.frombuffer(digests, "<u8").copy()


def _valid(whole: pa.Array) -> np.ndarray:
    return np.from_dlpack(whole.is_valid().cast(pa.uint8())).astype(bool)
