"""What can happen to a set of points: points are missed, or measured inexactly."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import Corruption, Reference
from stages.samples.points import raw_column, raw_points


def spread_around_centres(column: pa.Array) -> Reference:
    """Return `spread`: each coordinate's root mean square distance from its set's centroid, over all points, float64 (c,)."""
    sets = [points for points in raw_points(column) if len(points)]
    if not sets:
        return {"spread": np.zeros(1)}
    return {"spread": np.sqrt(np.mean(np.concatenate([points - points.mean(axis=0) for points in sets]) ** 2, axis=0))}


def drop_points(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
    """Return the sets without some of their points; one always stays."""
    pairs = zip(raw_points(column), randoms, strict=True)
    return raw_column([_without_points(points, strength, random) for points, random in pairs], column.type)


def _without_points(points: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    chance = random.random(len(points))
    return points[(chance >= strength) | (chance == chance.max(initial=0.0))]


def jitter(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
    """Return the sets with noise in every coordinate."""
    pairs, scale = zip(raw_points(column), randoms, strict=True), strength * reference["spread"]
    return raw_column([points + scale * random.standard_normal(points.shape) for points, random in pairs], column.type)


CORRUPTIONS = (
    Corruption(
        name="points_dropped",
        what="points are missing; one always stays",
        unit="probability of a point to be dropped",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=drop_points,
    ),
    Corruption(
        name="jitter",
        what="Gaussian noise is added to every coordinate of every point",
        unit="root mean square distances of the coordinate from the sets' centroids, over the training rows",
        largest=10.0,
        strengths=(0.05, 0.1, 0.25),
        change=jitter,
        measure=spread_around_centres,
    ),
)
