"""Bad input, as a person or an attacker would hand it over: one clear message, nothing half-written, and no sample lost silently."""

import contextlib
import csv
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML

from stages import check, featurize, ingest, split
from stages.contracts import DATA, check_path, features_path, left_out_path, quarantine_path, samples_path, splits_path, validation_dir
from stages.errors import InputError
from stages.tables import read_json, read_table

ROOT = Path(__file__).parents[1]
NAME = "mine"
RAW = Path("data/raw")
KIND = {"column": "kind", "task": "multiclass"}
N = 24  # samples of a sound data set
Entry = dict[str, Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    return tmp_path


# ---------------------------------------------------------------- running the stages
def write_params(entry: Entry, **features: Mapping[str, Any]) -> list[str]:
    """Write params.yaml for a data set of one's own; return the keys of its features. `features` are settings by label."""
    keys = {f"{NAME}-{label}": {"dataset": NAME, "modality": part["modality"], **features.get(label, {})}
            for label, part in entry["modalities"].items()}  # fmt: skip
    params = {"seed": 1, "datasets": {NAME: entry}, "features": keys, "models": {"constant": {}},
              "split": {"folds": 2, "inner_folds": 2}, "train": {}, "evaluate": {}, "publish": {}, "flow": {}}  # fmt: skip
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)
    return list(keys)


def run(entry: Entry, upto: str = "split", **features: Mapping[str, Any]) -> None:
    """Run the stages of the graph in their order; `upto` is the last."""
    keys = write_params(entry, **features)
    order: list[tuple[str, Callable[[], None]]] = [("check", check.main), ("ingest", lambda: ingest.main(NAME))]
    order += [("featurize", lambda key=key: featurize.main(key)) for key in keys]  # type: ignore[misc]
    order += [("split", lambda: split.main(NAME)), ("validate", validated)]
    for name, stage in order:
        stage()
        if name == upto and name != "featurize":
            return


def validated() -> None:
    from stages import validate  # Great Expectations, which takes seconds to import

    validate.main(NAME)


def outputs(folder: Path = Path()) -> set[str]:
    """Return what the stages left, half-written files included."""
    return {path.relative_to(DATA).as_posix() for path in (folder / DATA).rglob("*") if path.is_file() and "raw" not in path.parts}


def fails(entry: Entry, match: str, *, after: Sequence[str], **features: Mapping[str, Any]) -> str:
    """Assert that the stages stop with the message, having written what `after` names and nothing else; return the message."""
    with pytest.raises(InputError, match=match) as caught:
        run(entry, "validate", **features)
    assert outputs() == set(after)
    return str(caught.value)


CHECKED = [f"check/{NAME}.json"]
INGESTED = [*CHECKED, f"samples/{NAME}/samples.arrow", f"quarantine/{NAME}/{NAME}.arrow"]


# ---------------------------------------------------------------- sound samples
def picture(i: int) -> bytes:
    pixels = np.random.default_rng(i).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def clip(i: int, *, n: int = 800) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(np.random.default_rng(i).integers(-9000, 9000, n, dtype=np.int16).tobytes())
    return file.getvalue()


def array_file(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def numbers(i: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(i).uniform(1, 2, shape)


# modality → ending and contents of the file of sample i
SOUND: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "image": ("png", picture),
    "audio": ("wav", clip),
    "series": ("npy", lambda i: array_file(numbers(i, 6 + i % 3, 2))),
    "tactile": ("npy", lambda i: array_file(numbers(i, 2, 3, 4))),
    "set": ("npy", lambda i: array_file(numbers(i, 5 + i % 3, 3))),
    "graph": ("csv", lambda i: b"source,target\n0,1\n1,2\n2,%d\n" % (3 + i % 4)),
    "text": ("txt", lambda i: b"word%d and" % i),
}
SMALL: dict[str, Mapping[str, Any]] = {"image": {"size": [4, 4]}, "audio": {"rate_hz": 8000, "bands": 8}}


def write_table(rows: Sequence[Mapping[str, Any]], name: str = "t.csv") -> None:
    with (RAW / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def files_of(modalities: Sequence[str], **more: Any) -> Entry:
    """Write a table and sound files of N samples of each modality; return the entry."""
    rows = [{"kind": "ab"[i % 2], **{m: f"{m}/{i:02d}.{SOUND[m][0]}" for m in modalities}} for i in range(N)]
    for m in modalities:
        (RAW / m).mkdir()
        for i in range(N):
            (RAW / rows[i][m]).write_bytes(SOUND[m][1](i))
    write_table(rows)
    parts = {m: {"modality": m, "files": f"{{{m}}}"} for m in modalities}
    return {"source": {"table": str(RAW / "t.csv")}, "target": KIND, "group": list(modalities), "modalities": parts, **more}


# ---------------------------------------------------------------- bad samples
def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that says it is of that size, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def bomb(n_bytes: int) -> bytes:
    """Return an .npz file whose one array unpacks to `n_bytes` of zeros and more."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("series.npy", "w", force_zip64=True) as member:
        for _ in range(n_bytes // 2**20 + 1):
            member.write(bytes(2**20))
    return file.getvalue()


class Payload:
    """What a hostile pickle would run: it makes a folder."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("pwned",)


LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><graphml><graph><node id="&c;"/></graph></graphml>'
FLAT_NAN = array_file(np.full((6, 2), np.nan))
# what: modality, ending of the file, its contents, stage that refuses it, why
BAD: dict[str, tuple[str, str, bytes, str, str]] = {
    "undecodable image": ("image", "png", picture(0)[:60], "featurize", "not a readable image of 60 bytes"),
    "100-million-pixel header": ("image", "png", png_header(10_000, 10_000), "featurize", r"Image size \(100000000 pixels\) exceeds limit"),
    "no image at all": ("image", "png", b"<svg/>", "featurize", "not a readable image of 6 bytes"),
    "empty file": ("image", "png", b"", "ingest", r"image/07\.png: the file is empty \(0 bytes\)"),
    "truncated WAV": ("audio", "wav", clip(0)[:-100], "featurize", "WAV file is cut off: chunk 'data' should have 1600 bytes, 1500 are"),
    "zero-length audio": ("audio", "wav", clip(0, n=0), "featurize", r"a clip of 0\.0 ms is shorter than one window of 20 ms"),
    "NaN-only series": ("series", "npy", FLAT_NAN, "featurize", "no values: all 6 points are missing"),
    "series of pickles": ("series", "npy", array_file(np.array([Payload()], object)), "ingest", r"Python objects \(a pickle, which could"),
    "zip bomb": ("series", "npz", bomb(2**28 + 1), "ingest", r"unpacks to 2\d\d,\d{3},\d{3} bytes; at most 268,435,456 are read"),
    "other width": ("series", "npy", array_file(np.ones((4, 3))), "ingest", "3 numbers a point, and those before have 2"),
    "NaN-only frames": ("tactile", "npy", array_file(np.full((2, 3, 4), np.nan)), "featurize", "every reading of every frame is missing"),
    "ragged rows": ("set", "csv", b"1,2,3\n4,5\n", "ingest", "line 2 has 2 cells, and the first row has 3"),
    "billion laughs": ("graph", "graphml", LAUGHS, "ingest", "DOCTYPE|entit"),
    "not UTF-8": ("text", "txt", b"caf\xe9", "ingest", "not UTF-8: byte 3 is 0xe9"),
}


def with_bad(what: str, **more: Any) -> tuple[Entry, str, str, str]:
    """Return an entry of which sample 0008 is bad, the modality, the stage that refuses it, and why."""
    modality, ending, content, stage, reason = BAD[what]
    entry = files_of([modality], **more)
    rows = list(csv.DictReader((RAW / "t.csv").read_text(encoding="utf-8").splitlines()))
    rows[7][modality] = f"{modality}/07.{ending}"
    (RAW / rows[7][modality]).write_bytes(content)
    write_table(rows)
    return entry, modality, stage, reason


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_sample_fails_with_its_name_and_reason(what: str, folder: Path) -> None:
    entry, modality, stage, reason = with_bad(what)
    message = fails(entry, f"(?s)1 of {N} samples cannot be read; mend them, or .*quarantine.*datasets.{NAME} in params.yaml\n"
                    f"  sample '0008': .*{reason}", after=CHECKED if stage == "ingest" else INGESTED, **SMALL)  # fmt: skip
    assert message.count("\n") == 1 and not (folder / "pwned").exists()
    if stage == "featurize":
        assert f"{samples_path(NAME)}: {modality}" in message


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_sample_is_left_out_and_listed_where_that_is_declared(what: str, folder: Path) -> None:
    entry, modality, stage, reason = with_bad(what, on_bad_sample="quarantine")
    run(entry, "split", **SMALL)
    left_out, about = read_table(left_out_path(NAME))
    assert left_out["sample_id"].to_pylist() == ["0008"] and about["share"] == pytest.approx(1 / N)
    assert left_out["modality"].to_pylist() == ["" if stage == "ingest" else modality]
    listed = read_table(quarantine_path(NAME, "" if stage == "ingest" else modality))[0]
    assert listed.to_pylist() == left_out.select(["sample_id", "reason"]).to_pylist()
    for path in (splits_path(NAME), features_path(NAME, modality)):
        assert "0008" not in read_table(path)[0]["sample_id"].to_pylist() and len(read_table(path)[0]) == N - 1
    before = outputs()
    with pytest.raises(InputError, match=rf"1 of {N} samples cannot be read, which is 4\.2%, above max_bad_share 4\.0%"):
        run({**entry, "max_bad_share": 0.04}, "split", **SMALL)
    assert outputs() == before and not (folder / "pwned").exists()
