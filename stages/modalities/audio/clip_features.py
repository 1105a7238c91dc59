"""Features of clips: a row per frame, and a vector per clip; see stages/modalities/audio/__init__.py."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from stages.modalities.audio.audio_settings import AudioSettings
from stages.modalities.audio.spectra import MelBank, cepstra, normalized, resample, slopes

FLOOR = 1e-10


def frames_of(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return the features of each frame of one clip (n,), float64 (n_frames, width).

    Raises:
        ValueError: if `signal` is shorter than one window.
    """
    bank = mel_bank(settings)
    n_frames = bank.add(resampled(signal, rate_hz, settings))
    return frame_features(bank.power(), np.array([0, n_frames]), settings)


def mel_bank(settings: AudioSettings) -> MelBank:
    return MelBank(settings.rate_hz, n_window=settings.n_window, n_offset=settings.n_offset, bands=settings.bands)


def resampled(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return a clip at the declared rate.

    Raises:
        ValueError: if it is shorter than one window.
    """
    signal = resample(signal, rate_hz, settings.rate_hz)
    if len(signal) < settings.n_window:
        length_ms = 1000 * len(signal) / settings.rate_hz
        raise ValueError(f"a clip of {length_ms:.1f} ms is shorter than one window of {settings.window_ms:g} ms")
    return signal


def frame_features(power: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return the features of each frame, float64 (Σ n_frames, width).

    Args:
        power: float64 (Σ n_frames, bands); overwritten. starts: int32 (n_clips + 1,): frames starts[i] to starts[i + 1] are clip i's.
    """
    rows = np.log(np.maximum(power, FLOOR, out=power), out=power) if settings.log else power
    if settings.features == "mfcc":
        rows = cepstra(rows, settings.coefficients)
    if settings.deltas:
        rows = np.hstack([rows, _by_clip(slopes, rows, starts)])
    if settings.normalise == "none":
        return rows
    return _by_clip(lambda clip: normalized(clip, spread=settings.normalise == "variance"), rows, starts)


def _by_clip(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return `function` of each clip's rows, concatenated; it keeps the shape."""
    found = np.empty_like(rows)
    for start, stop in pairwise(starts):
        found[start:stop] = function(rows[start:stop])
    return found


def clip_summaries(frames: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return for each clip the rows of `settings.rows`: mean, standard deviation, each segment's mean; (n_clips, rows·width)."""
    lengths, rows = np.diff(starts), []
    for name in settings.rows:
        if name == "mean":
            rows.append(_means(frames, starts[:-1], lengths))
        elif name == "deviation":
            # relative to the clip's first frame: exactly 0 for a steady tone, where the mean has a rounding error
            shifted = np.repeat(frames[starts[:-1]], lengths, axis=0)
            np.subtract(frames, shifted, out=shifted)
            shifted -= np.repeat(_means(shifted, starts[:-1], lengths), lengths, axis=0)
            rows.append(np.sqrt(_means(np.square(shifted, out=shifted), starts[:-1], lengths)))
    if settings.segments:
        # in a clip with fewer frames than segments, some segments repeat a frame: reduceat returns the first row of an empty range
        within = np.arange(settings.segments) * lengths[:, None] // settings.segments
        n_frames = np.maximum(1, np.diff(within, axis=1, append=lengths[:, None]))
        segments = _means(frames, (starts[:-1, None] + within).ravel(), n_frames.ravel())
        rows.append(segments.reshape(len(lengths), settings.segments * settings.width))
    return np.hstack(rows)


def _means(rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the means of runs of rows that follow each other: (n_runs, width)."""
    if len(starts) == 0:
        return np.empty((0, rows.shape[1]))
    sums: np.ndarray = np.add.reduceat(rows, starts, axis=0)
    return sums / lengths[:, None]


def first_frames(frames: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return each clip's first frames, concatenated and padded with silence; (n_clips, rows·width)."""
    n = len(settings.rows)
    silence = frame_features(np.zeros((n, settings.bands)), np.array([0, n]), settings)
    found = np.empty((len(starts) - 1, n, settings.width))
    for i, (start, stop) in enumerate(pairwise(starts)):
        known = frames[start : min(stop, start + n)]
        found[i, : len(known)], found[i, len(known) :] = known, silence[: n - len(known)]
    return found.reshape(len(found), n * settings.width)
