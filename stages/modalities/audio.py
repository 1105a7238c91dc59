"""Sound: what each frame sounds like, as log-mel bands or cepstra, and a clip as one vector.

Reads WAV, FLAC, Ogg and MP3 (parts/sounds.py). Channels are averaged, full scale is 1, and the clip is brought to `rate_hz`. Frames of
`window_ms` every `offset_ms`, each as
    log_mel  the natural logarithm of the power in each mel band, of at least FLOOR (log: false leaves the power)
    mfcc     the first `coefficients` of the orthonormal DCT-II of that
and, with `deltas`, each number's slope per frame over two frames on both sides. Formulas: parts/spectra.py. `normalise` then takes off each
number what stays the same throughout the clip (mean: its mean, as of a microphone; variance: its spread too), which helps with unknown
speakers and rooms: 5-NN on free-spoken-digits (8 kHz, mfcc, a speaker held out at a time) 47 % → 60 % → 69 %.

The vector of a clip is, by `summary`,
    clip     each number's mean over the clip, its standard deviation, then its mean over each of `segments` equal parts; without what
             `normalise` has made the same for all clips
    frames   the first `n_frames` frames end to end; a shorter clip goes on with frames of silence (normalised: zeros)
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Features, Modality, Settings
from stages.modalities.parts.sounds import decode
from stages.modalities.parts.spectra import LEAST_SPREAD, cepstra, mel_power, normalised, resample, slopes
from stages.samples import read_each
from stages.tables import column_values, fixed_lists

FLOOR = 1e-10


class AudioSettings(Settings):
    rate_hz: int = Field(16_000, ge=4_000, le=192_000, description="sampling rate to which every clip is brought")
    window_ms: float = Field(20, ge=1, le=1_000, description="length of a frame in milliseconds")
    offset_ms: float = Field(10, ge=1, le=1_000, description="from the start of one frame to the next, in milliseconds")
    features: Literal["log_mel", "mfcc"] = Field("log_mel", description="of a frame: log_mel (mel bands) or mfcc (their cepstrum)")
    bands: int = Field(40, ge=2, le=256, description="mel bands")
    log: bool = Field(True, description="whether the bands are logarithmic")
    coefficients: int = Field(13, ge=1, le=256, description="of mfcc: how many, from the first, which is the loudness")
    deltas: bool = Field(False, description="whether the slopes over time stand beside the bands or coefficients")
    normalise: Literal["none", "mean", "variance"] = Field("none", description="takes off none, the mean, or variance (and mean)")
    summary: Literal["clip", "frames"] = Field("clip", description="vector: clip (mean, deviation, segments) or frames (end to end)")
    segments: int = Field(4, ge=0, le=64, description="of summary clip: equal parts whose means are kept in order")
    n_frames: int | None = Field(None, ge=1, le=10_000, description="of summary frames: how many; longer clips are cut, shorter filled up")
    max_seconds: float = Field(600, gt=0, le=36_000, description="longer clips are refused")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of clips that are silent or one steady tone, at most")

    @model_validator(mode="after")
    def _check_frames(self) -> "AudioSettings":
        if self.offset_ms > self.window_ms:
            raise ValueError(f"offset_ms {self.offset_ms:g} skips sound: it must be at most window_ms {self.window_ms:g}")
        if self.n_window < 2 * self.bands:
            raise ValueError(f"bands {self.bands} need frames of {2 * self.bands} samples, and window_ms has {self.n_window}: use fewer")
        if self.summary == "frames" and self.n_frames is None:
            raise ValueError("summary: frames needs n_frames: how many frames the vector of a clip has")
        if not self.parts:
            raise ValueError("segments 0 leave nothing of a clip when normalise: variance takes off mean and deviation: use 1 or more")
        return self

    @model_validator(mode="after")
    def _check_cepstra(self) -> "AudioSettings":
        if not self.log and (self.features == "mfcc" or self.normalise != "none"):
            raise ValueError("log: false is for features: log_mel and normalise: none; the others are taken of logarithmic bands")
        if self.features == "mfcc" and self.coefficients > self.bands:
            raise ValueError(f"coefficients {self.coefficients} are more than there are bands, {self.bands}")
        return self

    @property
    def n_window(self) -> int:
        """Samples in a frame."""
        return round(self.rate_hz * self.window_ms / 1000)

    @property
    def n_offset(self) -> int:
        """Samples from the start of one frame to the next."""
        return max(1, round(self.rate_hz * self.offset_ms / 1000))

    @property
    def width(self) -> int:
        """Numbers in a frame."""
        return (1 + self.deltas) * (self.coefficients if self.features == "mfcc" else self.bands)

    @property
    def parts(self) -> list[str]:
        """Names of the rows of `width` numbers that make up the vector."""
        if self.summary == "frames":
            return [f"frame {i + 1}" for i in range(self.n_frames or 0)]
        whole = {"none": ["mean", "deviation"], "mean": ["deviation"], "variance": []}[self.normalise]
        return whole + [f"segment {i + 1}" for i in range(self.segments)]


def featurize(column: pa.Array | pa.ChunkedArray, settings: AudioSettings) -> Features:
    """Return per clip (binary) a vector, float32 (n, parts·width), and frames, lists of float32 (width,); see the module's docstring."""
    clips = read_each(column, lambda encoded: _read(encoded, settings))
    vectors = np.empty((len(clips), len(settings.parts) * settings.width), dtype=np.float32)
    for row, (vector, _) in enumerate(clips):
        vectors[row] = vector
    offsets = np.cumsum([0, *(len(frames) for _, frames in clips)], dtype=np.int32)
    flat = np.concatenate([frames for _, frames in clips]) if clips else np.empty((0, settings.width), dtype=np.float32)
    columns = {
        "vector": fixed_lists(vectors),
        "frames": pa.ListArray.from_arrays(pa.array(offsets), fixed_lists(flat)),
    }
    return Features(columns, "dense", (len(settings.parts), settings.width), settings.parts)


def _read(encoded: bytes, settings: AudioSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector and the frames of a clip, float32 (parts·width,) and (n_frames, width)."""
    frames = frames_of(*decode(encoded, settings.max_seconds), settings)
    vector = _laid_out(frames, settings) if settings.summary == "frames" else _summary(frames, settings)
    return vector.astype(np.float32), frames.astype(np.float32)


def frames_of(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return float64 (n_frames, width), what each frame sounds like; see the module's docstring.

    Raises:
        ValueError: if `signal` is shorter than one window.
    """
    signal = resample(signal, rate_hz, settings.rate_hz)
    if len(signal) < settings.n_window:
        length_ms = 1000 * len(signal) / settings.rate_hz
        raise ValueError(f"a clip of {length_ms:.1f} ms is shorter than one window of {settings.window_ms:g} ms")
    power = mel_power(signal, settings.rate_hz, n_window=settings.n_window, n_offset=settings.n_offset, bands=settings.bands)
    return _describe(power, settings)


def _describe(power: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return float64 (n_frames, width) of the power in each band, (n_frames, bands)."""
    rows = np.log(np.maximum(power, FLOOR)) if settings.log else power
    if settings.features == "mfcc":
        rows = cepstra(rows, settings.coefficients)
    if settings.deltas:
        rows = np.hstack([rows, slopes(rows)])
    return rows if settings.normalise == "none" else normalised(rows, spread=settings.normalise == "variance")


def _summary(frames: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return what `settings.parts` names: mean, standard deviation, each segment's mean over time; (parts·width,)."""
    n, n_segments = len(frames), settings.segments
    starts = [i * n // max(1, n_segments) for i in range(n_segments)]
    stops = [max(start + 1, (i + 1) * n // n_segments) for i, start in enumerate(starts)]
    if n >= n_segments > 0:  # segments that follow each other: all in one go
        segments = np.add.reduceat(frames, starts, axis=0) / np.diff([*starts, n])[:, None]
    else:
        segments = np.array([frames[start:stop].mean(axis=0) for start, stop in zip(starts, stops, strict=True)])
    mean = frames.mean(axis=0)
    whole = {"mean": mean}
    if "deviation" in settings.parts:
        whole["deviation"] = np.sqrt(np.square(frames - mean).mean(axis=0))
    return np.concatenate([*(whole[name] for name in settings.parts if name in whole), segments.ravel()])


def _laid_out(frames: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return the first frames end to end, filled up with silence; (parts·width,)."""
    n_missing = max(0, len(settings.parts) - len(frames))
    silence = _describe(np.zeros((n_missing, settings.bands)), settings) if n_missing else frames[:0]
    return np.concatenate([frames[: len(settings.parts)], silence]).ravel()


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per clip: finite, length (of the vector), n_frames, min and max (mean of a band or coefficient) and variation (over time)."""
    vectors, names = column_values(table["vector"]), list(metadata["names"])
    n_parts, width = metadata["shape"]
    parts = vectors.reshape(len(vectors), n_parts, width)[:, :, : width // (1 + metadata["settings"]["deltas"])].astype(np.float64)
    mean = parts[:, names.index("mean")] if "mean" in names else parts.mean(axis=1)
    deviation = parts[:, names.index("deviation")] if "deviation" in names else parts.std(axis=1)
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
CEPSTRUM = "smallest and largest coefficient, averaged over the clip"
VARIATION = "largest standard deviation of a band over the clip; 0 is silence or one steady tone"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: power from the floor to some way above full scale; few clips silent or constant (`max_constant_share`).

    Where the vector holds no deviation, constant ones are no fault: a sample may be one frame long, or a pause.
    """
    length, settings = math.prod(metadata["shape"]), metadata["settings"]
    low, high = (math.log(FLOOR) - 1e-3, math.log(1e4)) if settings["log"] else (0.0, 1e4)
    notes = CEPSTRUM if settings["features"] == "mfcc" else POWER
    reach = (high - low) * (math.sqrt(settings["bands"]) if settings["features"] == "mfcc" else 1)  # √bands: the DCT is orthonormal
    if settings["features"] == "mfcc" or settings["normalise"] != "none":
        high = reach / LEAST_SPREAD if settings["normalise"] == "variance" else reach
        low = -high
    steady: dict[str, Any] = {"strict_min": True, "mostly": 1 - settings["max_constant_share"]} if "deviation" in metadata["names"] else {}
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length, "notes": LENGTH}),
        ("expect_column_values_to_be_between", {"column": "n_frames", "min_value": 1}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": low, "max_value": high, "notes": notes}),
        ("expect_column_values_to_be_between", {"column": "max", "min_value": low, "max_value": high, "notes": notes}),
        ("expect_column_values_to_be_between", {"column": "variation", "min_value": 0.0, **steady, "notes": VARIATION}),
    ]


MODALITY = Modality(
    name="audio",
    settings=AudioSettings,
    column_types=("binary", "large_binary"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
