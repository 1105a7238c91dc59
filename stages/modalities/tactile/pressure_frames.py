"""Frames of pressure: read, gaps filled, resized, summarized; see stages/modalities/tactile/__init__.py."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.modalities.tactile.tactile_settings import TactileSettings

MAX_FRAMES = 100_000


def grid_shape(kind: pa.DataType) -> tuple[int, int]:
    """Return (H, W) of a column's Arrow type."""
    frame = kind.value_type if pa.types.is_list(kind) else None
    line = frame.value_type if frame is not None and pa.types.is_fixed_size_list(frame) else None
    if frame is None or line is None or not pa.types.is_fixed_size_list(line) or not pa.types.is_floating(line.value_type):
        raise InputError(f"column of Arrow type {kind}; modality 'tactile' reads list<fixed_size_list<fixed_size_list<float>[W]>[H]>, "
                         "frames of H rows of W sensors; convert it in the data set")
    return frame.list_size, line.list_size


def read_frames(frames: pa.FixedSizeListArray, height: int, width: int, settings: TactileSettings) -> np.ndarray:
    """Return float64 (T, H, W), NaN where missing; raise ValueError for readings outside of a sensor's range."""
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
        (values < 0, "is negative; subtract the sensor's baseline in the data set"),
        (values > limit, f"is above full_scale = {limit:g}; raise full_scale"),
    ):
        if wrong.any():
            frame, row, column = np.argwhere(wrong)[0]
            raise ValueError(f"pressure {values[frame, row, column]:g} of frame {frame}, row {row}, sensor {column} {what}")
    return values


def fill_gaps(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, H, W) with gaps filled or 0, and the mask of read or filled values; see the package's docstring."""
    valid = ~np.isnan(values)
    known = np.where(valid, values, 0.0)
    if valid.all():
        return known, valid
    n_valid, inside = neighbor_sums(valid.astype(np.float64)), neighbor_sums(np.ones((1, *values.shape[1:])))
    fillable = ~valid & (n_valid > 0) & (2 * n_valid >= inside)
    mean = neighbor_sums(known) / np.maximum(n_valid, 1)
    return np.where(fillable, mean, known), valid | fillable


def neighbor_sums(values: np.ndarray) -> np.ndarray:
    """Return the sum over the eight neighbors, (T, H, W); 0 outside of the grid."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    height, width = values.shape[1:]
    places = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    return np.sum([padded[:, row : row + height, column : column + width] for row, column in places], axis=0)


def resize(values: np.ndarray, is_known: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return (T, h, w): each cell's mean, by area, over the known readings that it covers; 0 if there is none."""
    if values.shape[1:] == size:
        return values
    down, across = _overlaps(values.shape[1], size[0]), _overlaps(values.shape[2], size[1]).T
    area = down @ is_known.astype(np.float64) @ across
    return np.divide(down @ values @ across, area, out=np.zeros_like(area), where=area > 1e-9)


def _overlaps(n: int, to: int) -> np.ndarray:
    """Return (to, n), the overlap of each of `to` equal parts of a line with each of `n` equal parts."""
    new, old = np.linspace(0, n, to + 1), np.arange(n + 1)
    shared = np.minimum(new[1:, None], old[None, 1:]) - np.maximum(new[:-1, None], old[None, :-1])
    return np.maximum(shared, 0.0)


def frame_summary(name: str, frames: np.ndarray) -> np.ndarray:
    """Return one image (h, w) of the frames (T, h, w); the first of several peaks."""
    if name == "peak":
        return frames[frames.sum(axis=(1, 2)).argmax()]
    return frames.mean(axis=0) if name == "mean" else frames.max(axis=0)
