"""Touch: pressure frames of a sensor array, T×H×W, summarized as images of peak, mean and maximum pressure.

A column is `list<fixed_size_list<fixed_size_list<float>[W]>[H]>`: the type holds the grid's size; samples differ in T. Row 0 comes first.

A missing reading is NaN (or null). Within each frame it is replaced by the mean of its valid neighbors (of eight), if at least half of its
neighbors inside the grid are valid: a dead sensor. Otherwise it counts as a position without a sensor (a glove of 548 sensors on a 32×32
grid has 476) and is 0. Resizing averages by area over the known readings, so that positions without a sensor do not lower their
surroundings.

Pressure is never negative: correct a drifting baseline in the data set.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.weights_document import WeightImage
from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.tactile.pressure_frames import fill_gaps, frame_summary, grid_shape, read_frames, resize
from stages.modalities.tactile.pressure_image import show_pressure
from stages.modalities.tactile.tactile_corruptions import CORRUPTIONS
from stages.modalities.tactile.tactile_settings import TactileSettings
from stages.samples.read import read_each
from stages.samples.weight_images import signed_image


def featurize(column: pa.Array | pa.ChunkedArray, settings: TactileSettings) -> Features:
    """Return per sample a vector, float32 (n, k·h·w), its resized frames, lists of (h, w), and its share of missing readings.

    Raises:
        InputError: if the column's type is not that of frames of one grid.
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    height, width = grid_shape(whole.type)
    shape = (len(settings.frames), *(settings.size or (height, width)))
    # read_each converts values to Python objects, which is slow for frames: it gets the row numbers instead
    rows = pc.if_else(whole.is_valid(), pa.array(np.arange(len(whole))), None)
    readings = read_each(rows, lambda row: read_frames(whole[row].values, height, width, settings))
    samples = [resize(*fill_gaps(values), shape[1:]) / (settings.full_scale or 1) for values in readings]
    vectors = np.empty((len(samples), math.prod(shape)), dtype=np.float32)
    for vector, frames in zip(vectors, samples, strict=True):
        vector[:] = np.stack([frame_summary(name, frames) for name in settings.frames]).reshape(-1)
    columns = {
        "vector": fixed_lists(vectors),
        "frames": _nested(samples, shape[1:]),
        "missing": pa.array(np.array([np.isnan(values).mean() for values in readings], dtype=np.float32)),
    }
    return Features(columns, "dense", shape, list(settings.frames))


def _nested(samples: list[np.ndarray], size: tuple[int, ...]) -> pa.ListArray:
    offsets = np.cumsum([0, *(len(frames) for frames in samples)], dtype=np.int32)
    flat = np.concatenate([np.empty((0, *size)), *samples]).astype(np.float32)
    lines = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), size[1])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.FixedSizeListArray.from_arrays(lines, size[0]))


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
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


def show_weights(weights: np.ndarray, metadata: FeaturesMetadata) -> WeightImage:
    """Return the weights of the summarized frames as images next to one another."""
    return signed_image(list(weights.reshape(metadata.shape)), names=tuple(metadata.names))


CONTRAST = "maximum minus minimum pressure; 0: no sensor has a reading above 0"
MISSING = "share of the sample's missing readings"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: pressures from 0 to full scale, few missing readings, few samples without contact (`max_constant_share`)."""
    length, settings = math.prod(metadata.shape), metadata.settings
    top = {} if settings["full_scale"] is None else {"max_value": 1.0}
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length}),
        ("expect_column_values_to_be_between", {"column": "n_frames", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": 0.0, "notes": "minimum pressure"}),
        ("expect_column_values_to_be_between", {"column": "max", "min_value": 0.0, **top, "notes": "maximum pressure"}),
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
    show=show_pressure,
    corruptions=CORRUPTIONS,
    show_weights=show_weights,
)
