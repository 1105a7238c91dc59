"""Features of a set of points and their names; see stages/modalities/set/__init__.py."""

import itertools
import math

import numpy as np

from stages.modalities.set.set_settings import SetSettings
from stages.samples.points import between

Row = dict[str, np.ndarray]


def centered(points: np.ndarray) -> np.ndarray:
    """Return the points minus their centroid, exactly 0 for a constant coordinate (rounding errors of a mean would be scaled up)."""
    return np.where((points == points[0]).all(axis=0), 0.0, points - points.mean(axis=0))


def set_features(points: np.ndarray, settings: SetSettings) -> Row:
    """Return the features of float64 (n, c), sorted, in the order of their names."""
    centred = centered(points)
    covariance = np.einsum("ni,nj->ij", centred, centred) / len(points)  # einsum: a fixed order of summation, with any number of threads
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
    """Return the distances of all pairs; above `max_pairs`, of points evenly spaced in the sorted order."""
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


def feature_names(channels: tuple[str, ...], settings: SetSettings) -> list[str]:
    """Return the names of the columns, in the order of `set_features`."""
    parts = {
        "covariance": [f"{a}, {b}" for a, b in itertools.combinations_with_replacement(channels, 2)],
        "eigenvalue": [str(i + 1) for i in range(len(channels))],
        "share of axis": [str(i + 1) for i in range(len(channels))],
    }
    if "grid" in settings.features:  # otherwise there may be too many cells to list
        cells = itertools.product(range(1, settings.grid + 1), repeat=len(channels))
        parts["cell"] = [",".join(map(str, cell)) for cell in cells]
    names: list[str] = []
    for feature in set_features(np.zeros((1, len(channels))), settings):
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
