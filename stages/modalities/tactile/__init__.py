"""Touch: the pressure frames of a sensor array, T×H×W, as the picture of the peak, the mean and the greatest pressure.

A column is `list<fixed_size_list<fixed_size_list<float>[W]>[H]>`: the type carries the grid, samples differ in T. Row 0 comes first.

A missing reading is NaN (or null). Within each frame it is filled with the mean of its valid neighbours (of eight), if at least half of
its neighbours inside the grid are valid: a dead sensor among living ones. With fewer it is taken for a place without a sensor (a glove of
548 sensors on a 32×32 grid has 476) and is 0. Resizing averages by area over the readings that are there, so that places without
a sensor do not thin out their surroundings.

Pressure is never negative: a sensor whose rest value drifts is to be corrected where the data set is read.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists
from stages.samples.read import read_each

MAX_FRAMES = 100_000
Side = Annotated[int, Field(ge=1, le=512)]
Picture = Literal["peak", "mean", "max"]


class TactileSettings(Settings):
    size: tuple[Side, Side] | None = Field(None, description="[height, width] to which the grid is resized; null: as it is")
    frames: tuple[Picture, ...] = Field(
        ("peak", "mean", "max"),
        min_length=1,
        max_length=3,
        description="pictures of the vector: the frame of greatest total pressure (peak), and each sensor's mean and max over time",
    )
    full_scale: float | None = Field(None, gt=0, description="pressure that becomes 1; no reading may be above it; null: as it is")
    max_missing_share: float = Field(0.5, ge=0, le=1, description="validate: share of a sample's readings that are missing, at most")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of samples without any contact, at most")

    @field_validator("frames")
    @classmethod
    def _check_frames(cls, frames: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(frames)) < len(frames):
            raise ValueError("expected each of peak, mean and max once at most")
        return frames


def featurize(column: pa.Array | pa.ChunkedArray, settings: TactileSettings) -> Features:
    """Return per sample a vector, float32 (n, k·h·w), its resized frames, lists of (h, w), and its share of missing readings.

    Raises:
        InputError: if the column's type is not that of frames of one grid.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    height, width = _grid(whole.type)
    shape = (len(settings.frames), *(settings.size or (height, width)))
    # read_each makes Python objects of what it reads, which is slow for frames: give it the row numbers instead
    rows = pc.if_else(whole.is_valid(), pa.array(np.arange(len(whole))), None)
    readings = read_each(rows, lambda row: _readings(whole[row].values, height, width, settings))
    samples = [_resized(*_filled(values), shape[1:]) / (settings.full_scale or 1) for values in readings]
    vectors = np.empty((len(samples), math.prod(shape)), dtype=np.float32)
    for vector, frames in zip(vectors, samples, strict=True):
        vector[:] = np.stack([_picture(name, frames) for name in settings.frames]).reshape(-1)
    columns = {
        "vector": fixed_lists(vectors),
        "frames": _nested(samples, shape[1:]),
        "missing": pa.array(np.array([np.isnan(values).mean() for values in readings], dtype=np.float32)),
    }
    return Features(columns, "dense", shape, list(settings.frames))


def _grid(kind: pa.DataType) -> tuple[int, int]:
    """Return (H, W) of a column's Arrow type."""
    frame = kind.value_type if pa.types.is_list(kind) else None
    line = frame.value_type if frame is not None and pa.types.is_fixed_size_list(frame) else None
    if frame is None or line is None or not pa.types.is_fixed_size_list(line) or not pa.types.is_floating(line.value_type):
        raise InputError(f"column of Arrow type {kind}; modality 'tactile' reads list<fixed_size_list<fixed_size_list<float>[W]>[H]>, "
                         "frames of H rows of W sensors; convert it in the data set")
    return frame.list_size, line.list_size


def _readings(frames: pa.FixedSizeListArray, height: int, width: int, settings: TactileSettings) -> np.ndarray:
    """Return float64 (T, H, W), NaN where missing; raise ValueError if that cannot be what an array of sensors felt."""
    if not 0 < len(frames) <= MAX_FRAMES:
        raise ValueError(f"{len(frames)} frames of pressure; expected 1 to {MAX_FRAMES}")
    flat = frames.flatten().flatten()
    if len(flat) != len(frames) * height * width:
        raise ValueError("a frame or a row of sensors is null; write a missing reading as NaN")
    values = np.from_dlpack(pc.fill_null(flat.cast(pa.float64()), float("nan"))).reshape(len(frames), height, width)
    if np.isnan(values).all():
        raise ValueError("every reading of every frame is missing (NaN)")
    limit = settings.full_scale or math.inf
    for wrong, what in (
        (np.isinf(values), "is infinite"),
        (values < 0, "is negative: take off the sensor's rest value in the data set"),
        (values > limit, f"is above full_scale = {limit:g}: declare a greater one"),
    ):
        if wrong.any():
            frame, row, place = np.argwhere(wrong)[0]
            raise ValueError(f"pressure {values[frame, row, place]:g} of frame {frame}, row {row}, sensor {place} {what}")
    return values


def _filled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, H, W) with gaps filled or 0, and where a reading or a filled one stands; see the module's docstring."""
    valid = ~np.isnan(values)
    known = np.where(valid, values, 0.0)
    if valid.all():
        return known, valid
    n_valid, inside = _around(valid.astype(np.float64)), _around(np.ones((1, *values.shape[1:])))
    fillable = ~valid & (n_valid > 0) & (2 * n_valid >= inside)
    mean = _around(known) / np.maximum(n_valid, 1)
    return np.where(fillable, mean, known), valid | fillable


def _around(values: np.ndarray) -> np.ndarray:
    """Return the sum over the eight neighbours, (T, H, W); beyond the grid there is 0."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    height, width = values.shape[1:]
    places = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    return np.sum([padded[:, row : row + height, column : column + width] for row, column in places], axis=0)


def _resized(values: np.ndarray, is_there: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return (T, h, w): each cell's mean over the area of the readings that it covers, 0 where it covers none."""
    if values.shape[1:] == size:
        return values
    down, across = _overlaps(values.shape[1], size[0]), _overlaps(values.shape[2], size[1]).T
    area = down @ is_there.astype(np.float64) @ across
    return np.divide(down @ values @ across, area, out=np.zeros_like(area), where=area > 1e-9)


def _overlaps(n: int, to: int) -> np.ndarray:
    """Return (to, n), the length that each of `to` equal parts of a line shares with each of `n` equal parts."""
    new, old = np.linspace(0, n, to + 1), np.arange(n + 1)
    shared = np.minimum(new[1:, None], old[None, 1:]) - np.maximum(new[:-1, None], old[None, :-1])
    return np.maximum(shared, 0.0)


def _picture(name: str, frames: np.ndarray) -> np.ndarray:
    """Return one (h, w) picture of (T, h, w) frames; of several peaks the first."""
    if name == "peak":
        return frames[frames.sum(axis=(1, 2)).argmax()]
    return frames.mean(axis=0) if name == "mean" else frames.max(axis=0)


def _nested(samples: list[np.ndarray], size: tuple[int, ...]) -> pa.ListArray:
    offsets = np.cumsum([0, *(len(frames) for frames in samples)], dtype=np.int32)
    flat = np.concatenate([np.empty((0, *size)), *samples]).astype(np.float32)
    lines = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), size[1])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.FixedSizeListArray.from_arrays(lines, size[0]))


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per sample: finite, length (of the vector), n_frames, min, max, contrast (max - min) and missing_share."""
    vectors = column_values(table["vector"])
    low, high = vectors.min(axis=1).astype(np.float64), vectors.max(axis=1).astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    return {
        "finite": finite,
        "length": np.full(len(vectors), vectors.shape[1]),
        "n_frames": np.diff(np.from_dlpack(table["frames"].combine_chunks().offsets)),
        "min": low,
        "max": high,
        "contrast": np.subtract(high, low, out=np.zeros_like(high), where=np.isfinite(high) & np.isfinite(low)),
        "missing_share": column_values(table["missing"]).astype(np.float64),
    }


CONTRAST = "greatest minus least pressure; 0 is a press that no sensor felt"
MISSING = "share of the sample's readings that are missing; beyond max_missing_share of features"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: pressures from 0 to full scale, readings enough, few samples without contact (`max_constant_share`)."""
    length, settings = math.prod(metadata["shape"]), metadata["settings"]
    top = {} if settings["full_scale"] is None else {"max_value": 1.0}
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length}),
        ("expect_column_values_to_be_between", {"column": "n_frames", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": 0.0, "notes": "least pressure"}),
        ("expect_column_values_to_be_between", {"column": "max", "min_value": 0.0, **top, "notes": "greatest pressure"}),
        (
            "expect_column_values_to_be_between",
            {"column": "contrast", "min_value": 0.0, "strict_min": True, "mostly": 1 - settings["max_constant_share"], "notes": CONTRAST},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "missing_share", "min_value": 0.0, "max_value": settings["max_missing_share"], "notes": MISSING},
        ),
    ]


MODALITY = Modality(
    name="tactile",
    settings=TactileSettings,
    column_types=("list",),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
