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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML

from stages import check, featurize, ingest, split
from stages.contracts.paths import DATA, features_path, quarantine_path, samples_path, skipped_path, splits_path, validation_dir
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described, read_json, read_table

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
    train = {"combinations": {NAME: [list(entry["modalities"])]}} if len(keys) > 6 else {}  # of more there are too many
    params = {"seed": 1, "datasets": {NAME: entry}, "features": keys, "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1]}},
              "split": {"n_splits": 2, "n_inner_splits": 2}, "train": train, "evaluate": {}, "publish": {}, "flow": {}}  # fmt: skip
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


def files_of_settings() -> set[str]:
    """Return the files of settings that check writes for the params.yaml of this folder."""
    with Path("params.yaml").open(encoding="utf-8") as file:
        features = YAML(typ="safe").load(file)["features"]
    stages = ("train.knn", "control", "learning_curve", "bias_variance", "read_weights", "representation")
    of_train = [f"check/train/{NAME}/{stage}.json" for stage in stages]
    keys = ["controls", "models.knn", f"datasets.{NAME}", f"datasets.{NAME}.modalities", f"fusions.{NAME}",
            *(f"features.{key}" for key in features)]
    return {f"check/settings/{key}.json" for key in keys} | set(of_train)


def fails(entry: Entry, match: str, *, after: Sequence[str], **features: Mapping[str, Any]) -> str:
    """Assert that the stages stop with the message, having written what `after` names and nothing else; return the message.

    Where check has passed, its files of settings are there, too.
    """
    with pytest.raises(InputError, match=match) as caught:
        run(entry, "validate", **features)
    assert outputs() == set(after) | (files_of_settings() if after else set())
    return str(caught.value)


CHECKED = [f"check/{NAME}.json", *(f"check/{part}/{NAME}.json" for part in ("leakage", "split", "conditions", "missing"))]
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
    "vector": ("npy", lambda i: array_file(numbers(i, 5))),
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
    "truncated WAV": ("audio", "wav", clip(0)[:-100], "featurize", "WAV file is truncated: chunk 'data' declares 1600 bytes, found 1500"),
    "zero-length audio": ("audio", "wav", clip(0, n=0), "featurize", r"a clip of 0\.0 ms is shorter than one window of 20 ms"),
    "NaN-only series": ("series", "npy", FLAT_NAN, "featurize", "no values: all 6 points are missing"),
    "series of pickles": ("series", "npy", array_file(np.array([Payload()], object)), "ingest", r"Python objects \(a pickle, which could"),
    "zip bomb": ("series", "npz", bomb(2**28 + 1), "ingest", r"unpacks to 2\d\d,\d{3},\d{3} bytes; expected at most 268,435,456"),
    "other width": ("series", "npy", array_file(np.ones((4, 3))), "ingest", "3 numbers per point, earlier samples have 2"),
    "NaN-only frames": ("tactile", "npy", array_file(np.full((2, 3, 4), np.nan)), "featurize", "every reading of every frame is missing"),
    "infinite vector": ("vector", "npy", array_file(np.array([1, 2, np.inf, 4, 5])), "featurize", "number 2 of 5 is inf"),
    "vector of another length": ("vector", "npy", array_file(np.ones(4)), "ingest", "4 numbers, other samples have 5 numbers"),
    "vector of pickles": ("vector", "npy", array_file(np.array([Payload()] * 5, object)), "ingest", r"Python objects \(a pickle"),
    "ragged rows": ("set", "csv", b"1,2,3\n4,5\n", "ingest", "line 2 has 2 cells, the first row has 3"),
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
    message = fails(entry, f"(?s)1 of {N} samples cannot be read; fix them, or .*quarantine.*datasets.{NAME} in params.yaml\n"
                    f"  sample '0008': .*{reason}", after=CHECKED if stage == "ingest" else INGESTED, **SMALL)  # fmt: skip
    assert message.count("\n") == 1 and not (folder / "pwned").exists()
    if stage == "featurize":
        assert message.startswith(f"{NAME}: {modality}: ") and f"'0008': {modality}/07." in message, "the file is named"


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_sample_is_left_out_and_listed_where_that_is_declared(what: str, folder: Path) -> None:
    entry, modality, stage, _ = with_bad(what, on_bad_sample="quarantine")
    run(entry, "split", **SMALL)
    left_out, about = read_described(skipped_path(NAME), SkippedMetadata)
    assert left_out["sample_id"].to_pylist() == ["0008"] and about.share == pytest.approx(1 / N)
    assert left_out["modality"].to_pylist() == ["" if stage == "ingest" else modality]
    listed = read_table(quarantine_path(NAME, "" if stage == "ingest" else modality))
    assert listed.to_pylist() == left_out.select(["sample_id", "reason"]).to_pylist()
    for path in (splits_path(NAME), features_path(NAME, modality)):
        assert "0008" not in read_table(path)["sample_id"].to_pylist() and len(read_table(path)) == N - 1
    before = outputs()
    with pytest.raises(InputError, match=rf"1 of {N} samples cannot be read, which is 4\.2%, above max_bad_share 4\.0%"):
        run({**entry, "max_bad_share": 0.04}, "split", **SMALL)
    assert outputs() == before and not (folder / "pwned").exists()


def test_up_to_twenty_are_named_and_the_others_counted(folder: Path) -> None:
    entry = files_of(["image"])
    for i in range(N):
        (RAW / "image" / f"{i:02d}.png").write_bytes(b"")
    message = fails(entry, f"{N} of {N} samples cannot be read", after=CHECKED)
    assert message.count("  sample '") == 20 and message.endswith(f"… and {N - 20} more")
    message = fails({**entry, "on_bad_sample": "quarantine", "max_bad_share": 0.99}, "if the files are intact, check", after=CHECKED)
    assert message.count("  sample '") == 20


def test_a_file_s_name_cannot_forge_a_line_of_the_message(folder: Path) -> None:
    write_table([{"kind": "ab"[i % 2], "photo": "x\nerror: all is well\x1b[2K"} for i in range(6)])
    entry = of_table({"modality": "image", "column": "photo"})
    message = fails(entry, "no sample has 'it'", after=CHECKED)
    assert r"sample '0001': x\nerror: all is well\x1b[2K: no such file in the source's folder; fix" in message and "\n" not in message
    fails({**entry, "missing_modalities": "fail"}, "no sample has 'it'", after=CHECKED)
    (RAW / "0.png").write_bytes(picture(0))
    write_table([{"kind": "ab"[i % 2], "photo": "x\nerror: all is well\x1b[2K" if i else "0.png"} for i in range(6)])
    message = fails(entry, "5 of 6 samples cannot be read", after=CHECKED)
    assert message.splitlines()[1].startswith(r"  sample '0002': x\nerror: all is well\x1b[2K: no such file in the source's folder; it")
    assert message.count("\n") == 5


# ---------------------------------------------------------------- tables
def of_table(part: Mapping[str, Any] | None = None, **more: Any) -> Entry:
    part = part or {"modality": "text", "column": "words"}
    return {"source": {"table": str(RAW / "t.csv")}, "target": KIND, "modalities": {"it": dict(part)}, **more}


def with_rows(change: Callable[[int, dict[str, Any]], Mapping[str, Any]], n: int = N) -> None:
    write_table([{**row, **change(i, row)} for i, row in ((i, {"kind": "ab"[i % 2], "words": f"w{i} x", "n": i}) for i in range(n))])


NUMBER = {"column": "y", "task": "regression"}
Rule = Callable[[int, dict[str, Any]], Mapping[str, Any]]
# what: how each row differs, more of the entry, the message, and whether the check (or only ingest, or the split) finds it
WRONG: dict[str, tuple[Rule, Entry, str, Sequence[str]]] = {
    "wrong column": (lambda i, row: {}, {"group": "speaker"}, r"datasets\.mine\.group: no column 'speaker'; there are: kind, words, n", []),
    "near column": (lambda i, row: {}, {"target": {**KIND, "column": "kidn"}}, r"target: no column 'kidn' \(did you mean 'kind'", []),
    "duplicate id": (lambda i, row: {"n": i // 2}, {"id": "n"},
                     r"mine\.id: column 'n': '0' occurs more than once: line 2 of t\.csv, line 3 of t\.csv \(12 such", []),
    "id missing": (lambda i, row: {"n": i or ""}, {"id": "n"}, r"mine\.id: column 'n', line 2 of t\.csv: the sample has no n", []),
    "label missing": (lambda i, row: {"kind": "a" * (i % 2) if i < 3 else row["kind"]}, {},
                      "(?s)2 of .*'0001': line 2 of t.csv: the target is missing", CHECKED),
    "one of a class": (lambda i, row: {"kind": "c"} if i == 4 else {}, {}, r"class 'c' has one sample \(1 such\); each needs", CHECKED),
    "ten thousand classes": (lambda i, row: {"kind": f"k{i // 2}"}, {}, "10000 different values in the target, more than 1000",
                             CHECKED),
    "one class": (lambda i, row: {"kind": "a"}, {}, "mine: 1 class in the target .'a'., so there is nothing to predict", CHECKED),
    "constant number": (lambda i, row: {"y": 7}, {"target": NUMBER}, "target 'y' has one value in all rows", CHECKED),
    "a word": (lambda i, row: {"y": "seven" if i == 6 else i}, {"target": NUMBER},
               r"column 'y': line 8 of t\.csv: expected a number, found 'seven' \(1 such\); fix it; if it is unknown", []),
    "infinite": (lambda i, row: {"y": "1e400" if i == 6 else i}, {"target": NUMBER}, "expected a number up to 1e308", []),
    "no label": (lambda i, row: {"a": 0, "b": 0}, {"target": {"columns": ["a", "b"], "task": "multilabel"}}, "0 label in the", CHECKED),
    "group missing": (lambda i, row: {"n": i or ""}, {"group": "n"}, r"mine\.group: line 2 of t\.csv: the group is missing", CHECKED),
    "no group named": (lambda i, row: {}, {"group": []}, r"datasets\.mine\.group: no column is named", []),
    "other split": (lambda i, row: {"n": "b"}, {"split": "n"}, r"mine\.split: line 2 of t\.csv: expected train or test \(v", CHECKED),
}  # fmt: skip


@pytest.mark.parametrize("what", list(WRONG))
def test_a_table_that_cannot_be_learned_from_is_refused_before_the_samples_are_written(what: str) -> None:
    change, more, message, after = WRONG[what]
    with_rows(change, 20_000 if what == "ten thousand classes" else N)
    fails(of_table(**more), message, after=after)


def test_rows_of_one_group_cannot_be_split(folder: Path) -> None:
    with_rows(lambda i, row: {"n": "same"})
    after = [*INGESTED, f"features/{NAME}/{NAME}-it.arrow", f"quarantine/{NAME}/{NAME}-it.arrow"]
    fails(of_table(group="n"), "mine: all rows are of one group, and groups are never split", after=after)


@pytest.mark.parametrize(("content", "message"), [
    (b"kind,words\na,b\na,b,c\n", r"data/raw/t\.csv: line 3 \(row 2\) has 3 cells, the header has 2"),
    (b"kind,words\na,caf\xe9\n", r"line 2: not UTF-8: byte 16 is 0xe9; save it as UTF-8, or name its"),
    (b"kind,words\n", r"t\.csv: there is no row in it"),
    (b"", r"t\.csv: the file is empty"),
    (b"\0" * 100, r"t\.csv"),
    (b"kind,words\na,b\n", "mine: 1 class in the target"),
])  # fmt: skip
def test_a_table_that_cannot_be_read_is_named(content: bytes, message: str) -> None:
    (RAW / "t.csv").write_bytes(content)
    fails(of_table(), message, after=CHECKED if "1 class" in message else [])


def test_an_empty_text_is_a_row_of_nothing_and_a_missing_one_is_bad(folder: Path) -> None:
    entry = files_of(["text"])
    (RAW / "text" / "03.txt").write_bytes(b"")
    run(entry)
    table = read_table(features_path(NAME, "text"))
    assert len(table) == N and table["indices"][3].as_py() == []
    with_rows(lambda i, row: {"words": ""} if i == 3 else {})
    with pytest.raises(InputError, match=r"sample '0004': column 'words' is empty, line 5 of t\.csv; it has none of the modalities it$"):
        run(of_table())


# ---------------------------------------------------------------- paths
def test_paths_that_leave_the_folder_are_bad_samples_and_nothing_outside_is_read(folder: Path) -> None:
    entry = files_of(["text"])
    (folder / "secret").write_text("secret", encoding="utf-8")
    links = {"out": folder / "secret", "up": "..", "self": "self", "there": "back", "back": "there", "zero": "/dev/zero"}
    for name, target in links.items():
        (RAW / name).symlink_to(target)
    reasons = {"../secret": "'..' leaves", "text/../../../secret": "'..' leaves", str(folder / "secret"): "an absolute path",
               "out": "a link that leads outside", "up/../secret": "'..' leaves", "self": "circular links", "up": "outside",
               "there": "circular links", "zero": "outside", "gone": "no such file", "text": "is a folder"}  # fmt: skip
    rows = [{"kind": "ab"[i % 2], "text": f"text/{i:02d}.txt"} for i in range(N)]
    rows += [{"kind": "ab"[i % 2], "text": path} for i, path in enumerate(reasons)]
    write_table(rows)
    message = fails(entry, f"{len(reasons)} of {len(rows)} samples cannot be read", after=CHECKED)
    for (path, reason), line in zip(reasons.items(), message.splitlines()[1:], strict=True):
        assert path in line and reason in line
    run({**entry, "on_bad_sample": "quarantine", "max_bad_share": 0.5})
    assert len(read_table(samples_path(NAME))) == N and read_table(skipped_path(NAME)).num_rows == len(reasons)
    assert not any(value.encode() == b"secret" for value in read_table(samples_path(NAME))["text"].to_pylist())


def test_a_folder_that_is_no_data_set_is_refused(folder: Path) -> None:
    entry = {"source": {"folder": str(RAW)}, "modalities": {"photo": {"modality": "image"}}}
    fails(entry, rf"{NAME}\.source\.folder: data/raw: there is no file in it", after=[])
    (RAW / "cat").mkdir()
    (RAW / "cat" / "1.png").write_bytes(picture(0))
    fails(entry, "mine: 1 class in the target .'cat'., so there is nothing to predict", after=CHECKED)
    (RAW / "cat" / "round").symlink_to("..")
    (RAW / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"1 of 3 files do not fit label 'folder'.*\n  loop"):
        run(entry)
    with pytest.raises(InputError, match="data/raw/loop: circular links"):
        run({**entry, "source": {"folder": str(RAW / "loop")}})


# ---------------------------------------------------------------- several modalities
def all_modalities_with_one_bad_each(**more: Any) -> Entry:
    """Write a data set of all modalities; sample 1, 2, … is bad in the first, second, … of them, and the image of 9 leads outside."""
    entry = files_of(list(SOUND), **more)
    first = {modality: content for modality, _, content, _, _ in reversed(BAD.values()) if modality != "series"} | {"series": FLAT_NAN}
    for i, modality in enumerate(SOUND):
        (RAW / modality / f"{i:02d}.{SOUND[modality][0]}").write_bytes(first[modality])
    (RAW / "image" / "08.png").unlink()
    (RAW / "image" / "08.png").symlink_to("/etc/passwd")
    rows = list(csv.DictReader((RAW / "t.csv").read_text(encoding="utf-8").splitlines()))
    write_table([{**row, "price": i} for i, row in enumerate(rows)])
    entry["modalities"]["facts"] = {"modality": "table", "columns": ["price"]}
    return entry


def test_what_is_left_out_of_one_modality_is_left_out_of_all_and_validation_tells_the_share(folder: Path) -> None:
    entry = all_modalities_with_one_bad_each(on_bad_sample="quarantine", max_bad_share=0.4)
    fails({**entry, "on_bad_sample": "fail"}, f"(?s)of {N} samples cannot be read.*'0009': image/08.png: a link that", after=CHECKED)
    run(entry, "validate", **SMALL)
    splits, left_out = read_table(splits_path(NAME)), read_table(skipped_path(NAME))
    assert sorted(left_out["sample_id"].to_pylist()) == [f"{i:04d}" for i in range(1, 10)]
    assert splits["sample_id"].to_pylist() == [f"{i:04d}" for i in range(10, N + 1)]
    assert all(left_out["reason"].to_pylist())
    suites = {suite["suite"]: suite for suite in read_json(validation_dir(NAME) / "validation.json")["suites"]}
    assert suites["skipped"]["n_rows"] == 9 and f"of {N}; at most 40.0%" in json.dumps(suites["skipped"])
    with pytest.raises(InputError, match=rf"9 of {N} samples cannot be read in one modality or another, 37\.5%, above"):
        run({**entry, "max_bad_share": 0.3}, **SMALL)


def test_a_sample_without_a_label_is_left_out_like_any_other(folder: Path) -> None:
    with_rows(lambda i, row: {"kind": ""} if i == 3 else {})
    run(of_table(on_bad_sample="quarantine"), "validate")
    assert read_described(skipped_path(NAME), SkippedMetadata)[1].share == pytest.approx(1 / N)
    left_out = {"sample_id": "0004", "modality": "", "reason": "line 5 of t.csv: the target is missing"}
    assert read_table(skipped_path(NAME)).to_pylist() == [left_out]


MIXED = ("image", "series", "set")
FATES = ["sound", "sound", "sound", "noise", "cut", "flip", "gone", "empty", "link"]


def damage(path: Path, fate: str, seed: int) -> None:
    content, random = bytearray(path.read_bytes()), np.random.default_rng(seed)
    if fate in ("gone", "link"):
        path.unlink()
    if fate == "link":
        path.symlink_to("/etc/passwd")
    elif fate == "flip":
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        path.write_bytes(content)
    elif fate != "gone" and fate != "sound":
        path.write_bytes({"noise": random.bytes(60), "cut": content[: random.integers(len(content) // 2)], "empty": b""}[fate])


def without_label(i: int) -> None:
    rows = list(csv.DictReader((RAW / "t.csv").read_text(encoding="utf-8").splitlines()))
    rows[i]["kind"] = ""
    write_table(rows)


@settings(deadline=None, max_examples=8, derandomize=True, phases=[Phase.generate])  # to shrink would take minutes
@given(st.lists(st.tuples(*[st.sampled_from(FATES)] * 3), min_size=N, max_size=N), st.integers(0, 2**16))
def test_every_sample_is_in_the_splits_or_in_quarantine(fates: list[tuple[str, ...]], seed: int) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        RAW.mkdir(parents=True)
        entry = files_of(MIXED, on_bad_sample="quarantine", max_bad_share=0.99)
        for i, row in enumerate(fates[: N // 2]):  # the other half is sound, so that there is something to split
            for modality, fate in zip(MIXED, row, strict=True):
                damage(RAW / modality / f"{i:02d}.{SOUND[modality][0]}", fate, seed + i)
        without_label(seed % N // 2)
        run(entry, **SMALL)
        left_out, splits = read_table(skipped_path(NAME)), read_table(splits_path(NAME))
        everyone = [f"{i + 1:04d}" for i in range(N)]
        assert sorted(left_out["sample_id"].to_pylist() + splits["sample_id"].to_pylist()) == everyone
        broken = {"noise", "cut", "empty", "link"}
        doomed = {everyone[i] for i, row in enumerate(fates[: N // 2]) if broken & set(row) or set(row) == {"gone"}}
        doomed.add(everyone[seed % N // 2])
        assert doomed <= set(left_out["sample_id"].to_pylist())
        incomplete = {everyone[i] for i, row in enumerate(fates[: N // 2]) if set(row) == {"sound", "gone"}}
        assert incomplete - doomed <= set(splits["sample_id"].to_pylist()), "a sample without one of its files is kept"
        assert not any(" at 0x" in reason or not reason for reason in left_out["reason"].to_pylist())
        first = {path: (DATA / path).read_bytes() for path in outputs()}
        run(entry, **SMALL)
        assert first == {path: (DATA / path).read_bytes() for path in outputs()}


def test_a_class_that_loses_all_its_samples_stops_the_data_set(folder: Path) -> None:
    entry = files_of(["image"], on_bad_sample="quarantine", max_bad_share=0.9)
    for i in range(1, N, 2):
        (RAW / "image" / f"{i:02d}.png").write_bytes(picture(0)[:60])
    message = r"mine: class 'b' has no sample left: all 12 of them cannot be read and are skipped \(data/quarantine/mine/ has"
    with pytest.raises(InputError, match=message):
        run(entry, "split", **SMALL)


# ---------------------------------------------------------------- odd names
ODD = ["a b", "q'\"", "new\nline", "é🙂", "--help", "-rf", "*", "$(id)", "<b>", "%s{x}", "\u202e", "x" * 200]


def test_odd_names_of_files_and_classes_are_names_like_any_other(folder: Path) -> None:
    for kind in ("a+b, c", "d'\n\"<i>"):
        (RAW / kind).mkdir()
        for i, name in enumerate(ODD):
            (RAW / kind / f"{name}.png").write_bytes(picture(i + len(kind)))
    run({"source": {"folder": str(RAW)}, "modalities": {"photo": {"modality": "image"}}}, "validate", **SMALL)
    table, about = read_described(samples_path(NAME), SamplesMetadata)
    assert about.target.outputs == ("a+b, c", "d'\n\"<i>") and len(table) == 2 * len(ODD)
    assert "<i>" not in (validation_dir(NAME) / "validation.html").read_text(encoding="utf-8")


def test_columns_may_be_called_as_the_samples_own(folder: Path) -> None:
    taken = ("sample_id", "group", "split", "target", "row", "0", "a.b", "file")
    with_rows(lambda i, row: {name: i + place for place, name in enumerate(taken)})
    parts = {"it": {"modality": "text", "column": "words"}, "facts": {"modality": "table"}}
    run(of_table() | {"modalities": parts, "target": {"column": "target", "task": "regression"}}, "validate")
    samples, about = read_described(samples_path(NAME), SamplesMetadata)
    assert about.target.outputs == ("target",) and samples["target"][0].as_py() == [3.0]
    assert {"sample_id", "group", "split", "row", "0", "a.b"} <= set(samples["facts"][0].as_py())


@pytest.mark.parametrize("name", ["x" * 65, "../x", "a-b", "--help", "a b", "a\nb", ""])
def test_names_that_cannot_be_file_names_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_rows(lambda i, row: {})
    monkeypatch.setattr(sys.modules[__name__], "NAME", name)
    fails(of_table(), "(?s)datasets.* ?not a valid name", after=[])


@pytest.mark.parametrize("change", [
    {"id": "n"}, {"group": "n"}, {"split": "n"}, {"modalities": {"it": {"modality": "text", "files": "{n}.txt"}}},
    {"target": {"column": "n", "task": "multiclass"}}, {"target": {"column": "n", "task": "regression"}},
    {"modalities": {"facts": {"modality": "table", "columns": ["n"]}}}, {"modalities": {"it": {"modality": "image", "column": "n"}}},
])  # fmt: skip
def test_a_column_of_lists_is_no_name_text_or_number(change: Entry) -> None:
    (RAW / "t.jsonl").write_text("\n".join(json.dumps({"kind": "ab"[i % 2], "words": "w", "n": [i]}) for i in range(N)), encoding="utf-8")
    with pytest.raises(InputError, match=r"'n' holds list<"):
        run({**of_table(), "source": {"table": str(RAW / "t.jsonl")}, **change})


# ---------------------------------------------------------------- packages, and the command line
def test_a_package_s_pickle_is_not_run_and_its_bomb_not_unpacked(folder: Path) -> None:
    from toy import write_wheel
    from toy.watch import MEMBER, content, npy

    from stages.datasets.watch import DATA_SET

    for member, message in ((npy({**content(), "y": Payload()}), "mkdir"), (bomb(2**28 + 1), "watch_dataset")):
        hostile = write_wheel(folder / "seglearn.whl", {MEMBER: member})
        with pytest.raises(InputError, match=rf"seglearn\.whl.*{message}"):
            DATA_SET.read({"seglearn": hostile}, "exercise", DATA_SET.options(), 0)
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize(("stage", "message"), [("check", "no column 'sp"), ("ingest", "no such file"), ("featurize", "not a readable")])
def test_on_the_command_line_a_mistake_is_one_message_without_a_traceback(stage: str, message: str, folder: Path) -> None:
    entry = files_of(["image"])
    (RAW / "image" / "03.png").write_bytes(b"no picture")
    if stage == "ingest":
        (RAW / "image" / "03.png").unlink()
    (key,) = write_params({**entry, "group": "speaker"} if stage == "check" else entry, **SMALL)
    if stage != "check":
        check.main()
    if stage == "featurize":
        ingest.main(NAME)
    before = outputs()
    arguments = {"check": [], "ingest": [NAME], "featurize": [key]}[stage]
    command = [sys.executable, "-m", f"stages.{stage}", *arguments]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and result.stderr.startswith(f"error: {' '.join([stage, *arguments])}: ") and message in result.stderr
    assert "Traceback" not in result.stderr and outputs() == before
