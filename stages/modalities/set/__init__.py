"""Sets of points (point clouds, detections, unordered members): n points of c coordinates, n differing between samples.

Order means nothing: members are sorted (by the first coordinate, then the second, …) before anything is computed, so that sums run in
one order and the features of a permuted set are the same bytes. A point that occurs twice counts twice. A set without points,
or with a missing coordinate, cannot be read.

`centre` moves the centroid to the origin, `scale` divides by the root mean square distance from the centroid: then place, or size,
do not count. Features, by group, after that:
    moments    mean (unless centred), covariance, skewness and kurtosis (minus 3) of every coordinate
    extent     min, max, quartiles of every coordinate
    axes       eigenvalues of the covariance, from large to small, in absolute terms and as shares of their sum: they do not change when
               the set is turned
    distances  of pairs and of points from the centroid: mean, deviation and largest, and shares in `bins` equal parts of the largest
               (the shape distributions D2 and D1 of Osada et al., doi:10.1145/571647.571648; theirs are sampled). Above `max_pairs` pairs,
               those of as many members as fit, evenly spaced in the sorted order
    grid       shares of the points in `grid` equal parts of every coordinate's range, all combinations
    count      how many points
One point, or a coordinate that never changes, has no shape: its shares, skewness and kurtosis are 0, and it lies in the first part.

Units are mixed, so the encoding is `table` (numbers only): train standardises the columns on its training rows.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.samples.points import Channels, between, extremes, numeric_columns, points_column, read_points

Group = Literal["moments", "extent", "axes", "distances", "grid", "count"]
GROUPS: tuple[Group, ...] = get_args(Group)
MAX_CELLS = 4096
Row = dict[str, np.ndarray]


class SetSettings(Settings):
    channels: Channels | None = Field(None, min_length=1, description="names of the coordinates, in their order, or null: 0, 1, …")
    centre: bool = Field(True, description="whether the centroid is moved to the origin, so that place does not count")
    scale: bool = Field(True, description="whether the set is brought to one size, so that size does not count")
    features: tuple[Group, ...] = Field(GROUPS, min_length=1, description=f"groups of features, of {', '.join(GROUPS)}")
    bins: int = Field(10, ge=2, le=256, description="parts of the histograms of distances")
    grid: int = Field(3, ge=2, le=64, description="parts of every coordinate's range")
    max_pairs: int = Field(20_000, ge=1, le=10_000_000, description="pairs of points whose distance is computed, at most")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of sets that are one point, or copies of one, at most")


def featurize(column: pa.Array | pa.ChunkedArray, settings: SetSettings) -> Features:
    """Return numeric float32 (n, p), no categorical columns, and `points`: the members in sorted order, centred and scaled as declared.

    Raises:
        InputError: if the grid has more than MAX_CELLS cells.
    """
    samples, channels = read_points(column, settings.channels, lambda points: _normal(_sorted(points), settings))
    if "grid" in settings.features and settings.grid ** len(channels) > MAX_CELLS:
        raise InputError(f"a grid of {settings.grid} parts in {len(channels)} coordinates has more than {MAX_CELLS} cells; "
                         "lower `grid`, or leave it out of `features`")
    names = _names(channels, settings)
    rows = [np.concatenate(list(_features(points, settings).values())) for points in samples]
    columns = {**numeric_columns(rows, len(names)), "points": points_column(samples, len(channels))}
    fit = {"max_categories": 2}  # of the encoder of tables; there are no categories
    return Features(columns, "table", (len(names), 0), {"numeric": names, "categorical": [], "channels": list(channels)}, fit)


def _sorted(points: np.ndarray) -> np.ndarray:
    """Return the points in the order of their coordinates; raise ValueError if one is missing."""
    if np.isnan(points).any():
        row = int(np.isnan(points).any(axis=1).argmax())
        raise ValueError(f"point {row} lacks a coordinate (NaN); leave the point out, or fill it in the data set")
    points = points + 0.0  # -0.0 becomes 0.0: they are equal, so sorting would leave them as they came
    return points[np.lexsort(points.T[::-1])]


def _normal(points: np.ndarray, settings: SetSettings) -> np.ndarray:
    centred = _centred(points)
    size = math.sqrt((centred**2).sum() / len(points))
    moved = centred if settings.centre else points
    return moved / size if settings.scale and size > 0 else moved


def _centred(points: np.ndarray) -> np.ndarray:
    """Return the points less their centroid, exactly 0 where a coordinate is constant (a mean's rounding would be scaled up)."""
    return np.where((points == points[0]).all(axis=0), 0.0, points - points.mean(axis=0))


def _features(points: np.ndarray, settings: SetSettings) -> Row:
    """Return the features of float64 (n, c), sorted, in the order of their names."""
    centred = _centred(points)
    covariance = np.einsum("ni,nj->ij", centred, centred) / len(points)  # einsum: one order of summation, whatever the threads
    row: Row = {}
    if "moments" in settings.features:
        row |= _moments(points, centred, covariance, settings)
    if "extent" in settings.features:
        row |= _extent(points)
    if "axes" in settings.features:
        eigenvalues = np.maximum(0.0, np.linalg.eigvalsh(covariance)[::-1])
        total = eigenvalues.sum()
        row |= {"eigenvalue": eigenvalues, "share of axis": eigenvalues / (total if total > 0 else 1.0)}
    if "distances" in settings.features:
        row |= _histogram("pairs", _pair_distances(points, settings.max_pairs), settings.bins)
        row |= _histogram("centroid", np.sqrt((centred**2).sum(axis=1)), settings.bins)
    if "grid" in settings.features:
        row["cell"] = _cells(points, settings.grid)
    if "count" in settings.features:
        row["count"] = np.array([float(len(points))])
    return row


def _moments(points: np.ndarray, centred: np.ndarray, covariance: np.ndarray, settings: SetSettings) -> Row:
    deviation = np.sqrt(np.diagonal(covariance))
    standard = centred / np.where(deviation > 0, deviation, 1.0)
    row = {} if settings.centre else {"mean": points.mean(axis=0)}
    return row | {
        "covariance": covariance[np.triu_indices(len(covariance))],
        "skewness": (standard**3).mean(axis=0),
        "kurtosis": np.where(deviation > 0, (standard**4).mean(axis=0) - 3, 0.0),
    }


def _extent(points: np.ndarray) -> Row:
    ordered = np.sort(points, axis=0)
    quartiles = between(ordered, np.array([0, 0.25, 0.5, 0.75, 1]) * (len(points) - 1))
    return dict(zip(("min", "first quartile", "median", "third quartile", "max"), quartiles, strict=True))


def _pair_distances(points: np.ndarray, max_pairs: int) -> np.ndarray:
    """Return the distances of all pairs; of too many, those of members evenly spaced in the sorted order."""
    n_members = min(len(points), (1 + math.isqrt(1 + 8 * max_pairs)) // 2)
    if n_members < len(points):
        points = points[((np.arange(n_members) + 0.5) * (len(points) / n_members)).astype(np.int64)]
    a, b = np.triu_indices(len(points), 1)
    return np.sqrt(((points[a] - points[b]) ** 2).sum(axis=1))


def _histogram(name: str, distances: np.ndarray, n_bins: int) -> Row:
    largest = distances.max(initial=0.0)
    if largest > 0:
        place = np.minimum((distances / largest * n_bins).astype(np.int64), n_bins - 1)
        shares = np.bincount(place, minlength=n_bins) / len(distances)
        mean, deviation = distances.mean(), distances.std()
    else:
        shares, mean, deviation = np.zeros(n_bins), 0.0, 0.0
    return {f"{name}: distance": np.array([mean, deviation, largest]), f"{name}: part": shares}


def _cells(points: np.ndarray, n_parts: int) -> np.ndarray:
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    part = np.minimum(((points - low) / np.where(span > 0, span, 1.0) * n_parts).astype(np.int64), n_parts - 1)
    cell = np.zeros(len(points), dtype=np.int64)
    for column in part.T:
        cell = cell * n_parts + column
    return np.bincount(cell, minlength=n_parts ** points.shape[1]) / len(points)


def _names(channels: tuple[str, ...], settings: SetSettings) -> list[str]:
    """Return the names of the columns, in the order of `_features`."""
    parts = {
        "covariance": [f"{a}, {b}" for a, b in itertools.combinations_with_replacement(channels, 2)],
        "eigenvalue": [str(i + 1) for i in range(len(channels))],
        "share of axis": [str(i + 1) for i in range(len(channels))],
    }
    if "grid" in settings.features:  # else there may be more cells than can be counted
        cells = itertools.product(range(1, settings.grid + 1), repeat=len(channels))
        parts["cell"] = [",".join(map(str, cell)) for cell in cells]
    names: list[str] = []
    for feature in _features(np.zeros((1, len(channels))), settings):
        if feature == "count":
            names.append("count")
        elif feature.endswith(": distance"):
            names += [f"{feature}, {what}" for what in ("mean", "deviation", "largest")]
        elif feature.endswith(": part"):
            names += [f"{feature} {i + 1}/{settings.bins}" for i in range(settings.bins)]
        elif feature in parts:
            names += [f"{feature} {part}" for part in parts[feature]]
        else:
            names += [f"{channel}: {feature}" for channel in channels]
    return names


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per set: finite, n_points and extent (the largest range of a coordinate)."""
    _, low, high, counts = extremes(table["points"])
    return {
        "finite": np.isfinite(column_values(table["numeric"])).all(axis=1),
        "n_points": counts,
        "extent": (high - low).max(axis=1, initial=0.0),
    }


EXTENT = "largest range of a coordinate over the set; 0 is a single point, or copies of one"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: finite numbers, and few sets that have no extent (`max_constant_share`)."""
    mostly = 1 - metadata["settings"]["max_constant_share"]
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
)
