"""Set: points without an order. facts: channels, max_points. Of more than `max_points` points some are left out, evenly."""

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Ragged, Structured
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits, channel_scale, scaled


def has(block: Structured) -> bool:
    """Return whether points are kept."""
    return block.structure is not None and "points" in block.structure.columns


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return each coordinate's mean and deviation over the points of the training rows."""
    points = _points(block, limits.steps)
    return FittedInput({"channels": points.values.shape[1], "max_points": limits.steps}, channel_scale(points.taken(rows).values))


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of standardized points."""
    points = _points(block, fitted.facts["max_points"])
    values = Ragged(points.offsets, scaled(points.values, fitted.arrays))
    return lambda rows: _batch(values, rows)


def _batch(points: Ragged, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the points of all sets of a network in a row, which few are much longer than most, so that little is filled up."""
    n_networks, lengths = len(rows), points.lengths[rows]
    n_points = max(int(lengths.sum(axis=1).max(initial=1)), 1)
    values = np.zeros((n_networks, n_points, points.values.shape[1]), np.float32)
    for network in range(n_networks):
        values[network, : lengths[network].sum()] = points.taken(rows[network]).values
    ends = np.cumsum(np.concatenate([np.zeros((n_networks, 1), np.int64), lengths], axis=1), axis=1)
    return {"values": values, "lengths": lengths, "offsets": (ends + np.arange(n_networks)[:, None] * n_points).ravel()}


def _points(block: Structured, most: int) -> Ragged:
    """Return at most `most` points of each sample: of sorted ones, which features files hold, every n-th."""
    assert block.structure is not None
    points: Ragged = block.structure.columns["points"]
    lengths = points.lengths
    if lengths.max(initial=0) <= most:
        return points
    kept = np.minimum(lengths, most)
    offsets = np.concatenate([[0], np.cumsum(kept)])
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], kept)
    starts = np.repeat(points.offsets[:-1].astype(np.int64), kept)
    return Ragged(offsets, points.values[starts + place * np.repeat(lengths, kept) // np.repeat(np.maximum(kept, 1), kept)])


INPUT = InputReader("set", has, fit, load)
