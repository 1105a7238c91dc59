"""What can happen to a series: noise, dead channels, drift, a shift in time."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import CorruptColumn, Corruption, Reference
from stages.samples.points import raw_column, raw_points
from stages.samples.signal_corruptions import shifted, spreads, with_drift, with_noise, without_sensors

SPREAD = "standard deviations of the channel over the training rows"


def channel_spreads(column: pa.Array) -> Reference:
    """Return `spread`: each channel's standard deviation over all points of all series, float64 (c,)."""
    return {"spread": spreads(raw_points(column))}


def _each(change: Callable[[np.ndarray, float, np.random.Generator, Reference], np.ndarray]) -> CorruptColumn:
    """Return the change of a column from that of one series (T, c)."""

    def changed(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
        pairs = zip(raw_points(column), randoms, strict=True)
        return raw_column([change(series, strength, random, reference) for series, random in pairs], column.type)

    return changed


CORRUPTIONS = (
    Corruption(
        name="noise",
        what="Gaussian noise is added to every reading",
        unit=SPREAD,
        largest=10.0,
        strengths=(0.05, 0.1, 0.25),
        change=_each(lambda values, strength, random, reference: with_noise(values, strength, random, reference["spread"])),
        measure=channel_spreads,
    ),
    Corruption(
        name="dropped_sensors",
        what="channels have no reading at all; one channel always stays",
        unit="probability of a channel to be dropped",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(lambda values, strength, random, reference: without_sensors(values, strength, random)),
    ),
    Corruption(
        name="drift",
        what="each channel drifts up or down linearly, from no offset at the start",
        unit=f"offset at the end, in {SPREAD}",
        largest=10.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(lambda values, strength, random, reference: with_drift(values, strength, random, reference["spread"])),
        measure=channel_spreads,
    ),
    Corruption(
        name="time_shift",
        what="the series begins earlier or later; it keeps its length, and its first or last point is repeated",
        unit="share of the series' points",
        largest=1.0,
        strengths=(0.05, 0.1, 0.25),
        change=_each(lambda values, strength, random, reference: shifted(values, strength, random)),
    ),
)
