"""Read WAV files: PCM of 8 (unsigned), 16, 24 and 32 bits and IEEE float of 32 and 64, `extensible` headers too.

The standard library's `wave` reads neither the last two nor float; libsndfile reads damaged files in part without an error.
"""

import struct

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # WAV's codes
RATES_HZ = (1_000, 384_000)  # accepted in a header
MAX_AMPLITUDE = 1e3  # of float samples, whose full scale is 1


def decode_wav(encoded: bytes) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz.

    Raises:
        ValueError: if the bytes are not a complete WAV file of a known encoding.
    """
    if encoded[:4] != b"RIFF" or encoded[8:12] != b"WAVE":
        raise ValueError(f"not a WAV file ({len(encoded)} bytes that start with {encoded[:4]!r})")
    chunks = _chunks(encoded)
    if "fmt " not in chunks or "data" not in chunks or len(chunks["fmt "]) < 16:
        raise ValueError(f"WAV file without complete 'fmt ' and 'data' chunks (found: {', '.join(chunks) or 'none'})")
    code, n_channels, rate_hz, _, width, bits = struct.unpack_from("<HHIIHH", chunks["fmt "])
    if code == EXTENSIBLE and len(chunks["fmt "]) >= 26:
        code = struct.unpack_from("<H", chunks["fmt "], 24)[0]
    if n_channels == 0 or width != n_channels * bits // 8 or not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"WAV header is inconsistent: {n_channels} channels of {bits} bits in {width} bytes at {rate_hz} Hz")
    if len(chunks["data"]) % width:
        raise ValueError(f"WAV data of {len(chunks['data'])} bytes end inside a sample of {width} bytes")
    signal = _amplitudes(chunks["data"], code, bits)
    if code == FLOAT and not np.abs(signal).max(initial=0) <= MAX_AMPLITUDE:  # not: NaN fails too
        raise ValueError(f"WAV samples that are not finite, or beyond {MAX_AMPLITUDE:g} times full scale")
    return signal if n_channels == 1 else signal.reshape(-1, n_channels).mean(axis=1), rate_hz


def _chunks(encoded: bytes) -> dict[str, bytes]:
    """Return the first chunk of each name. A size of 0xFFFFFFFF (written by streaming tools) means up to the end."""
    chunks: dict[str, bytes] = {}
    at = 12
    while at + 8 <= len(encoded):
        name, size = encoded[at : at + 4].decode("latin-1"), struct.unpack_from("<I", encoded, at + 4)[0]
        if size == 0xFFFFFFFF:
            size = len(encoded) - at - 8
        if name in ("fmt ", "data") and at + 8 + size > len(encoded):
            raise ValueError(f"WAV file is truncated: chunk {name!r} declares {size} bytes, found {len(encoded) - at - 8}")
        chunks.setdefault(name, encoded[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks


def _amplitudes(data: bytes, code: int, bits: int) -> np.ndarray:
    """Return float64 amplitudes, channels interleaved."""
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
    raise ValueError(f"WAV encoding {code} with {bits} bits; expected PCM (1) of 8, 16, 24, 32 bits or float (3) of 32, 64")
