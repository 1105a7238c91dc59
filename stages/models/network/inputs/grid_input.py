"""Grid: an image of channels. facts: channels, height, width.

An image has its pixels, in their own channels. Pressure frames have their summaries, and the mean frame of PARTS equal parts of the time.
"""

import numpy as np

from stages.features.encoders import State
from stages.features.structures import Ragged, Structured
from stages.models.network.inputs.averaged_steps import averaged
from stages.models.network.inputs.fitted_input import Batches, FittedInput, InputReader, ReadLimits, channel_scale, scaled

PARTS = 4


def has(block: Structured) -> bool:
    """Return whether the modality is one of images or pressure frames, with a dense vector that has three axes."""
    return block.structure is not None and block.structure.modality in ("image", "tactile") and len(block.structure.shape) == 3


def fit(block: Structured, state: State, rows: np.ndarray, limits: ReadLimits) -> FittedInput:
    """Return each channel's mean and deviation over places and training rows."""
    pixels = _pixels(block)
    scale = channel_scale(pixels[rows].transpose(0, 2, 3, 1).reshape(-1, pixels.shape[1]))
    return FittedInput(dict(zip(("channels", "height", "width"), map(int, pixels.shape[1:]), strict=True)), scale)


def load(block: Structured, fitted: FittedInput) -> Batches:
    """Return batches of standardized images."""
    pixels = _pixels(block)
    values = scaled(pixels.transpose(0, 2, 3, 1), fitted.arrays)
    channels_first = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    return lambda rows: {"values": channels_first.take(rows, axis=0)}


def _pixels(block: Structured) -> np.ndarray:
    """Return float32 (n, channels, height, width)."""
    assert block.structure is not None
    vectors = np.asarray(block.matrix).reshape(-1, *block.structure.shape)
    if block.structure.modality == "image":
        return vectors.transpose(0, 3, 1, 2)
    frames: Ragged | None = block.structure.columns.get("frames")
    if frames is None:
        return vectors
    return np.concatenate([vectors, _parts(frames)], axis=1)


def _parts(frames: Ragged) -> np.ndarray:
    """Return the mean frame of each of PARTS equal parts of the time: (n, PARTS, height, width); a short sample repeats frames."""
    means = averaged(frames, PARTS)
    lengths = np.maximum(means.lengths, 1)
    places = (np.arange(PARTS) * lengths[:, None]) // PARTS
    found = np.zeros((len(frames), PARTS, *frames.values.shape[1:]), np.float32)
    known = means.lengths > 0
    found[known] = means.values[(means.offsets[:-1, None] + places)[known]]
    return found


INPUT = InputReader("grid", has, fit, load)
