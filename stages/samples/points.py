"""Columns of lists of points (a point: c numbers) as NumPy arrays, sample by sample, without Python lists."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator

from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.samples.read import read_each

LARGEST = 1e15  # of a value: fourth powers, of which kurtosis is made, keep their digits
Result = TypeVar("Result")


def _unique(channels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(channels)) < len(channels) or "" in channels:
        raise ValueError("expected a unique name for every channel")
    return channels


Channels = Annotated[tuple[str, ...], AfterValidator(_unique)]  # as settings declare them


def read_points(
    column: pa.Array | pa.ChunkedArray, channels: Sequence[str] | None, read: Callable[[np.ndarray], Result]
) -> tuple[list[Result], tuple[str, ...]]:
    """Return `read(points)` of every sample and the names of the channels; points are float64 (n, c), NaN where missing or null.

    Args:
        column: lists of fixed-size lists of c numbers; or lists of plain lists, whose width the declared channels determine.
        channels: names of the c numbers, or None: "0", "1", …
        read: raises ValueError, with a message for the user, if a sample cannot be read.
    Raises:
        InputError: if a point does not hold numbers, or not as many as `channels` names.
        SampleError: naming the samples that cannot be read.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind, names = whole.type, _names(whole.type, channels)
    starts, stops = _bounds(whole)
    first = int(starts[0]) if len(starts) else 0
    inner = whole.values.slice(first, int(stops[-1]) - first if len(stops) else 0)
    if pa.types.is_fixed_size_list(kind.value_type):
        points = _fixed_points(inner)
        return read_each(_rows(whole), lambda row: read(_finite(points[starts[row] - first : stops[row] - first]))), names
    ends, values = _bounds(inner), inner.values

    def ragged(row: int) -> Result:
        members = slice(starts[row] - first, stops[row] - first)
        return read(_finite(_plain_points(ends[0][members], ends[1][members], values, len(names))))

    return read_each(_rows(whole), ragged), names


def points_column(samples: Sequence[np.ndarray], width: int) -> pa.Array:
    """Return the samples as lists of float64 (width,): the structured form of a features file."""
    offsets = np.cumsum([0, *(len(points) for points in samples)], dtype=np.int32)
    flat = np.concatenate(samples) if samples else np.empty((0, width))
    return pa.ListArray.from_arrays(pa.array(offsets), fixed_lists(flat))


def raw_points(column: pa.Array) -> list[np.ndarray]:
    """Return the points of each sample as they are stored, float64 (n, c), NaN where null; c of plain lists is that of the sample's first.

    Args:
        column: as `read_points` reads, without nulls.
    Raises:
        SampleError: naming samples whose plain lists differ in length.
    """
    starts, stops = _bounds(column)
    if pa.types.is_fixed_size_list(column.type.value_type):
        points = _fixed_points(column.values)
        return [points[start:stop] for start, stop in zip(starts, stops, strict=True)]
    ends, values = _bounds(column.values), column.values.values

    def ragged(row: int) -> np.ndarray:
        members = slice(starts[row], stops[row])
        width = int(ends[1][starts[row]] - ends[0][starts[row]]) if stops[row] > starts[row] else 0
        return _plain_points(ends[0][members], ends[1][members], values, width) if width else np.empty((stops[row] - starts[row], 0))

    return read_each(_rows(column), ragged)


def raw_column(samples: Sequence[np.ndarray], kind: pa.DataType) -> pa.Array:
    """Return what `raw_points` read as a column of its type; a list of fixed length becomes one of any length.

    Whole numbers are rounded, and NaN among them is null; numbers of every type stay within ±LARGEST.
    """
    lengths = [len(points) for points in samples]
    widths = np.repeat([points.shape[1] for points in samples], lengths)
    flat = np.concatenate([np.empty(0), *(points.reshape(-1) for points in samples)])
    number = kind.value_type.value_type
    inner = _listed(numbers_of(np.clip(flat, -LARGEST, LARGEST), number), widths, kind.value_type)
    return _listed(inner, np.array(lengths, dtype=np.int64), pa.list_(kind.value_type) if pa.types.is_fixed_size_list(kind) else kind)


def numbers_of(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return float64 (n,) as numbers of an Arrow type; within its range; whole ones rounded, and null where NaN."""
    if pa.types.is_floating(kind):
        most = float(np.finfo(kind.to_pandas_dtype()).max)
        return pa.array(np.clip(values, -most, most)).cast(kind, safe=False)
    limits = np.iinfo(kind.to_pandas_dtype())
    missing = np.isnan(values)
    # 64-bit limits are no float64: the next number towards 0 is
    low, high = (np.nextafter(float(limit), 0) if abs(limit) > 2**53 else limit for limit in (limits.min, limits.max))
    whole = np.clip(np.rint(np.where(missing, 0, values)), low, high).astype(limits.dtype)
    return pa.array(whole, kind, mask=missing)


def _listed(values: pa.Array, lengths: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return values as lists of these lengths."""
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(values, type=kind)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(pa.array(offsets.astype(np.int64)), values, type=kind)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values, type=kind)


def numeric_columns(rows: Sequence[np.ndarray], width: int) -> dict[str, pa.Array]:
    """Return the columns of a table of numbers alone: numeric float64 (n, width) and no categorical ones."""
    numeric = np.stack(rows).astype(np.float64) if rows else np.empty((0, width))
    return {"numeric": fixed_lists(numeric), "categorical": pa.array([[]] * len(rows), type=pa.list_(pa.string(), 0))}


def extremes(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return per sample the first point, every channel's minimum and maximum, float64 (n, c), and the number of points, int64 (n,)."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    starts, stops = _bounds(whole)
    if len(starts) == 0:
        none = np.empty((0, whole.type.value_type.list_size))
        return none, none, none, starts
    points = column_values(whole.values)[starts[0] : stops[-1]]
    places = (starts - starts[0]).astype(np.intp)
    return points[places], np.minimum.reduceat(points, places), np.maximum.reduceat(points, places), stops - starts


def between(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return `rows` at fractional row numbers, by linear interpolation."""
    low = np.minimum(places.astype(np.int64), max(0, len(rows) - 2))
    high = np.minimum(low + 1, len(rows) - 1)
    weight = (places - low)[:, None]
    return rows[low] * (1 - weight) + rows[high] * weight


def _names(kind: pa.DataType, channels: Sequence[str] | None) -> tuple[str, ...]:
    point = getattr(kind, "value_type", kind)
    number = getattr(point, "value_type", None)
    if number is None or not (pa.types.is_integer(number) or pa.types.is_floating(number)):
        raise InputError(f"a column of Arrow type {kind}; expected lists of points, and of each point a list of numbers")
    if not pa.types.is_fixed_size_list(point):
        if channels is None:
            raise InputError(f"a column of Arrow type {kind} does not declare the number of channels; name them in `channels`")
        return tuple(channels)
    width = point.list_size
    if width == 0 or (channels is not None and len(channels) != width):
        named = "a point has none" if channels is None else f"`channels` names {len(channels)} ({', '.join(channels)})"
        raise InputError(f"points of {width} numbers, and {named}; name each channel once")
    return tuple(channels) if channels is not None else tuple(str(i) for i in range(width))


def _rows(whole: pa.Array) -> pa.Array:
    """Return the number of each row, null where the sample is null."""
    return pc.if_else(whole.is_valid(), pa.array(np.arange(len(whole))), pa.scalar(None, pa.int64()))


def _bounds(lists: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return where each list starts and stops in `lists.values`, int64 (n,)."""
    if pa.types.is_fixed_size_list(lists.type):
        starts = (np.arange(len(lists) + 1) + lists.offset) * lists.type.list_size
    else:
        starts = np.from_dlpack(lists.offsets).astype(np.int64)
    return starts[:-1], starts[1:]


def _fixed_points(inner: pa.FixedSizeListArray) -> np.ndarray:
    """Return float64 (n, c), NaN where a number or a whole point is null."""
    width = inner.type.list_size
    points = _numbers(inner.values.slice(inner.offset * width, len(inner) * width)).reshape(-1, width)
    if inner.null_count:
        points = np.where(np.from_dlpack(inner.is_null().cast(pa.uint8())).astype(bool)[:, None], np.nan, points)
    return points


def _plain_points(starts: np.ndarray, stops: np.ndarray, values: pa.Array, width: int) -> np.ndarray:
    wrong = np.flatnonzero(stops - starts != width)
    if len(wrong):
        found = int(stops[wrong[0]] - starts[wrong[0]])
        raise ValueError(f"point {wrong[0]} has {found} numbers, `channels` names {width}; expected the same number in every point")
    first = int(starts[0]) if len(starts) else 0
    return _numbers(values.slice(first, len(starts) * width)).reshape(-1, width)


def _numbers(values: pa.Array) -> np.ndarray:
    return np.from_dlpack(pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")))


def _finite(points: np.ndarray) -> np.ndarray:
    """Return the points; raise ValueError if there are none, or if a value could overflow."""
    if len(points) == 0:
        raise ValueError("no points: the list is empty")
    beyond = np.argwhere(np.abs(points) > LARGEST)
    if len(beyond):
        row, channel = (int(place) for place in beyond[0])
        raise ValueError(f"point {row} holds {points[row, channel]:g} in channel {channel}; expected values within ±{LARGEST:g}")
    return points
