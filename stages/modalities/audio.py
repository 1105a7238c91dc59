"""Sound: log-mel bands per frame, and per clip their mean, spread and course as one vector.

Reads WAV: PCM of 8 (unsigned), 16, 24 and 32 bits and IEEE float of 32 and 64, `extensible` headers too (the standard library's
`wave` reads neither those nor float). Channels are averaged, full scale is 1, and the clip is brought to `rate_hz` by a
polyphase filter (Kaiser window, scipy's default).

Frames of `window_ms` every `offset_ms` (only whole ones), periodic Hann window w, power |FFT(w·x)|² / (Σw)² · n_window / n_fft, so that a
sine of amplitude 1 adds up to 0.375 (1/4, times the window's noise bandwidth of 1.5 bins) whatever the window and the padding. The FFT
is padded until every mel filter has a bin. Filters: triangles of height 1 between points equally spaced on O'Shaughnessy's mel
scale, 2595·log10(1 + f/700), from 0 to rate_hz/2. Logarithm: natural, of at least FLOOR.
"""

import math
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.fft
from pydantic import Field, model_validator

from stages.contracts import Features, Modality, Settings
from stages.samples import read_each
from stages.tables import column_values, fixed_lists

FLOOR = 1e-10
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # WAV's codes
RATES_HZ = (1_000, 384_000)  # what a header may say
MAX_AMPLITUDE = 1e3  # of float samples, whose full scale is 1


class AudioSettings(Settings):
    rate_hz: int = Field(16_000, ge=4_000, le=192_000, description="sampling rate to which every clip is brought")
    window_ms: float = Field(20, ge=1, le=1_000, description="length of a frame in milliseconds")
    offset_ms: float = Field(10, ge=1, le=1_000, description="from the start of one frame to the next, in milliseconds")
    bands: int = Field(40, ge=2, le=256, description="mel bands")
    segments: int = Field(4, ge=0, le=64, description="equal parts of a clip whose means are kept in order, beside mean and deviation")
    log: bool = Field(True, description="whether the bands are logarithmic")

    @model_validator(mode="after")
    def _check_frames(self) -> "AudioSettings":
        if self.offset_ms > self.window_ms:
            raise ValueError(f"offset_ms {self.offset_ms:g} skips sound: it must be at most window_ms {self.window_ms:g}")
        if self.n_window < 2 * self.bands:
            raise ValueError(f"bands {self.bands} need frames of {2 * self.bands} samples, and window_ms has {self.n_window}: use fewer")
        return self

    @property
    def n_window(self) -> int:
        """Samples in a frame."""
        return round(self.rate_hz * self.window_ms / 1000)

    @property
    def n_offset(self) -> int:
        """Samples from the start of one frame to the next."""
        return max(1, round(self.rate_hz * self.offset_ms / 1000))


def featurize(column: pa.Array | pa.ChunkedArray, settings: AudioSettings) -> Features:
    """Return per clip (binary) a vector, float32 (n, (2 + segments)·bands), and frames, lists of float32 (bands,).

    The vector is each band's mean over the clip, its standard deviation, then its mean over each of `segments` equal parts.
    """
    clips = read_each(column, lambda encoded: frames_of(*decode_wav(encoded), settings))
    vectors = np.empty((len(clips), (2 + settings.segments) * settings.bands), dtype=np.float32)
    for vector, frames in zip(vectors, clips, strict=True):
        vector[:] = _summary(frames, settings.segments)
    offsets = np.cumsum([0, *(len(frames) for frames in clips)], dtype=np.int32)
    flat = np.concatenate(clips) if clips else np.empty((0, settings.bands))
    columns = {
        "vector": fixed_lists(vectors),
        "frames": pa.ListArray.from_arrays(pa.array(offsets), fixed_lists(flat.astype(np.float32))),
    }
    names = ["mean", "deviation", *(f"segment {i + 1}" for i in range(settings.segments))]
    return Features(columns, "dense", (len(names), settings.bands), names)


def decode_wav(encoded: bytes) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz.

    Raises:
        ValueError: if the bytes are no whole WAV file of a known encoding.
    """
    if encoded[:4] != b"RIFF" or encoded[8:12] != b"WAVE":
        raise ValueError(f"not a WAV file ({len(encoded)} bytes that start with {encoded[:4]!r}); convert it to WAV in the data set")
    chunks = _chunks(encoded)
    if "fmt " not in chunks or "data" not in chunks or len(chunks["fmt "]) < 16:
        raise ValueError(f"WAV file without a whole 'fmt ' and 'data' chunk (it has: {', '.join(chunks) or 'none'})")
    code, n_channels, rate_hz, _, width, bits = struct.unpack_from("<HHIIHH", chunks["fmt "])
    if code == EXTENSIBLE and len(chunks["fmt "]) >= 26:
        code = struct.unpack_from("<H", chunks["fmt "], 24)[0]
    if n_channels == 0 or width != n_channels * bits // 8 or not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"WAV header makes no sense: {n_channels} channels of {bits} bits in {width} bytes at {rate_hz} Hz")
    if len(chunks["data"]) % width:
        raise ValueError(f"WAV data of {len(chunks['data'])} bytes end inside a sample of {width} bytes")
    signal = _amplitudes(chunks["data"], code, bits)
    if not np.abs(signal).max(initial=0) <= MAX_AMPLITUDE:  # not: NaN fails too
        raise ValueError(f"WAV samples that are not finite, or beyond {MAX_AMPLITUDE:g} times full scale")
    return signal.reshape(-1, n_channels).mean(axis=1), rate_hz


def _chunks(encoded: bytes) -> dict[str, bytes]:
    """Return the first chunk of each name. A size of 0xFFFFFFFF (written by streaming tools) means up to the end."""
    chunks: dict[str, bytes] = {}
    at = 12
    while at + 8 <= len(encoded):
        name, size = encoded[at : at + 4].decode("latin-1"), struct.unpack_from("<I", encoded, at + 4)[0]
        if size == 0xFFFFFFFF:
            size = len(encoded) - at - 8
        if name in ("fmt ", "data") and at + 8 + size > len(encoded):
            raise ValueError(f"WAV file is cut off: chunk {name!r} should have {size} bytes, {len(encoded) - at - 8} are there")
        chunks.setdefault(name, encoded[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks


def _amplitudes(data: bytes, code: int, bits: int) -> np.ndarray:
    """Return float64 amplitudes, interleaved as they stand."""
    if code == FLOAT and bits in (32, 64):
        with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
            return np.frombuffer(data, dtype=f"<f{bits // 8}").astype(np.float64)
    if code == PCM and bits == 8:
        return (np.frombuffer(data, dtype=np.uint8) - 128.0) / 128.0
    if code == PCM and bits == 24:
        wide = np.zeros((len(data) // 3, 4), dtype=np.uint8)
        wide[:, 1:] = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3)
        return wide.view("<i4")[:, 0] / 2.0**31
    if code == PCM and bits in (16, 32):
        return np.frombuffer(data, dtype=f"<i{bits // 8}") / 2.0 ** (bits - 1)
    raise ValueError(f"WAV encoding {code} with {bits} bits; read are PCM (1) of 8, 16, 24, 32 bits and float (3) of 32, 64")


def frames_of(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return float64 (n_frames, bands), (log-)power in each mel band; see the module's docstring.

    Raises:
        ValueError: if `signal` is shorter than one window.
    """
    if rate_hz != settings.rate_hz:
        signal = _resampled(signal, rate_hz, settings.rate_hz)
    if len(signal) < settings.n_window:
        length_ms = 1000 * len(signal) / settings.rate_hz
        raise ValueError(f"a clip of {length_ms:.1f} ms is shorter than one window of {settings.window_ms:g} ms")
    window, filters, n_fft = _filters(settings.rate_hz, settings.n_window, settings.bands)
    strided = np.lib.stride_tricks.sliding_window_view(signal, settings.n_window)[:: settings.n_offset]
    spectrum = scipy.fft.rfft(strided * window, n_fft, axis=1, workers=1)
    power = (spectrum.real**2 + spectrum.imag**2) * (settings.n_window / n_fft / window.sum() ** 2)
    bands = power @ filters
    return np.log(np.maximum(bands, FLOOR)) if settings.log else bands


def _resampled(signal: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    if len(signal) == 0:
        return signal
    divisor = math.gcd(rate_hz, to_hz)
    up, down = to_hz // divisor, rate_hz // divisor
    from scipy.signal import resample_poly  # 0.6 s that only resampling needs: checking params.yaml imports this file too

    return resample_poly(signal, up, down, window=_low_pass(max(up, down)))


@lru_cache(maxsize=16)
def _low_pass(factor: int) -> np.ndarray:
    """Return the filter that `resample_poly` would design anew for every clip (two thirds of its time)."""
    from scipy.signal import firwin

    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))


@lru_cache(maxsize=4)
def _filters(rate_hz: int, n_window: int, bands: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the window (n_window,), the mel filters (n_fft // 2 + 1, bands) and n_fft."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_window) / n_window)
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate_hz / 2 / 700), bands + 2) / 2595) - 1)
    n_fft = 1 << (n_window - 1).bit_length()
    while True:
        hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)[:, None]
        rising = (hz - corners[:-2]) / (corners[1:-1] - corners[:-2])
        falling = (corners[2:] - hz) / (corners[2:] - corners[1:-1])
        filters = np.maximum(0, np.minimum(rising, falling))
        if filters.any(axis=0).all():
            return window, filters, n_fft
        n_fft *= 2


def _summary(frames: np.ndarray, n_segments: int) -> np.ndarray:
    """Return mean, standard deviation and each segment's mean over time, (2 + n_segments)·bands."""
    n = len(frames)
    starts = [i * n // max(1, n_segments) for i in range(n_segments)]
    stops = [max(start + 1, (i + 1) * n // n_segments) for i, start in enumerate(starts)]
    segments = [frames[start:stop].mean(axis=0) for start, stop in zip(starts, stops, strict=True)]
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0), *segments])


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per clip: finite, length (of the vector), n_frames, min and max (mean band power) and variation (over time)."""
    vectors = column_values(table["vector"])
    bands = metadata["shape"][1]
    mean, deviation = vectors[:, :bands].astype(np.float64), vectors[:, bands : 2 * bands].astype(np.float64)
    return {
        "finite": np.isfinite(vectors).all(axis=1),
        "length": np.full(len(vectors), vectors.shape[1]),
        "n_frames": np.diff(np.from_dlpack(table["frames"].combine_chunks().offsets)),
        "min": mean.min(axis=1),
        "max": mean.max(axis=1),
        "variation": deviation.max(axis=1),
    }


LENGTH = "numbers in the vector"
POWER = "(log-)power of the weakest and of the strongest band, averaged over the clip"
VARIATION = "largest standard deviation of a band over the clip; 0 is silence or one steady tone"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: power from the floor to some way above full scale; at most one clip in twenty silent or constant."""
    length = math.prod(metadata["shape"])
    is_log = metadata["settings"]["log"]
    low, high = (math.log(FLOOR) - 1e-3, math.log(1e4)) if is_log else (0.0, 1e4)
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length, "notes": LENGTH}),
        ("expect_column_values_to_be_between", {"column": "n_frames", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": low, "max_value": high, "notes": POWER}),
        ("expect_column_values_to_be_between", {"column": "max", "min_value": low, "max_value": high, "notes": POWER}),
        (
            "expect_column_values_to_be_between",
            {"column": "variation", "min_value": 0.0, "strict_min": True, "mostly": 0.95, "notes": VARIATION},
        ),
    ]


MODALITY = Modality(
    name="audio",
    settings=AudioSettings,
    column_types=("binary", "large_binary"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
