"""Decode one sample's file, or a table cell, to the value that its modality reads.

`decode` returns the value of a file, by the suffix of its name. `column` returns an Arrow column of such values, or of table cells (nested
lists, dictionaries). No code in a file runs, no file that it refers to is opened, and declared sizes are checked against limits before
memory is allocated. The modality checks the values themselves.

    series   T×c: .npy, .npz, .csv, .tsv, .txt (a row per point; T numbers alone are one channel)
    tactile  T×H×W: .npy, .npz
    vector   d: .npy, .npz
    set      n×c: .npy, .npz, .csv, .tsv, .txt; x, y, z of .xyz, .ply, .off
    graph    .csv, .tsv, .txt, .edges, .graphml, .json: see edge_lists.py, graphml.py and graph_json.py
    text     any suffix, UTF-8 or the encoding that the source declares
    image, audio  any suffix: the bytes unchanged; the modality decodes them
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from stages.own_data.decoders.arrays import MAX_BYTES, MAX_WIDTH, read_npy, read_npz, read_rows
from stages.own_data.decoders.decoded_columns import encoded_column, nested_lists, read_values, text_column, to_array
from stages.own_data.decoders.decoded_graphs import graph_array
from stages.own_data.decoders.decoded_vectors import to_vector, vector_column
from stages.own_data.decoders.edge_lists import read_edges
from stages.own_data.decoders.graph_json import read_node_link, to_graph
from stages.own_data.decoders.graphml import read_graphml
from stages.own_data.decoders.point_clouds import read_off, read_ply, read_xyz
from stages.own_data.decoders.text_files import characters, check_size
from stages.own_data.foreign_formats import foreign_format

ARRAYS: dict[str, Callable[[bytes], np.ndarray]] = {".npy": read_npy, ".npz": read_npz}
ROWS: dict[str, Callable[[bytes], np.ndarray]] = {
    suffix: lambda raw, suffix=suffix: read_rows(raw, suffix) for suffix in (".csv", ".tsv", ".txt")  # type: ignore[misc]
}
CLOUDS = {".xyz": read_xyz, ".ply": read_ply, ".off": read_off}
EDGES: dict[str, Callable[[bytes], Any]] = {
    suffix: lambda raw, suffix=suffix: read_edges(raw, suffix) for suffix in (".csv", ".tsv", ".txt", ".edges")  # type: ignore[misc]
}
FORMATS: Mapping[str, Mapping[str, Callable[[bytes], Any]]] = {
    "series": ARRAYS | ROWS,
    "tactile": ARRAYS,
    "vector": ARRAYS,
    "set": ARRAYS | ROWS | CLOUDS,
    "graph": EDGES | {".graphml": read_graphml, ".json": read_node_link},
}
AXES = {"series": "T×c", "set": "n×c", "tactile": "T×H×W"}
ENCODED = ("image", "audio")
MODALITIES = (*FORMATS, "text", *ENCODED)


def decode(modality: str, raw: bytes, name: str, encoding: str | None = None) -> Any:
    """Return the value in a file: bytes, text, float64 array, or graph.

    Args:
        encoding: of text that is not UTF-8.
    Raises:
        ValueError: with a message for the user, if the file is in no format of the modality, is damaged or too large.
    """
    if modality in ENCODED:
        if not raw:
            raise ValueError("the file is empty (0 bytes)")
        check_size(raw, MAX_BYTES)
        return raw
    if modality == "text":
        return characters(raw, encoding)
    formats = _formats(modality)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in formats:
        what = f"is {found}" if (found := foreign_format(name)) else f"no format of modality {modality!r} has the suffix {suffix!r}"
        raise ValueError(f"{what}; expected {', '.join(formats)}")
    if not raw:
        raise ValueError("the file is empty (0 bytes)")
    value = formats[suffix](raw)
    if modality == "vector":
        return to_vector(value)
    return value if modality == "graph" else _with_axes(modality, value)


def _formats(modality: str) -> Mapping[str, Callable[[bytes], Any]]:
    if modality not in FORMATS:
        raise ValueError(f"modality {modality!r} has no file format; expected {', '.join(MODALITIES)}")
    return FORMATS[modality]


def _with_axes(modality: str, values: np.ndarray) -> np.ndarray:
    """Return (T, c), (n, c) or (T, H, W); a vector becomes one column."""
    axes = AXES[modality]
    if values.ndim == 1 and modality != "tactile":
        values = values[:, None]
    if values.ndim != axes.count("×") + 1:
        raise ValueError(f"an array of shape {values.shape}; modality {modality!r} reads {axes}")
    if values.size == 0:
        raise ValueError(f"an array of shape {values.shape}, which is empty; expected at least one value")
    if max(values.shape[1:]) > MAX_WIDTH:
        raise ValueError(f"an array of shape {values.shape}; modality {modality!r} reads {axes}, of which only the "
                         f"first may be above {MAX_WIDTH}; are the axes exchanged?")
    return values


def column(modality: str, values: Sequence[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Return the values as the column that the modality reads; None is null.

    Args:
        values: results of `decode`, or table cells: nested lists of numbers, strings, bytes, dictionaries.
        kind: Arrow type of earlier chunks of this column; the result has the same.
    Raises:
        ColumnError: naming by position every value of another kind, shape or width.
    """
    if modality in ENCODED:
        return encoded_column(values)
    if modality == "text":
        return text_column(values, kind)
    _formats(modality)
    if modality == "vector":
        return vector_column(read_values(values, to_vector), kind)
    if modality == "graph":
        return graph_array(read_values(values, to_graph), kind)
    n_axes = AXES[modality].count("×") + 1
    arrays = read_values(values, lambda value: _with_axes(modality, to_array(value, n_axes)))
    return nested_lists(arrays, kind, np.float32 if modality == "tactile" else np.float64)
