"""Read IDX, the format of MNIST's files: two zero bytes, the type, the number of axes, their lengths, then the values in C order."""

import gzip
import io
import math
import struct
import zlib

import numpy as np

_UBYTE = 8  # the type code of unsigned bytes
LIMIT_BYTES = 64 * 2**20


def read_gzipped_idx(packed: bytes, *, n_axes: int, limit_bytes: int = LIMIT_BYTES) -> np.ndarray:
    """Return the uint8 array in a gzipped IDX file.

    Raises:
        ValueError: if the file is damaged, too large, or holds something else.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            raw = file.read(limit_bytes + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"not a complete gzip file: {error}") from error
    if len(raw) > limit_bytes:
        raise ValueError(f"unpacks to more than {limit_bytes} bytes")
    start = 4 + 4 * n_axes
    if len(raw) < start or raw[:4] != bytes([0, 0, _UBYTE, n_axes]):
        raise ValueError(f"not an IDX file of unsigned bytes with {n_axes} axes")
    shape = struct.unpack(f">{n_axes}I", raw[4:start])
    if len(raw) - start != math.prod(shape):
        raise ValueError(f"declares {'×'.join(map(str, shape))} bytes, but has {len(raw) - start}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
