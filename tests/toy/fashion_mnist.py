"""Fake dataset-fashion-mnist: 40 + 20 pictures in a Debian package, each a bar at its class's place with a pixel pattern of its own."""

import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

N_PART = {"train": 40, "t10k": 20}
N_ROWS = {"garment": sum(N_PART.values())}
FOLDER = "./usr/share/datasets/fashion-mnist"


def write(folder: Path) -> dict[str, Path]:
    files: dict[str, bytes] = {}
    for start, (part, n) in zip((0, 64), N_PART.items(), strict=True):
        labels = np.arange(n, dtype=np.uint8) % 10
        pixels = np.zeros((n, 28, 28), np.uint8)
        for row, (label, picture) in enumerate(zip(labels, pixels, strict=True)):
            picture[2 * label : 2 * label + 4, 4:24] = 200
            picture[26, :7] = [255 * (start + row >> bit & 1) for bit in range(7)]
        files[f"{FOLDER}/{part}-images-idx3-ubyte.gz"] = idx(pixels)
        files[f"{FOLDER}/{part}-labels-idx1-ubyte.gz"] = idx(labels)
    return {"dataset-fashion-mnist": write_deb(folder / "fashion.deb", files)}


def idx(values: np.ndarray) -> bytes:
    """Return uint8 values as a gzipped IDX file."""
    return gzip.compress(bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes(), mtime=0)


def write_deb(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    """Write a Debian package with the same bytes each time; `links`: symbolic links, name → where to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, where in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, where
            tar.addfile(member)
    members = {"debian-binary": b"2.0\n", "control.tar.xz": lzma.compress(b"odd"), "data.tar.xz": lzma.compress(buffer.getvalue())}
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in members.items():
            file.write(b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(content)))
            file.write(content + b"\n" * (len(content) % 2))
    return path
