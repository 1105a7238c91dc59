"""Read FLAC, Ogg (Vorbis, Opus, FLAC), MP3 and the compressed encodings of WAV with libsndfile, and check that the file is complete.

libsndfile decodes damaged files in part, so containers are checked first and the number of samples is compared with the header's. Lossy
formats are decoded with processor-specific instructions: on another kind of processor the last bits may differ.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from stages.modalities.audio import flac, mp3
from stages.modalities.audio.ogg import ogg_streams

BLOCK = 65_536  # values read at once
OGG_HEADERS = 4_096  # bytes in which the streams of an Ogg file say what they are
OGG_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC")
GAPLESS = 4 * 1_152  # samples that an MP3 decoder may trim: the encoder's padding at both ends
RATES_HZ = (1_000, 384_000)  # accepted in a header: resampling from others would need huge filters


def decode_compressed(encoded: bytes, kind: str, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz.

    Args:
        kind: FLAC, OGG, MP3 or WAV.
    Raises:
        ValueError: if the file is incomplete, lasts longer than `max_seconds`, or cannot be decoded.
    """
    if kind == "OGG":
        return _joined([_decode(stream, kind, max_seconds) for stream in ogg_streams(encoded)], max_seconds)
    if kind == "MP3":
        frames = mp3.find_frames(encoded)
        whole = mp3.with_length(encoded[frames.start : frames.stop], frames.n_samples)
        return _decode(whole, kind, max_seconds, n_least=frames.n_samples - GAPLESS)
    return _decode(flac.with_length(encoded) if kind == "FLAC" else encoded, kind, max_seconds)


def _joined(streams: list[tuple[np.ndarray, int]], max_seconds: float) -> tuple[np.ndarray, int]:
    """Return streams that follow each other as one clip."""
    signal, rate_hz = streams[0]
    if len(streams) > 1:
        if len(rates := sorted({rate for _, rate in streams})) > 1:
            raise ValueError(f"Ogg file of {len(streams)} streams one after the other with rates of {rates} Hz; expected one rate")
        signal = np.concatenate([stream for stream, _ in streams])
        check_length(len(signal), rate_hz, max_seconds)
    return signal, rate_hz


def _decode(encoded: bytes, kind: str, max_seconds: float, n_least: int = 0) -> tuple[np.ndarray, int]:
    """Return the decoded signal of one stream, of at least `n_least` samples."""
    from soundfile import LibsndfileError, SoundFile  # here: loads a library that plain WAV files do not need

    try:
        with SoundFile(io.BytesIO(encoded)) as file:
            if file.format != kind:
                raise ValueError(f"starts like {kind}, but libsndfile reads it as {file.format_info}")
            check_length(file.frames, file.samplerate, max_seconds)
            blocks = list(_flac_blocks(file, encoded) if kind == "FLAC" else _blocks(file, "float64"))
            declared, rate_hz = file.frames, file.samplerate
    except (LibsndfileError, RuntimeError) as error:
        reason = str(error).removeprefix("Error : ").rpartition(">: ")[2].removeprefix("Error : ").rstrip(".")
        if kind == "OGG" and not any(mark in encoded[:OGG_HEADERS] for mark in OGG_CODECS):
            raise ValueError("Ogg file without Vorbis, Opus or FLAC in it, such as Speex or video; convert it to WAV or FLAC") from error
        state = "is truncated or damaged" if kind in ("FLAC", "MP3") else "cannot be decoded"
        raise ValueError(f"{kind} file of {len(encoded)} bytes {state}: {reason}") from error
    signal = np.concatenate(blocks) if blocks else np.empty(0)
    if len(signal) < declared:
        raise ValueError(f"{kind} file is truncated or damaged: it declares at least {declared} samples, found {len(signal)}")
    if len(signal) < n_least:
        raise ValueError(f"{kind} file is damaged, or several files are joined: its header declares {declared} samples, its frames hold "
                         f"at least {n_least}; encode it again")
    if not np.isfinite(signal).all():
        raise ValueError(f"{kind} file with samples that are not finite")
    return signal, rate_hz


def check_length(n_samples: int, rate_hz: int, max_seconds: float) -> None:
    """Raise ValueError if a clip lasts longer than `max_seconds`, or its rate is absurd."""
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"a sampling rate of {rate_hz} Hz; expected {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
    if n_samples > max_seconds * rate_hz:
        seconds = n_samples / rate_hz
        raise ValueError(f"a clip of {seconds:.0f} s is longer than max_seconds = {max_seconds:g}; cut it, or raise max_seconds")


def _blocks(file: Any, dtype: str) -> Iterator[np.ndarray]:
    """Yield the mean of the channels, block by block, up to the end."""
    while len(block := file.read(max(1, BLOCK // file.channels), dtype=dtype, always_2d=True)):
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
