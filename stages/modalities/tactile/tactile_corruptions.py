"""What can happen to frames of pressure: noise, dead sensors, drift, a shift in time. Pressure stays between 0 and the full scale.

The full scale of a sensor is not in the samples: it counts as the highest reading of the training rows, or of the sample if that is higher.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import CorruptColumn, Corruption, Reference
from stages.modalities.tactile.pressure_frames import grid_shape
from stages.samples.points import numbers_of
from stages.samples.read import read_each
from stages.samples.signal_corruptions import shifted, spreads, with_drift, with_noise, without_sensors

SPREAD = "standard deviations of all readings of the training rows"


def readings_spread(column: pa.Array) -> Reference:
    """Return `spread`, the standard deviation of all readings, and `largest` of them: float64 (1,) each."""
    readings = [frames.reshape(-1, 1) for frames in _raw_frames(column)]
    largest = np.nanmax(np.concatenate([np.zeros((1, 1)), *readings]), axis=0)
    return {"spread": spreads(readings) if readings else np.zeros(1), "largest": largest}


def _raw_frames(column: pa.Array) -> list[np.ndarray]:
    """Return the frames of each sample, float64 (T, H, W), NaN where null."""
    height, width = grid_shape(column.type)

    def frames(row: int) -> np.ndarray:
        inner = column[row].values
        flat = inner.flatten().flatten().cast(pa.float64())
        if len(flat) != len(inner) * height * width:
            raise ValueError("a frame or a row of sensors is null; write a missing reading as NaN")
        return np.from_dlpack(flat.fill_null(float("nan"))).reshape(len(inner), height, width)

    return read_each(pa.array(np.arange(len(column))), frames)


def _frames_column(samples: Sequence[np.ndarray], kind: pa.DataType) -> pa.Array:
    frame = kind.value_type
    flat = np.concatenate([np.empty(0), *(values.reshape(-1) for values in samples)])
    lines = pa.FixedSizeListArray.from_arrays(numbers_of(flat, frame.value_type.value_type), type=frame.value_type)
    offsets = np.cumsum([0, *(len(values) for values in samples)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.FixedSizeListArray.from_arrays(lines, type=frame), type=kind)


def _each(change: Callable[[np.ndarray, float, np.random.Generator, Reference], np.ndarray]) -> CorruptColumn:
    """Return the change of a column from that of one sample's frames (T, H, W)."""

    def changed(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
        pairs = zip(_raw_frames(column), randoms, strict=True)
        return _frames_column([change(frames, strength, random, reference) for frames, random in pairs], column.type)

    return changed


def _possible(frames: np.ndarray, before: np.ndarray, reference: Reference) -> np.ndarray:
    """Return readings within 0 and full scale: no sensor reads less than no pressure."""
    return np.clip(frames, 0.0, np.nanmax(before, initial=reference["largest"][0]))


def noisy(frames: np.ndarray, strength: float, random: np.random.Generator, reference: Reference) -> np.ndarray:
    """Return frames with noise, within the sensors' range."""
    return _possible(with_noise(frames, strength, random, reference["spread"]), frames, reference)


def drifting(frames: np.ndarray, strength: float, random: np.random.Generator, reference: Reference) -> np.ndarray:
    """Return frames that drift, within the sensors' range."""
    return _possible(with_drift(frames, strength, random, reference["spread"]), frames, reference)


CORRUPTIONS = (
    Corruption(
        name="noise",
        what="Gaussian noise is added to every reading",
        unit=SPREAD,
        largest=10.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(noisy),
        measure=readings_spread,
    ),
    Corruption(
        name="dropped_sensors",
        what="sensors have no reading in any frame; one sensor always stays",
        unit="probability of a sensor to be dropped",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(lambda frames, strength, random, reference: without_sensors(frames, strength, random)),
    ),
    Corruption(
        name="drift",
        what="each sensor drifts up or down linearly, from no offset in the first frame",
        unit=f"offset in the last frame, in {SPREAD}",
        largest=10.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(drifting),
        measure=readings_spread,
    ),
    Corruption(
        name="time_shift",
        what="the contact begins earlier or later; frames keep their number, and the first or last is repeated",
        unit="share of the sample's frames",
        largest=1.0,
        strengths=(0.05, 0.1, 0.25),
        change=_each(lambda frames, strength, random, reference: shifted(frames, strength, random)),
    ),
)
