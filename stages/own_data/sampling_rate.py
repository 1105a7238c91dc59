"""The sampling rate of own clips, read from their headers: clips of 8 kHz that are resampled to 16 kHz have half of their bands empty."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any

from stages.foundation.registry import component

MOST_CLIPS = 100  # whose header is read
LOWEST_HZ = 4_000  # of a setting


def rate_settings(modality: str, clips: Iterable[bytes]) -> tuple[dict[str, Any], str]:
    """Return the settings that clips of a lower sampling rate than the default need, and why; nothing for other modalities.

    Args:
        clips: encoded files, of which the first MOST_CLIPS are read.
    """
    if modality != "audio" or (found := most_frequent_rate(clips)) is None:
        return {}, ""
    default = component("modalities", "audio").settings.model_fields["rate_hz"].default
    return ({"rate_hz": found}, f", most at {found:,} Hz") if LOWEST_HZ <= found < default else ({}, "")


def most_frequent_rate(clips: Iterable[bytes]) -> int | None:
    """Return the sampling rate of most of the first MOST_CLIPS clips in Hz; None if no header can be read."""
    from soundfile import LibsndfileError, SoundFile  # here: loads a library that other data do not need

    rates = Counter[int]()
    for encoded, _ in zip(clips, range(MOST_CLIPS), strict=False):
        with suppress(LibsndfileError), SoundFile(BytesIO(encoded)) as clip:  # one that cannot be read is named by ingest
            rates[clip.samplerate] += 1
    return min(rates, key=lambda rate: (-rates[rate], rate)) if rates else None


def readable(names: Sequence[str], read: Callable[[str], bytes]) -> Iterable[bytes]:
    """Yield files by their names, without those that cannot be read."""
    for name in names:
        with suppress(ValueError):
            yield read(name)
