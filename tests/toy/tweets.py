"""Fake vaderSentiment source distribution: rated texts in a .tar.gz inside a .tar.gz, with variants, neutral, empty and non-ASCII ones."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

N = 90
NEUTRAL = range(0, N, 5)  # rows with a mean within ±0.5
VARIANTS = {
    11: "damn late running sucks",
    12: "Damn, late running sucks.",
    13: "@anonymous DAMN! late running absolutely SUCKS!!! http://url_removed",
    14: "damn late today",
}
N_ROWS = {"sentiment": N, "polarity": N - len(NEUTRAL), "valence": N}
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
WORDS = np.array(["river", "lamp", "chair", "cloud", "sugar", "train", "glove", "paper", "stone", "piano", "tiger", "candle"])


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    """Return a .tar.gz archive, with the same bytes each time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def mean(row: int) -> float:
    return 0.1 if row in NEUTRAL else (-1) ** row * (0.6 + row % 3)


def text(row: int) -> str:
    """Return a text that is like no other but for VARIANTS."""
    return VARIANTS.get(row) or f"{WORDS[row % 12]} w{row} x{row} y{row} {'good' if mean(row) > 0 else 'bad'} café"


def lines(ids: list[str], texts: list[str]) -> bytes:
    return "".join(f"{name}\t{mean(row)}\t{words}\r\n" for row, (name, words) in enumerate(zip(ids, texts, strict=True))).encode()


def write_sdist(path: Path, files: Mapping[str, bytes]) -> Path:
    inner = tar_gz({f"hutto_ICWSM_2014/{name}": content for name, content in files.items()})
    path.write_bytes(tar_gz({"vaderSentiment-3.3.2/setup.py": b"raise SystemExit('run')", INNER: inner}))
    return path


def write(folder: Path) -> dict[str, Path]:
    content = lines([str(row + 1) for row in range(N)], [text(row) for row in range(N)])
    return {"vaderSentiment": write_sdist(folder / "vader.tar.gz", {"tweets_GroundTruth.txt": content})}
