"""Read FLAC, Ogg (Vorbis, Opus) and MP3 with libsndfile, and check that the file is complete.

libsndfile decodes damaged files in part, so containers are checked first and the number of samples is compared with the header's. Lossy
formats are decoded with processor-specific instructions: on another kind of processor the last bits may differ.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.modalities.audio.containers import check_ogg, count_mp3_samples

BLOCK = 65_536  # samples read at once
GAPLESS = 4 * 1_152  # samples that an MP3 decoder may trim: the encoder's padding at both ends
UNKNOWN_LENGTH = 2**40


def decode_compressed(encoded: bytes, kind: str, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz.

    Raises:
        ValueError: if the file is incomplete, lasts longer than `max_seconds`, or cannot be decoded.
    """
    from soundfile import LibsndfileError, SoundFile  # here: loads a library that WAV files do not need

    if kind == "OGG":
        check_ogg(encoded)
    least = count_mp3_samples(encoded) - GAPLESS if kind == "MP3" else 0
    try:
        with SoundFile(io.BytesIO(encoded)) as file:
            _check_length(file, kind, max_seconds)
            blocks = list(_flac_blocks(file, encoded) if kind == "FLAC" else _blocks(file, "float64"))
            declared, rate_hz = max(least, file.frames), file.samplerate
    except (LibsndfileError, RuntimeError) as error:
        reason = str(error).removeprefix("Error : ").rpartition(">: ")[2].rstrip(".")
        raise ValueError(f"{kind} file of {len(encoded)} bytes is truncated or damaged: {reason}") from error
    signal = np.concatenate(blocks) if blocks else np.empty(0)
    if len(signal) < declared:
        raise ValueError(f"{kind} file is truncated or damaged: it declares at least {declared} samples, found {len(signal)}")
    if not np.isfinite(signal).all():
        raise ValueError(f"{kind} file with samples that are not finite")
    return signal, rate_hz


def _check_length(file: Any, kind: str, max_seconds: float) -> None:
    if file.format != kind:
        raise ValueError(f"starts like {kind}, but libsndfile reads it as {file.format_info}")
    if file.frames >= UNKNOWN_LENGTH:
        raise ValueError(f"{kind} header does not declare the length (a recorded stream?); rewrite the file")
    if file.frames > max_seconds * file.samplerate:
        seconds = file.frames / file.samplerate
        raise ValueError(f"a clip of {seconds:.0f} s is longer than max_seconds = {max_seconds:g}; cut it, or raise max_seconds")


def _blocks(file: Any, dtype: str) -> Iterator[np.ndarray]:
    """Yield the mean of the channels, block by block, up to the end."""
    while len(block := file.read(BLOCK, dtype=dtype, always_2d=True)):
        yield block.mean(axis=1)


def _flac_blocks(file: Any, encoded: bytes) -> Iterator[np.ndarray]:
    """Yield as `_blocks`; at the end compare with the header's checksum of the samples (zeros: there is none)."""
    n_bits = ((encoded[20] & 1) << 4 | encoded[21] >> 4) + 1
    n_bytes, digest = (n_bits + 7) // 8, hashlib.md5(usedforsecurity=False)
    while len(block := file.read(BLOCK, dtype="int32", always_2d=True)):
        whole = (block >> (32 - n_bits)).astype("<i4")
        digest.update(whole.view(np.uint8).reshape(-1, 4)[:, :n_bytes].tobytes())
        yield block.mean(axis=1) / 2.0**31
    if any(encoded[26:42]) and digest.digest() != encoded[26:42]:
        raise ValueError("FLAC file is damaged: its samples do not match the checksum in its header")
