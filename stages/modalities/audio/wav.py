"""Read WAV files: PCM of 8 (unsigned), 16, 24 and 32 bits and IEEE float of 32 and 64 here, other encodings with libsndfile.

Here, because libsndfile reads damaged files in part without an error, and the standard library's `wave` reads neither float nor
`extensible` headers. The containers are RIFF, RIFX (big-endian), RF64 and BW64.
"""

import math
import re
import struct

import numpy as np

from stages.modalities.audio.compressed import RATES_HZ, check_length, decode_compressed

PCM, FLOAT, GSM, MP3, EXTENSIBLE = 1, 3, 0x31, 0x55, 0xFFFE  # WAV's codes
CONTAINERS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
GSM_BLOCK = 320  # samples
MAX_AMPLITUDE = 1e3  # of float samples, whose full scale is 1
BLOCKED = (2, 0x11, GSM)  # ADPCM and GSM 6.10, of which libsndfile would fill the last block up with what is in its memory
PLAIN = ((PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64))
# Sizes that writers to a pipe declare, who cannot go back: about as much as 31 or 32 bits can say. No sample's file is that large.
_PLACEHOLDERS = (range(0x7FFF0000, 0x80000001), range(0xFFFF0000, 0x100000000))
_SIZE = {order: struct.Struct(order + "I") for order in "<>"}
_FORMAT = {order: struct.Struct(order + "HHIIHH") for order in "<>"}
_NAME = re.compile(rb"[\x20-\x7e]{4}")


def decode_wav(encoded: bytes, max_seconds: float = math.inf) -> tuple[np.ndarray, int]:
    """Return float64 (n_samples,), mono, full scale 1, and the rate in Hz.

    Raises:
        ValueError: if the bytes are not a complete WAV file of a known encoding, or it lasts longer than `max_seconds`.
    """
    order = ">" if encoded[:4] == b"RIFX" else "<"
    chunks = _chunks(encoded, order)
    if "fmt " not in chunks or "data" not in chunks or len(chunks["fmt "]) < 16:
        raise ValueError(f"WAV file without complete 'fmt ' and 'data' chunks (found: {', '.join(chunks) or 'none'})")
    header, data = chunks["fmt "], chunks["data"]
    code, n_channels, rate_hz, n_bytes, width, bits = _FORMAT[order].unpack_from(header)
    if code == EXTENSIBLE and len(header) >= 26:
        code = struct.unpack_from(order + "H", header, 24)[0]
        header = struct.pack(order + "HHIIHHH", code, n_channels, rate_hz, n_bytes, width, bits, 0)
    if code == PCM and bits % 8:
        bits += 8 - bits % 8  # 12 or 20 bits are the upper ones of 16 or 24
    plain = (code, bits) in PLAIN
    if n_channels == 0 or not RATES_HZ[0] <= rate_hz <= RATES_HZ[1] or (plain and width != n_channels * bits // 8):
        raise ValueError(f"WAV header is inconsistent: {n_channels} channels of {bits} bits in {width} bytes at {rate_hz} Hz")
    if code == MP3:
        return decode_compressed(data, "MP3", max_seconds)
    if (plain or code in BLOCKED) and width and (over := len(data) % width):  # where a recording was stopped inside a sample or block
        data = data[:-over]
    if not plain:
        return _decode_others(header, data, order, max_seconds)
    check_length(len(data) // width, rate_hz, max_seconds)
    signal = _amplitudes(data, code, bits, order)
    if code == FLOAT and not np.abs(signal).max(initial=0) <= MAX_AMPLITUDE:  # not: NaN fails too
        raise ValueError(f"WAV samples that are not finite, or beyond {MAX_AMPLITUDE:g} times full scale, which is 1")
    return signal if n_channels == 1 else signal.reshape(-1, n_channels).mean(axis=1), rate_hz


def _decode_others(header: bytes, data: bytes, order: str, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return what libsndfile decodes of a file with these chunks alone, of the sizes that they have."""
    fields = struct.Struct(order + "4sI")
    body = b"WAVE" + fields.pack(b"fmt ", len(header)) + header + bytes(len(header) % 2) + fields.pack(b"data", len(data)) + data
    code, _, _, _, width, bits = _FORMAT[order].unpack_from(header)
    try:
        signal, rate_hz = decode_compressed(fields.pack(b"RIFX" if order == ">" else b"RIFF", len(body)) + body, "WAV", max_seconds)
        return (signal[: len(data) // width * GSM_BLOCK] if code == GSM else signal), rate_hz  # an odd size is decoded with its padding
    except ValueError as error:
        raise ValueError(f"WAV encoding {code} with {bits} bits: {error}") from error


def _chunks(encoded: bytes, order: str) -> dict[str, bytes]:
    """Return the first chunk of each name.

    Raises:
        ValueError: if the file ends inside the format or the samples.
    """
    chunks: dict[str, bytes] = {}
    at, size_of = 12, _SIZE[order].unpack_from
    while (found := len(encoded) - at - 8) >= 0:
        name, size = encoded[at : at + 4].decode("latin-1"), size_of(encoded, at + 4)[0]
        if name not in chunks:
            if name == "data" and not 0 < size <= found:
                size = _data_size(encoded, at + 8, size, chunks.get("ds64"), order)
            if size > found and name in ("fmt ", "data"):
                raise ValueError(f"WAV file is truncated: chunk {name!r} declares {size} bytes, found {found}")
            chunks[name] = encoded[at + 8 : at + 8 + size]
        at += 8 + size
        if size % 2 and not (_NAME.match(encoded, at) and not _NAME.match(encoded, at + 1)):  # some writers leave the padding out
            at += 1
    return chunks


def _data_size(encoded: bytes, start: int, size: int, ds64: bytes | None, order: str) -> int:
    """Return the length of samples that declare none, or more than there is: up to the end of the file, unless it is cut off."""
    found = len(encoded) - start
    if ds64 is not None and size == 0xFFFFFFFF and len(ds64) >= 16:
        size = struct.unpack_from("<Q", ds64, 8)[0]
        if size >= 1 << 62:
            return found
    if size == 0:
        return 0 if _are_chunks(encoded, start, order) else found
    if size <= found:
        return size
    whole = _SIZE[order].unpack_from(encoded, 4)[0] + 8 in (len(encoded), len(encoded) + 1)  # by the header of the file
    return found if whole or any(size in sizes for sizes in _PLACEHOLDERS) else size


def _are_chunks(encoded: bytes, at: int, order: str) -> bool:
    """Return whether the rest of a file is nothing, or chunks."""
    while at + 8 <= len(encoded) and _NAME.match(encoded, at):
        size = _SIZE[order].unpack_from(encoded, at + 4)[0]
        at += 8 + size + size % 2
    return len(encoded) <= at <= len(encoded) + 1


def _amplitudes(data: bytes, code: int, bits: int, order: str) -> np.ndarray:
    """Return float64 amplitudes, channels interleaved."""
    if code == FLOAT:
        with np.errstate(invalid="ignore"):  # a NaN may be a signalling one
            return np.frombuffer(data, dtype=f"{order}f{bits // 8}").astype(np.float64)
    if bits == 8:
        return (np.frombuffer(data, dtype=np.uint8) - 128.0) / 128.0
    if bits == 24:
        wide = np.zeros((len(data) // 3, 4), dtype=np.uint8)
        wide[:, 1 if order == "<" else 0 :][:, :3] = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3)
        return wide.view(f"{order}i4")[:, 0] / 2.0**31
    return np.frombuffer(data, dtype=f"{order}i{bits // 8}") / 2.0 ** (bits - 1)
