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
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.audio.sounds import decode
from stages.modalities.audio.spectra import LEAST_SPREAD, MelBank, cepstra, normalised, resample, slopes
from stages.samples.read import read_each

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
    bank = _bank(settings)
    lengths = read_each(column, lambda encoded: bank.add(_signal(*decode(encoded, settings.max_seconds), settings)))
    starts = np.cumsum([0, *lengths], dtype=np.int32)
    frames = _described(bank.power(), starts, settings)
    vectors = _laid_out(frames, starts, settings) if settings.summary == "frames" else _summaries(frames, starts, settings)
    columns = {
        "vector": fixed_lists(vectors.astype(np.float32)),
        "frames": pa.ListArray.from_arrays(pa.array(starts), fixed_lists(frames.astype(np.float32))),
    }
    return Features(columns, "dense", (len(settings.parts), settings.width), settings.parts)


def frames_of(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return what each frame of one clip (n,) sounds like, float64 (n_frames, width); see the module's docstring.

    Raises:
        ValueError: if `signal` is shorter than one window.
    """
    bank = _bank(settings)
    n_frames = bank.add(_signal(signal, rate_hz, settings))
    return _described(bank.power(), np.array([0, n_frames]), settings)


def _bank(settings: AudioSettings) -> MelBank:
    return MelBank(settings.rate_hz, n_window=settings.n_window, n_offset=settings.n_offset, bands=settings.bands)


def _signal(signal: np.ndarray, rate_hz: int, settings: AudioSettings) -> np.ndarray:
    """Return a clip at the declared rate.

    Raises:
        ValueError: if it is shorter than one window.
    """
    signal = resample(signal, rate_hz, settings.rate_hz)
    if len(signal) < settings.n_window:
        length_ms = 1000 * len(signal) / settings.rate_hz
        raise ValueError(f"a clip of {length_ms:.1f} ms is shorter than one window of {settings.window_ms:g} ms")
    return signal


def _described(power: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return what each frame sounds like, float64 (Σ n_frames, width); see the module's docstring.

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
    return _by_clip(lambda clip: normalised(clip, spread=settings.normalise == "variance"), rows, starts)


def _by_clip(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return `function` of each clip's rows, one below the other; it returns as many rows and columns."""
    found = np.empty_like(rows)
    for start, stop in pairwise(starts):
        found[start:stop] = function(rows[start:stop])
    return found


def _summaries(frames: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return of each clip what `settings.parts` names: mean, standard deviation, each segment's mean over time; (n_clips, parts·width)."""
    lengths, parts = np.diff(starts), []
    for name in settings.parts:
        if name == "mean":
            parts.append(_means(frames, starts[:-1], lengths))
        elif name == "deviation":
            # from the clip's first frame: of a steady tone that is 0 throughout, where a mean would be off by a rounding
            shifted = np.repeat(frames[starts[:-1]], lengths, axis=0)
            np.subtract(frames, shifted, out=shifted)
            shifted -= np.repeat(_means(shifted, starts[:-1], lengths), lengths, axis=0)
            parts.append(np.sqrt(_means(np.square(shifted, out=shifted), starts[:-1], lengths)))
    if settings.segments:
        # of a clip with fewer frames than segments some are the same frame: reduceat gives the first of what would be none
        within = np.arange(settings.segments) * lengths[:, None] // settings.segments
        n_frames = np.maximum(1, np.diff(within, axis=1, append=lengths[:, None]))
        segments = _means(frames, (starts[:-1, None] + within).ravel(), n_frames.ravel())
        parts.append(segments.reshape(len(lengths), settings.segments * settings.width))
    return np.hstack(parts)


def _means(rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the means of runs of rows that follow each other: (n_runs, width)."""
    if len(starts) == 0:
        return np.empty((0, rows.shape[1]))
    sums: np.ndarray = np.add.reduceat(rows, starts, axis=0)
    return sums / lengths[:, None]


def _laid_out(frames: np.ndarray, starts: np.ndarray, settings: AudioSettings) -> np.ndarray:
    """Return each clip's first frames end to end, filled up with silence; (n_clips, parts·width)."""
    n = len(settings.parts)
    silence = _described(np.zeros((n, settings.bands)), np.array([0, n]), settings)
    found = np.empty((len(starts) - 1, n, settings.width))
    for i, (start, stop) in enumerate(pairwise(starts)):
        known = frames[start : min(stop, start + n)]
        found[i, : len(known)], found[i, len(known) :] = known, silence[: n - len(known)]
    return found.reshape(len(found), n * settings.width)


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
