"""Audio: log-mel bands or cepstra per frame, and one vector per clip.

Reads WAV, FLAC, Ogg (Vorbis, Opus, FLAC) and MP3, whole or not at all (sounds.py). Channels are averaged, full scale is 1, and the clip
is resampled to `rate_hz`. Frames of `window_ms` every `offset_ms`, each as
    log_mel  the natural logarithm of the power in each mel band, at least FLOOR (log: false: the power)
    mfcc     the first `coefficients` of the orthonormal DCT-II of log_mel
and, with `deltas`, the slope of each value per frame over two frames on both sides. Formulas: spectra.py. `normalise` subtracts the clip's
mean of each value (mean) and also divides by its standard deviation (variance), which helps with unseen speakers and rooms: 5-NN on
free-spoken-digits (8 kHz, mfcc, leave one speaker out) 47 % → 60 % → 69 %.

The vector of a clip is, by `summary`,
    clip     each value's mean over the clip, its standard deviation, then its mean over each of `segments` equal parts; without those
             that `normalise` makes constant
    frames   the first `n_frames` frames concatenated; a shorter clip is padded with frames of silence (normalized: zeros)
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.documents.weights_document import WeightImage
from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.audio.audio_corruptions import CORRUPTIONS
from stages.modalities.audio.audio_settings import AudioSettings
from stages.modalities.audio.clip_features import FLOOR, clip_summaries, first_frames, frame_features, mel_bank, resampled
from stages.modalities.audio.excerpt import show_sound
from stages.modalities.audio.sounds import decode
from stages.modalities.audio.spectra import LEAST_SPREAD
from stages.samples.read import read_each
from stages.samples.weight_images import signed_image


def featurize(column: pa.Array | pa.ChunkedArray, settings: AudioSettings) -> Features:
    """Return per clip (binary) a vector, float32 (n, rows·width), and frames, lists of float32 (width,); see the module's docstring."""
    bank = mel_bank(settings)
    lengths = read_each(column, lambda encoded: bank.add(resampled(*decode(encoded, settings.max_seconds), settings)))
    starts = np.cumsum([0, *lengths], dtype=np.int32)
    frames = frame_features(bank.power(), starts, settings)
    vectors = first_frames(frames, starts, settings) if settings.summary == "frames" else clip_summaries(frames, starts, settings)
    columns = {
        "vector": fixed_lists(vectors.astype(np.float32)),
        "frames": pa.ListArray.from_arrays(pa.array(starts), fixed_lists(frames.astype(np.float32))),
    }
    return Features(columns, "dense", (len(settings.rows), settings.width), settings.rows)


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per clip: finite, length (of the vector), n_frames, min and max (mean of a band or coefficient) and variation (over time)."""
    vectors, names = column_values(table["vector"]), list(metadata.names)
    n_rows, width = metadata.shape
    rows = vectors.reshape(len(vectors), n_rows, width)[:, :, : width // (1 + metadata.settings["deltas"])].astype(np.float64)
    mean = rows[:, names.index("mean")] if "mean" in names else rows.mean(axis=1)
    deviation = rows[:, names.index("deviation")] if "deviation" in names else rows.std(axis=1)
    return {
        "finite": np.isfinite(vectors).all(axis=1),
        "length": np.full(len(vectors), vectors.shape[1]),
        "n_frames": np.diff(np.from_dlpack(table["frames"].combine_chunks().offsets)),
        "min": mean.min(axis=1),
        "max": mean.max(axis=1),
        "variation": deviation.max(axis=1),
    }


def show_weights(weights: np.ndarray, metadata: FeaturesMetadata) -> WeightImage:
    """Return the weights as a spectrogram: a column per row of the clip's vector, of each the lowest band or coefficient at the bottom."""
    grid = weights.reshape(metadata.shape).T[::-1]
    bands = "coefficient, the first at the bottom" if metadata.settings["features"] == "mfcc" else "mel band, the lowest at the bottom"
    names = list(metadata.names)
    columns = f"{names[0]} to {names[-1]}" if metadata.settings["summary"] == "frames" else ", ".join(names)
    image = signed_image([np.repeat(grid, max(1, round(grid.shape[0] / grid.shape[1])), axis=1)])  # about as wide as high
    return image.model_copy(update={"rows": bands, "columns": columns})


LENGTH = "values in the vector"
POWER = "(log-)power of the weakest and of the strongest band, averaged over the clip"
CEPSTRUM = "smallest and largest coefficient, averaged over the clip"
VARIATION = "largest standard deviation of a band over the clip; 0 is silence or one steady tone"


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: power from the floor to somewhat above full scale; few silent or constant clips (`max_constant_share`).

    If the vector holds no deviation, constant clips are allowed: a sample may be one frame long, or a pause.
    """
    length, settings = math.prod(metadata.shape), metadata.settings
    low, high = (math.log(FLOOR) - 1e-3, math.log(1e4)) if settings["log"] else (0.0, 1e4)
    notes = CEPSTRUM if settings["features"] == "mfcc" else POWER
    reach = (high - low) * (math.sqrt(settings["bands"]) if settings["features"] == "mfcc" else 1)  # √bands: the DCT is orthonormal
    if settings["features"] == "mfcc" or settings["normalise"] != "none":
        high = reach / LEAST_SPREAD if settings["normalise"] == "variance" else reach
        low = -high
    steady: dict[str, Any] = {"strict_min": True, "mostly": 1 - settings["max_constant_share"]} if "deviation" in metadata.names else {}
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
    show=show_sound,
    corruptions=CORRUPTIONS,
    show_weights=show_weights,
)
