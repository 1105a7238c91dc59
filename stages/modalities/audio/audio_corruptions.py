"""What can happen to a clip: white noise, clipping, dropped frames. The result is a mono WAV of 64-bit floats at the clip's own rate.

Samples that a corruption leaves alone keep their exact value. Silence stays silence: it has no amplitude that noise could be a multiple of.
"""

import io
from collections.abc import Callable

import numpy as np

from stages.contracts.corruption import CorruptColumn, Corruption
from stages.modalities.audio.excerpt import LONGEST_S
from stages.modalities.audio.sounds import decode
from stages.modalities.audio.wav import MAX_AMPLITUDE
from stages.samples.sample_changes import each_sample

FRAME_S = 0.02  # of dropped frames


def with_white_noise(signal: np.ndarray, rate_hz: int, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return a clip with Gaussian noise whose root mean square is exactly `strength` times the clip's."""
    noise = random.standard_normal(len(signal))
    level = strength * _rms(signal) / max(_rms(noise), np.finfo(float).tiny)
    return np.clip(signal + level * noise, -MAX_AMPLITUDE, MAX_AMPLITUDE)


def _rms(signal: np.ndarray) -> float:
    return float(np.sqrt(np.mean(signal**2))) if len(signal) else 0.0


def clipped(signal: np.ndarray, rate_hz: int, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return a clip without what exceeds (1 − `strength`) of its peak; at 1 silence."""
    limit = (1 - strength) * np.abs(signal).max(initial=0.0)
    return np.clip(signal, -limit, limit)


def without_frames(signal: np.ndarray, rate_hz: int, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return a clip in which each frame of FRAME_S is silent with probability `strength`."""
    frame = np.arange(len(signal)) // max(1, round(FRAME_S * rate_hz))
    lost = random.random(int(frame[-1]) + 1 if len(frame) else 0) < strength
    return np.where(lost[frame], 0.0, signal)


def _each(change: Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]) -> CorruptColumn:
    """Return the change of a column of files from that of one clip (n_samples,), mono, full scale 1."""

    def one(encoded: bytes, strength: float, random: np.random.Generator) -> bytes:
        signal, rate_hz = decode(encoded, LONGEST_S)
        return _wav(change(signal, rate_hz, strength, random), rate_hz)

    return each_sample(one)


def _wav(signal: np.ndarray, rate_hz: int) -> bytes:
    from scipy.io import wavfile  # here: of all commands, only this needs it

    file = io.BytesIO()
    wavfile.write(file, rate_hz, signal)
    return file.getvalue()


CORRUPTIONS = (
    Corruption(
        name="white_noise",
        what="white Gaussian noise is added",
        unit="root mean square of the noise / of the clip; the signal-to-noise ratio is −20·log10 of it, in dB (0.1: 20 dB, 1: 0 dB)",
        largest=10.0,
        strengths=(0.1, 0.32, 1.0),
        change=_each(with_white_noise),
    ),
    Corruption(
        name="clipping",
        what="amplitudes beyond a limit are cut off",
        unit="share of the clip's peak that is cut off",
        largest=1.0,
        strengths=(0.5, 0.75, 0.9),
        change=_each(clipped),
    ),
    Corruption(
        name="dropped_frames",
        what=f"frames of {1000 * FRAME_S:g} ms are silent",
        unit="probability of a frame to be dropped",
        largest=1.0,
        strengths=(0.02, 0.05, 0.1),
        change=_each(without_frames),
    ),
)
