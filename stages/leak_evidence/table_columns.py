"""Columns of a table's features for some samples."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from stages.contracts.detector import ExaminedDataSet, ExaminedModality
from stages.foundation.tables import column_values

MOST_ROWS = 20_000  # of the training rows, evenly spaced


def training_rows(examined: ExaminedDataSet) -> np.ndarray:
    """Return at most MOST_ROWS training rows of the first outer fold."""
    rows = np.flatnonzero(examined.inner >= 0)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)] if len(rows) else rows


def outputs_of(examined: ExaminedDataSet, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the target of some samples: class codes under its name, or a column of labels or values per output."""
    values = examined.values[rows]
    return {examined.target.name: values} if values.ndim == 1 else dict(zip(examined.target.outputs, values.T, strict=True))


def table_columns(modality: ExaminedModality, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns of a table by name, of some samples (ascending): float64 (n,), or int32 (n,) codes; NaN or -1 where missing."""
    if modality.metadata.encoding != "table" or modality.kind != "table" or not len(rows):
        return
    table = _taken(modality, rows)
    names = modality.metadata.names
    yield from zip(names["numeric"], column_values(table["numeric"]).T, strict=True)
    flat, width = table["categorical"].combine_chunks().flatten(), len(names["categorical"])
    for place, name in enumerate(names["categorical"]):
        codes = flat.take(pa.array(np.arange(len(rows)) * width + place)).dictionary_encode().indices
        yield name, np.from_dlpack(codes.fill_null(-1))


def _taken(modality: ExaminedModality, rows: np.ndarray) -> pa.Table:
    parts, start = [], 0
    for chunk in modality.chunks():
        inside = rows[(rows >= start) & (rows < start + len(chunk))] - start
        parts.append(chunk.select(["numeric", "categorical"]).take(pa.array(inside)))
        start += len(chunk)
    return pa.concat_tables(parts)
