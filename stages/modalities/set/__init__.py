"""Sets of points (point clouds, detections, unordered members): n points of c coordinates; n differs between samples.

The order has no meaning: points are sorted (by the first coordinate, then the second, …) before any computation, so that sums run in a
fixed order and the features of a permuted set are the same bytes. A point that occurs twice counts twice. A set without points, or with a
missing coordinate, cannot be read.

`centre` moves the centroid to the origin, `scale` divides by the root mean square distance from the centroid: then features
do not depend on position, or size. Features by group, computed afterwards:
    moments    mean (unless centred), covariance, skewness and kurtosis (minus 3) of every coordinate
    extent     min, max, quartiles of every coordinate
    axes       eigenvalues of the covariance, in descending order, absolute and as shares of their sum: invariant under rotation
    distances  of pairs and of points from the centroid: mean, deviation and maximum, and shares in `bins` equal bins up to the maximum
               (the shape distributions D2 and D1 of Osada et al., doi:10.1145/571647.571648; theirs are sampled). Above `max_pairs` pairs,
               those of a subsample of points, evenly spaced in the sorted order
    grid       shares of the points in the cells of a grid, with `grid` equal parts of every coordinate's range
    count      number of points
For a single point, or a constant coordinate, shares, skewness and kurtosis are 0, and the grid cell is the first.

Units are mixed, so the encoding is `table` (numeric only): train standardizes the columns on its training rows.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.modalities.set.set_corruptions import CORRUPTIONS
from stages.modalities.set.set_features import centered, feature_names, set_features
from stages.modalities.set.set_settings import SetSettings
from stages.samples.exhibits import show_points
from stages.samples.points import extremes, numeric_columns, points_column, read_points

MAX_CELLS = 4096


def featurize(column: pa.Array | pa.ChunkedArray, settings: SetSettings) -> Features:
    """Return numeric float64 (n, p), no categorical columns, and `points`: the points in sorted order, centered and scaled as declared.

    Raises:
        InputError: if the grid has more than MAX_CELLS cells.
    """
    samples, channels = read_points(column, settings.channels, lambda points: _normal(_sorted(points), settings))
    if "grid" in settings.features and settings.grid ** len(channels) > MAX_CELLS:
        raise InputError(f"a grid of {settings.grid} parts in {len(channels)} coordinates has more than {MAX_CELLS} cells; "
                         "lower `grid`, or remove it from `features`")
    names = feature_names(channels, settings)
    rows = [np.concatenate(list(set_features(points, settings).values())) for points in samples]
    columns = {**numeric_columns(rows, len(names)), "points": points_column(samples, len(channels))}
    fit = {"max_categories": 2}  # of the encoder of tables; there are no categories
    return Features(columns, "table", (len(names), 0), {"numeric": names, "categorical": [], "channels": list(channels)}, fit)


def _sorted(points: np.ndarray) -> np.ndarray:
    """Return the points in the order of their coordinates; raise ValueError if one is missing."""
    if np.isnan(points).any():
        row = int(np.isnan(points).any(axis=1).argmax())
        raise ValueError(f"point {row} lacks a coordinate (NaN); remove the point, or fill it in the data set")
    points = points + 0.0  # -0.0 becomes 0.0: they are equal, so sorting would keep their order
    return points[np.lexsort(points.T[::-1])]


def _normal(points: np.ndarray, settings: SetSettings) -> np.ndarray:
    relative = centered(points)
    size = math.sqrt((relative**2).sum() / len(points))
    moved = relative if settings.centre else points
    return moved / size if settings.scale and size > 0 else moved


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per set: finite, n_points and extent (the largest range of a coordinate)."""
    _, low, high, counts = extremes(table["points"])
    return {
        "finite": np.isfinite(column_values(table["numeric"])).all(axis=1),
        "n_points": counts,
        "extent": (high - low).max(axis=1, initial=0.0),
    }


EXTENT = "largest range of a coordinate over the set; 0: a single point, or copies of one"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: finite numbers, and few sets without extent (`max_constant_share`)."""
    mostly = 1 - metadata.settings["max_constant_share"]
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "n_points", "min_value": 1}),
        (
            "expect_column_values_to_be_between",
            {"column": "extent", "min_value": 0.0, "strict_min": True, "mostly": mostly, "notes": EXTENT},
        ),
    ]


MODALITY = Modality(
    name="set",
    settings=SetSettings,
    column_types=("list", "large_list", "fixed_size_list"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_points,
    corruptions=CORRUPTIONS,
)
