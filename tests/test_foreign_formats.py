"""What is not read is called by its name, with the way to convert it; a folder that a table describes is read by that table."""

import csv
import json
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
from stages.own_data.decoders.decode import decode
from stages.own_data.foreign_formats import foreign_format
from stages.own_data.roles import open_source
from stages.own_data.sample_files import open_files

ROOT = Path(__file__).parents[1]
TARGET = {"column": "kind", "task": "binary"}
FORMATS = [
    ("t.XLS", r"an Excel workbook in a binary format; save it as \.xlsx, or save the sheet as CSV"),
    ("t.xlsb", "an Excel workbook in a binary format"),
    ("t.ods", r"an OpenDocument spreadsheet; save it as \.xlsx, or save the sheet as CSV"),
    ("t.h5", r"an HDF5 file; .*read_hdf\(path\)\.to_parquet"),
    ("t.mat", r"a MATLAB file; .*scipy\.io\.loadmat"),
    ("t.pkl", "a pickle, which can run any code when it is read and so is never read here"),
    ("t.sav", "an SPSS file; .*read_spss"),
    ("t.rds", r"an R object; in R: `write\.csv\(readRDS\(path\)"),
    ("t.tfrecord", "TensorFlow's records; "),
]
LAYOUTS = {
    "a Kaldi data folder; write a table with a row per utterance": ["wav.scp", "utt2spk", "text"],
    r"a BIDS data set; name its participants\.tsv": ["dataset_description.json", "participants.tsv", "sub-01/anat/sub-01_T1w.nii.gz"],
    "COCO annotations, with several objects per image": ["annotations/instances_train2017.json", "train2017/0001.jpg"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], path: str) -> str:
    """Return the line with which `make new` refuses a path."""
    assert main(["mine", path]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize(("name", "message"), FORMATS)
def test_a_format_that_is_not_read_is_called_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str], name: str, message: str) -> None:
    Path(name).write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    entry = parsed({"source": {"table": name}, "target": TARGET, "modalities": {"facts": {"modality": "table"}}})
    with pytest.raises(InputError, match=rf"^params\.yaml: datasets\.mine\.source\.table: {name}: is {message}"):
        open_source("mine", entry)
    assert refused(capsys, name).startswith(f"error: {name}: is {foreign_format(name)}")
    Path(name).write_bytes(b"PK\x03\x04" + bytes(40))  # a workbook, and a model of torch, are zip archives inside
    assert refused(capsys, name).startswith(f"error: {name}: is {foreign_format(name)}")
    with pytest.raises(InputError, match=rf"folder: {name}: is {message}"):
        open_files(name, "folder")
    with pytest.raises(ValueError, match=f"is {message}.*; expected "):
        decode("series", b"x", name)
    (folder / "many").mkdir()
    for number in range(3):
        Path(f"many/{number}{Path(name).suffix}").write_bytes(b"x")
    assert f"many: each file is {foreign_format(name)}" in refused(capsys, "many")
    assert not Path("ran").exists()


@pytest.mark.parametrize(("name", "source"), [("t.db", "sqlite: …, query: …"), ("t.zip", "folder: …, label: …"), ("t.tar.gz", "folder: …")])
def test_a_table_that_is_another_source_is_named_with_it(folder: Path, name: str, source: str) -> None:
    Path(name).write_bytes(b"x")
    with pytest.raises(InputError, match=rf"table: {name}: is no table by itself; write `source: {{{source}"):
        open_source("mine", parsed({"source": {"table": name}, "target": TARGET, "modalities": {"facts": {"modality": "table"}}}))


@pytest.mark.parametrize("message", LAYOUTS)
def test_a_layout_that_is_not_read_is_called_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str], message: str) -> None:
    for name in LAYOUTS[message]:
        (folder / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "d" / name).write_text("x")
    assert f"d: is {message.replace(chr(92), '')}" in refused(capsys, "d")
    with pytest.raises(InputError, match=rf"^params\.yaml: datasets\.mine\.source: is {message}"):
        open_source("mine", parsed({"source": {"folder": "d", "label": "{a}_{b}_{c}.wav"}, "target": {"column": "a", "task": "binary"},
                                    "modalities": {"sound": {"modality": "audio"}}}))  # fmt: skip


def test_coco_annotations_are_no_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("instances.json").write_text(json.dumps({"images": [{"id": 1}], "annotations": [{"image_id": 1}], "categories": [{"id": 1}]}))
    assert "instances.json: holds COCO annotations, with several objects per image; write a table" in refused(capsys, "instances.json")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_folder_with_a_table_of_its_files_is_that_table(folder: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    rows: list[dict[str, Any]] = [
        {"file_name": f"{'test' if i % 4 == 0 else 'train'}/{i}.png", "kind": "ab"[i // 2 % 2], "split": "test" if i % 4 == 0 else "train"}
        for i in range(24)
    ]
    for i, row in enumerate(rows):
        (folder / "d" / row["file_name"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / "d" / row["file_name"]).write_bytes(png(np.full((4, 4, 3), (i, 9, 200), np.uint8)))
    with Path(f"d/metadata.{ending}").open("w", newline="", encoding="utf-8") as file:
        if ending == "csv":
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
    assert main(["mine", "d"]) == 0
    found = YAML(typ="safe").load(capsys.readouterr().out.split("\n\n")[0])["datasets"]["mine"]
    assert found == {"source": {"table": f"d/metadata.{ending}"}, "target": TARGET, "split": "split",
                     "modalities": {"photo": {"modality": "image", "column": "file_name"}}}  # fmt: skip
    samples = ingested(found)[0]
    assert samples["photo"][5].as_py() == (folder / "d" / rows[5]["file_name"]).read_bytes() and len(samples) == 24


def test_a_table_for_each_part_of_a_split_is_one_line_on_how_to_join_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "test"):
        (folder / "d" / part).mkdir(parents=True)
        (folder / "d" / part / "metadata.csv").write_text("file_name,kind\n1.png,a\n")
    assert "d: test, train have a table of metadata each; join them into one metadata.csv in d" in refused(capsys, "d")
