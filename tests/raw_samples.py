"""Columns to corrupt: those of the modalities' toys, other types that they read, and samples with which nothing can be done."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
from toy_columns import MAKERS, png, tone, wav

from stages.contracts.modality import Modality
from stages.foundation.registry import component
from stages.modalities.audio.sounds import decode
from stages.modalities.image.decoding import read_image
from stages.samples.graph_column import GraphSample, graph_column
from stages.samples.points import raw_points

RANDOM = np.random.default_rng(11)
SPARSE = pa.struct([("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float32()))])
PRESSES = pa.list_(pa.list_(pa.list_(pa.float32(), 3), 2))
MIXED = [
    ("count", pa.uint8(), [0, 255, 7, None]),
    ("large", pa.int64(), [2**62, -(2**63), 2**63 - 1, 5]),
    ("price", pa.decimal128(7, 2), [Decimal("10.25"), Decimal("99999.99"), None, Decimal("-3.10")]),
    ("half", pa.float16(), np.array([1, -3, 2.5, 60_000], np.float16)),
    ("wild", pa.float64(), [1e300, float("inf"), float("nan"), 1.5]),
    ("born", pa.date32(), [date(1990, 1, 2), None, date(2001, 5, 6), date(1999, 9, 9)]),
    ("seen", pa.timestamp("ms", tz="UTC"), [datetime(2020, 1, 2, 3), datetime(2021, 1, 2, 4), None, datetime(2022, 5, 6)]),
    ("kind", pa.dictionary(pa.int8(), pa.string()), ["a", "b", None, "a"]),
    ("name", pa.string(), ["ann", "bo", "", None]),
    ("member", pa.bool_(), [True, False, None, True]),
    ("empty", pa.null(), [None] * 4),
]


def mixed_table() -> pa.StructArray:
    """Return four rows of columns of every type."""
    names, kinds, values = zip(*MIXED, strict=True)
    return pa.StructArray.from_arrays([pa.array(cells, kind) for kind, cells in zip(kinds, values, strict=True)], names=list(names))


def sparse(rows: list[tuple[list[int], list[float]]]) -> pa.Array:
    return pa.array([{"indices": indices, "values": values} for indices, values in rows], SPARSE)


# (modality, what) → a column that it reads
OTHER_TYPES: dict[tuple[str, str], Callable[[], pa.Array]] = {
    ("text", "utterances"): lambda: pa.array([{"text": "no, not that one", "speaker": "ann"}, {"text": "oh", "speaker": None}]),
    ("text", "words"): lambda: pa.array([[None, "the", "cat"], ["the", "cat", "sat"], ["cat", "sat", None]]),
    ("vector", "sparse"): lambda: sparse([([0, 4, 9], [1.0, 0.5, 2.0]), ([], []), ([3], [0.1])]),
    ("vector", "whole numbers"): lambda: pa.array([[1, 2, 300], [4, 0, -7]], pa.list_(pa.int16(), 3)),
    ("series", "plain lists"): lambda: pa.array([[[1.0, 2.0], [3.0, None]], [[4.0, 5.0]]], pa.large_list(pa.list_(pa.float64()))),
    ("series", "whole numbers"): lambda: pa.array([[[1, 2], [3, 400]], [[5, -6], [7, 8]]], pa.list_(pa.list_(pa.int16(), 2), 2)),
    ("set", "fixed lists"): lambda: pa.array(RANDOM.normal(size=(4, 5, 2)).tolist(), pa.list_(pa.list_(pa.float64(), 2), 5)),
    ("table", "every type"): mixed_table,
}
# samples that a modality may or may not read: silent, constant, empty, of one element
DEGENERATE: dict[str, Callable[[], pa.Array]] = {
    "image": lambda: pa.array([png(np.full(shape, grey, np.uint8)) for shape, grey in (((9, 9), 0), ((1, 1, 4), 9), ((1, 30, 3), 255))]),
    "audio": lambda: pa.array([wav(np.full(length, level), 16_000) for length, level in ((3200, 0), (0, 0), (1, 0.5), (999, 0.1))]),
    "text": lambda: pa.array(["", "  ", "x", "!?", "\n\ta", "हि"]),
    "series": lambda: pa.array([[[3.0, None]], [[1.0, 1.0]] * 5, [[float("nan")] * 2] * 3, []], pa.list_(pa.list_(pa.float64(), 2))),
    "tactile": lambda: pa.array([np.zeros((1, 2, 3)).tolist(), np.full((2, 2, 3), np.nan).tolist(), []], PRESSES),
    "table": lambda: pa.array([{"a": None, "b": None}, {"a": 1.0, "b": "x"}, {"a": 1.0, "b": ""}]),
    "graph": lambda: graph_column([GraphSample(1, []), GraphSample(1, [[0, 0]]), GraphSample(3, [[0, 1], [1, 2], [0, 2]], directed=False)]),
    "set": lambda: pa.array([[[1.0, 2.0]], [[3.0, 3.0]] * 4, []], pa.list_(pa.list_(pa.float64(), 2))),
    "vector": lambda: pa.array([[0.0, 0.0], [0.0, 0.0]], pa.list_(pa.float32(), 2)),
}


def columns() -> dict[tuple[str, str], pa.Array]:
    """Return every readable column by modality and what it holds."""
    return {(name, "toy"): make().column for name, make in MAKERS.items()} | {key: make() for key, make in OTHER_TYPES.items()}


def table_of(column: pa.Array, *, several: bool = False) -> pa.Table:
    """Return a column as `raw` of a samples table."""
    metadata = {"files": "several"} if several else {}
    schema = pa.schema([pa.field("sample_id", pa.string()), pa.field("raw", column.type, metadata=metadata)])
    return pa.table([pa.array([f"sample {row}" for row in range(len(column))]), column], schema=schema)


def values_of(name: str, column: pa.Array) -> list[np.ndarray]:
    """Return what is in each sample of a modality whose corruptions keep its shape, as numbers: NaN where missing."""
    if name == "image":
        images = [read_image(file, lambda image: image.convert("RGBA"), max_pixels=10**6) for file in column.to_pylist()]
        return [np.asarray(image).astype(float) for image in images]
    if name == "audio":
        return [decode(file, 1e9)[0] for file in column.to_pylist()]
    if name == "series":
        return raw_points(column)
    if name == "tactile":
        return [np.array(sample.as_py(), dtype=float) for sample in column]
    if name == "vector" and pa.types.is_struct(column.type):
        return [dense(row) for row in column.to_pylist()]
    if name == "vector":
        return [np.array(row.as_py(), dtype=float) for row in column]
    assert name == "table"
    numbers = [values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) if is_number(values.type) else known(values)
               for values in column.flatten()]  # fmt: skip
    return list(np.array(numbers).T.reshape(len(column), -1))


def dense(row: dict[str, list[float]]) -> np.ndarray:
    vector = np.zeros(10)
    vector[row["indices"]] = row["values"]
    return vector


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def known(values: pa.Array) -> np.ndarray:
    """Return 0 of each value, NaN where there is none."""
    return np.where(np.array(values.is_valid().to_pylist()), 0.0, np.nan)


def modality_of(name: str) -> Modality:
    return component("modalities", name)


def loud_and_silent() -> pa.Array:
    return pa.array([wav(tone(440), 16_000), wav(np.zeros(3200), 16_000)])
