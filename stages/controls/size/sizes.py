"""Sizes of the samples of one modality, read from the Arrow types of its columns; nothing is decoded but the headers of images."""

import warnings
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # those that modality image reads
NONE = -1.0  # no size is negative


def sample_sizes(field: pa.Field, column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    """Yield the sizes of a modality's column, float64 (n,) each; field: with the modality's kind in its metadata."""
    kind = (field.metadata or {}).get(b"modality", b"").decode()
    # chunk by chunk: files or texts of more than 2 GB cannot be one Arrow array
    by_chunk = [list(_sizes(chunk, kind)) for chunk in column.chunks or [pa.array([], column.type)]]
    yield from (np.concatenate(parts) for parts in zip(*by_chunk, strict=True))


def feature_lengths(features: pa.Table) -> Iterator[np.ndarray]:
    """Yield the length of each list in a features file: terms of a text, frames of a sound."""
    for name in features.column_names:
        if _is_list(features.schema.field(name).type):
            yield _numbers(pc.list_value_length(features[name]))


def _sizes(values: pa.Array, kind: str) -> Iterator[np.ndarray]:
    if _is_list(values.type):
        yield _numbers(pc.list_value_length(values))
        if _is_bytes(values.type.value_type) or pa.types.is_string(values.type.value_type):  # several files of a sample
            yield _summed(values)
    elif _is_bytes(values.type):
        yield _numbers(pc.binary_length(values))
        if kind == "image":
            yield from _image_sizes(values).T
    elif pa.types.is_string(values.type):
        yield _numbers(pc.utf8_length(values))
        yield _numbers(pc.count_substring_regex(values, r"\S+"))
    elif pa.types.is_struct(values.type) and kind == "graph":
        nodes_and_edges = dict(zip(values.type.names, values.flatten(), strict=True))
        yield _numbers(nodes_and_edges["n_nodes"])
        yield _numbers(pc.list_value_length(nodes_and_edges["source"]))
    elif pa.types.is_struct(values.type):
        yield np.sum([_is_missing(part) for part in values.flatten()], axis=0).astype(np.float64)
    elif pa.types.is_fixed_size_list(values.type):
        width = values.type.list_size
        whole = values.values[values.offset * width : (values.offset + len(values)) * width]  # `flatten` leaves null lists out
        yield np.where(_is_missing(values), width, _is_missing(whole).reshape(-1, width).sum(axis=1)).astype(np.float64)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _numbers(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return lengths as float64 (n,), NONE where null."""
    filled = pc.fill_null(values.cast(pa.float64()), NONE)
    return np.from_dlpack(filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled)


def _summed(values: pa.ListArray) -> np.ndarray:
    """Return the bytes of all files of each sample: float64 (n,)."""
    lengths = np.concatenate([[0.0], np.cumsum(_numbers(pc.binary_length(values.flatten())))])
    ends = np.cumsum(np.maximum(_numbers(pc.list_value_length(values)), 0)).astype(np.int64)
    return np.diff(lengths[np.concatenate([[0], ends])])


def _is_missing(values: pa.Array) -> np.ndarray:
    """Return which values are null or NaN: bool (n,)."""
    return np.from_dlpack(pc.is_null(values, nan_is_null=True).cast(pa.uint8())).astype(bool)


def _image_sizes(values: pa.Array) -> np.ndarray:
    """Return width and height of encoded images by their headers: float64 (n, 2)."""
    from PIL import Image

    found = np.full((len(values), 2), NONE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, of images that featurize has read
        for row, encoded in enumerate(values.to_pylist()):
            if encoded is not None:
                with Image.open(BytesIO(encoded), formats=FORMATS) as image:
                    found[row] = image.size
    return found
