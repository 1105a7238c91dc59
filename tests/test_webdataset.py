"""Shards of WebDataset: files of one key are one sample, as a table of the same values would give it."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import ingested, parsed
from ruamel.yaml import YAML
from toy_columns import png

from pipelines.new import main
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.roles import open_source

ROOT = Path(__file__).parents[1]
ENTRY: dict[str, Any] = {
    "source": {"webdataset": "train-*.tar"}, "target": {"column": "cls", "task": "binary"}, "group": "session",
    "modalities": {"photo": {"modality": "image", "column": "png"}, "words": {"modality": "text", "column": "txt"},
                   "facts": {"modality": "table", "columns": ["price"]}},
}  # fmt: skip


def sample(number: int) -> dict[str, bytes]:
    about = {"price": number / 2, "session": f"s{number // 3}", "box": [1, 2]}
    return {
        "png": png(np.full((4, 4, 3), (number, 9, 200), np.uint8)), "cls": f"{number % 2}\n".encode(),
        "txt": f"größe {number} of a thing\n".encode(), "json": json.dumps(about).encode(),
    }  # fmt: skip


def write(name: str, files: Mapping[str, bytes], mode: str = "w:") -> None:
    with tarfile.open(name, mode) as archive:  # type: ignore[call-overload]
        for member, content in files.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write two shards of 6 samples each, and work in their folder."""
    monkeypatch.chdir(tmp_path)
    for shard in range(2):
        numbers = range(6 * shard, 6 * shard + 6)
        write(f"train-{shard}.tar", {f"p{shard}/{n:04d}.{field}": content for n in numbers for field, content in sample(n).items()})
    return tmp_path


def open_entry(**change: Any) -> Any:
    return open_source("mine", parsed({**ENTRY, **change}))


def test_files_of_one_key_are_one_sample(folder: Path) -> None:
    found, about = ingested(ENTRY)
    assert found["sample_id"].to_pylist() == [f"p{n // 6}/{n:04d}" for n in range(12)]
    assert found["group"].to_pylist() == [f"s{n // 3}" for n in range(12)]
    assert found["target"].to_pylist() == [n % 2 for n in range(12)] and about["target"]["outputs"] == ["0", "1"]
    assert found["photo"].to_pylist() == [sample(n)["png"] for n in range(12)]
    assert found["words"].to_pylist() == [f"größe {n} of a thing" for n in range(12)]
    assert found["facts"].to_pylist() == [{"price": n / 2} for n in range(12)]
    assert found["source"][7].as_py() == {"photo": "p1/0007.png", "words": "p1/0007", "facts": "p1/0007"}


def test_how_samples_are_packed_does_not_change_them(folder: Path) -> None:
    expected = ingested(ENTRY)[0]
    every = {f"p{n // 6}/{n:04d}.{field}": content for n in reversed(range(12)) for field, content in sample(n).items()}
    write("one.tar.gz", every, "w:gz")
    assert ingested({**ENTRY, "source": {"webdataset": "one.tar.gz"}})[0].equals(expected)


def test_a_changed_label_is_a_change_and_a_missing_file_is_a_missing_modality(folder: Path) -> None:
    before = ingested(ENTRY)[1]["sources"]
    files = {f"p0/{n:04d}.{field}": content for n in range(6) for field, content in sample(n).items()}
    write("train-0.tar", files | {"p0/0000.json": json.dumps({"price": 99, "session": "s0", "box": [1, 2]}).encode()})
    assert ingested(ENTRY)[1]["sources"] != before
    del files["p0/0003.png"]
    write("train-0.tar", files)
    kept = ingested(ENTRY)[0]
    assert [row for row, photo in enumerate(kept["photo"].to_pylist()) if photo is None] == [3] and kept["words"].null_count == 0
    with pytest.raises(InputError, match=r"1 of 12 samples lack a modality(.|\n)*p0/0003': it has no photo \(photo: no file is named "
                                         r"\('png' is empty\)\); `missing_modalities: fail`"):  # fmt: skip
        ingested({**ENTRY, "missing_modalities": "fail"})


def test_a_name_with_several_dots_has_a_field_of_several_parts(folder: Path) -> None:
    write("d.tar", {"a.left.png": b"x", "a.right.PNG": b"y", "b.left.png": b"z", "README": b"r"})
    rows = open_entry(source={"webdataset": "d.tar"})
    assert rows.read(list(rows.types), None).to_pylist() == [
        {"key": "a", "left.png": "a.left.png", "right.png": "a.right.PNG"}, {"key": "b", "left.png": "b.left.png", "right.png": None},
    ]  # fmt: skip


@pytest.mark.parametrize(("files", "message"), [
    ({"a.json": b"{"}, "a.json: Expecting property name"),
    ({"a.json": b"[1]"}, r"a.json: expected a JSON object, found '\[1\]'"),
    ({"a.json": b'{"x": 1, "x": 2}'}, "a.json: a key occurs twice"),
    ({"a.json": b'{"cls": 1}', "a.cls": b"1"}, "a.json: field 'cls' is in another file of the sample too"),
    ({"a.txt": b"\xff\xfa"}, "a.txt: not utf-16|a.txt: not UTF-8"),
    ({"a.json": b'{"x": 1}', "b.json": b'{"x": "1"}'}, "sample 2: 'x' is a text here but a number in sample 1"),
    ({"README": b"x"}, "there is no file in it; expected files named <key>.<field>"),
])  # fmt: skip
def test_a_file_of_another_form_is_named(folder: Path, files: Mapping[str, bytes], message: str) -> None:
    write("d.tar", files)
    with pytest.raises(InputError, match=rf"d\.tar: ({message})"):
        open_entry(source={"webdataset": "d.tar"})


def test_shards_that_cannot_be_told_apart_or_found_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"webdataset: test-\*\.tar: no file fits this pattern"):
        open_entry(source={"webdataset": "test-*.tar"})
    Path("train-2.tar").write_bytes(Path("train-1.tar").read_bytes())
    with pytest.raises(InputError, match=r"^train-2\.tar: p1/0006\.cls is also in train-1\.tar; a key names one sample of all shards"):
        open_entry()
    Path("t.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"webdataset: t\.csv: is no archive; expected \.tar"):
        open_entry(source={"webdataset": "t.csv"})


def test_new_proposes_shards_with_their_fields(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    write("big.tar", {f"{n:04d}.{field}": content for n in range(30) for field, content in sample(n).items()})
    assert main(["mine", "big.tar"]) == 0
    text = capsys.readouterr().out
    found = YAML(typ="safe").load(text.split("\n\n")[0])["datasets"]["mine"]
    assert found["source"] == {"webdataset": "big.tar"} and found["target"] == {"column": "cls", "task": "binary"}
    assert found["group"] == "session" and found["modalities"]["photo"] == {"modality": "image", "column": "png"}
    assert found["modalities"]["words"] == {"modality": "text", "column": "txt"} and "files of one key are one sample" in text
