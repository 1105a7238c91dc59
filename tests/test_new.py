"""`python -m pipelines.new` looks at data and writes lines that work, with a reason for every guess, and nothing else."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from pipelines.new import inserted, lines_of, main
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, parse
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.guesses import Guess, GuessedModality
from stages.own_data.roles import open_source

ROOT = Path(__file__).parents[1]
BRANDS = ("ajax", "bolt", "core", "dune", "echo")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    """Return the entry that is proposed, and all that is printed."""
    assert main(["mine", *arguments]) == 0
    text = capsys.readouterr().out
    lines = YAML(typ="safe").load(text.split("\n\n")[0])
    assert set(lines["features"]) == {f"mine-{label}" for label in lines["datasets"]["mine"]["modalities"]}
    return lines["datasets"]["mine"], text


def write_table(path: Path, n: int = 40, mark: str = ",") -> None:
    rows = [
        {"product_id": f"p{i}", "brand": BRANDS[i % 5], "file": f"photos/{i}.jpg", "price": f"{i / 3:.2f}", "weight": i % 7,
         "constant": "x",
         "text": f"a long description of product number {i}", "serial": f"x{i * 7}", "category": ("shoe", "hat", "coat")[i % 3],
         "tags": ("new", "new;sale", "sale;old", "old")[i % 4]}
        for i in range(n)
    ]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=mark)
        writer.writeheader()
        writer.writerows(rows)


def test_a_table_is_looked_over_column_by_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(folder / "t.csv")
    entry, text = said(capsys, "t.csv")
    assert entry["source"] == {"table": "t.csv"} and entry["group"] == "brand"
    assert entry["target"] == {"column": "category", "task": "multiclass"}
    assert entry["modalities"] == {
        "photo": {"modality": "image", "column": "file"},
        "words": {"modality": "text", "column": "text"},
        "facts": {"modality": "table", "columns": ["price", "weight", "tags"]},
    }
    told = ["3 different texts in 40 rows", "5 values in 40 rows", "names of files (.jpg)"]
    told += ["product_id is not used: it is an identifier of the rows"]
    for reason in [*told, "serial is not used: nearly every value differs", "constant is not used: it has one value"]:
        assert reason in text


@pytest.mark.parametrize(("target", "task"), [("price", "regression"), ("brand", "multiclass"), ("weight", "multiclass")])
def test_the_task_follows_from_the_targets_values(folder: Path, capsys: pytest.CaptureFixture[str], target: str, task: str) -> None:
    write_table(folder / "t.tsv", mark=";")
    entry, _ = said(capsys, "t.tsv", "--target", target)
    assert entry["target"] == {"column": target, "task": task} and entry["source"]["delimiter"] == ";"
    assert all(target not in (part.get("columns") or [part.get("column")]) for part in entry["modalities"].values())


def test_bytes_lists_and_labels_of_a_parquet_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"sound": b"RIFF....", "photo": {"bytes": b"\x89PNG", "path": ""}, "course": [[1.0, 2.0]], "tags": ["a", "b"]}
    pq.write_table(pa.Table.from_pylist([row] * 4), folder / "t.parquet")
    entry, _ = said(capsys, "t.parquet", "--target", "tags")
    assert entry["target"] == {"column": "tags", "task": "multilabel"}
    found = {part["column"]: part["modality"] for part in entry["modalities"].values()}
    assert found == {"sound": "audio", "photo": "image", "course": "series"}


def make_files(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\n")


def test_a_folder_is_of_classes_or_of_names_with_parts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_files(folder, [f"photos/{kind}/{i}.jpg" for kind in ("cat", "dog", "fox") for i in range(3)] + ["photos/notes.txt"])
    entry, text = said(capsys, "photos")
    assert entry["source"] == {"folder": "photos", "label": "folder", "ignore": ["*.txt"]}
    assert text.startswith("# 9 files kept, 1 ignored (1 .txt)\n")
    assert entry["target"] == {"column": "folder", "task": "multiclass"} and entry["modalities"] == {"photo": {"modality": "image"}}
    speakers = ("ann", "bo", "cy", "dee", "eve")
    make_files(folder, [f"sounds/{digit}_{who}_{i}.wav" for digit in range(3) for who in speakers for i in range(4)])
    entry, _ = said(capsys, "sounds")
    assert entry["source"]["label"] == "{part1}_{part2}_{index}.wav" and entry["group"] == "part2"
    assert entry["target"] == {"column": "part1", "task": "multiclass"}
    assert said(capsys, "sounds", "--target", "part2")[0]["target"] == {"column": "part2", "task": "multiclass"}


FOLDERS: dict[str, tuple[list[str], dict[str, Any], str, str | None]] = {  # files · source · target · split
    "all endings": ([f"{kind}/{i}.{('png', 'jpg', 'JPEG', 'webp')[i % 4]}" for kind in "ab" for i in range(4)], {"label": "folder"},
                    "folder", None),
    "two levels": ([f"{c}/{d}/{i}.wav" for c in ("en", "fr") for d in "xyz" for i in range(3)],
                   {"label": "{folder1}/{folder2}/{file_name}"}, "folder1", None),
    "other depths": ([f"{c}/{p}{i}.wav" for c in ("en", "fr") for p in ("", "x/", "x/y/") for i in range(3)], {"label": "top_folder"},
                     "top_folder", None),
    "official split": ([f"{part}/{c}/{i}.png" for part in ("train", "test") for c in "ab" for i in range(3)],
                       {"label": "{split}/{folder2}/{file_name}"}, "folder2", "split"),
    "split in three": ([f"{part}/{c}/{i}.png" for part in ("Train", "val", "test") for c in "ab" for i in range(3)],
                       {"label": "{split}/{folder2}/{file_name}"}, "folder2", "split"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_at_any_depth_with_any_ending_and_an_official_split(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    files, source, target, split = FOLDERS[name]
    make_files(folder, [f"raw/{file}" for file in files])
    entry, text = said(capsys, "raw")
    assert entry["source"] == {"folder": "raw", **source} and entry["target"]["column"] == target and entry.get("split") == split
    assert f"{len(files)} of {len(files)} files end in" in text
    rows = open_source("mine", parse(entry, "datasets.mine", DataSetEntry))
    assert len(rows.ids) == len(files)
    if name == "two levels":
        assert "folder2: 3 folders (x, y, z): the class (`target: {column: folder2, …}`), or a group (`group: folder2`)?" in text
        assert said(capsys, "raw", "--target", "folder2")[0]["target"] == {"column": "folder2", "task": "multiclass"}


def test_a_column_of_many_names_is_no_target_where_one_of_few_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{i / 3:.2f},{('shoe', 'hat')[i % 2]},k{i // 3}\n" for i in range(40)]
    (folder / "t.csv").write_text("weight,product,firm\n" + "".join(lines), encoding="utf-8")
    assert said(capsys, "t.csv")[0]["target"] == {"column": "product", "task": "binary"}


@pytest.mark.parametrize(("shape", "modality"), [((3, 2), "series"), ((3, 2, 2), "tactile")])
def test_arrays_are_told_by_their_axes(folder: Path, capsys: pytest.CaptureFixture[str], shape: tuple[int, ...], modality: str) -> None:
    make_files(folder, [f"arrays/{kind}/{i}.npy" for kind in "ab" for i in range(2)])
    for path in (folder / "arrays").rglob("*.npy"):
        np.save(path, np.zeros(shape))
    assert [part["modality"] for part in said(capsys, "arrays")[0]["modalities"].values()] == [modality]


def test_what_is_written_is_added_and_all_else_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lp.data").write_text("ok\n1 2\n\nlost\n1 2\n\n" * 3, encoding="utf-8")
    before = (folder / PARAMS).read_text(encoding="utf-8").splitlines()
    entry, text = said(capsys, "lp.data", "--write")
    assert "then: make run" in text
    after = (folder / PARAMS).read_text(encoding="utf-8").splitlines()
    params = YAML(typ="safe").load("\n".join(after))
    assert params["datasets"]["mine"] == entry and params["features"]["mine-series"] == {"dataset": "mine", "modality": "series"}
    rest = iter(after)
    assert all(line in rest for line in before), "a line of before is gone or moved"
    assert main(["mine", "lp.data", "--write"]) == 1
    assert "'mine' is taken by an entry under datasets" in capsys.readouterr().err


def test_lines_can_be_the_only_ones(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All shipped data sets commented out: what is left is one's own."""
    write_table(folder / "t.csv")
    text = Path("params.yaml").read_text(encoding="utf-8")
    section = re.compile(r"^(datasets|features):\n((?:  .*\n|\n)*)", re.MULTILINE)
    Path("params.yaml").write_text(section.sub(lambda found: f"{found[1]}:\n" + re.sub("^  ", "  # ", found[2], flags=re.MULTILINE), text))
    assert main(["mine", "t.csv", "--target", "category", "--write"]) == 0, capsys.readouterr().err
    assert list(YAML(typ="safe").load(Path("params.yaml").read_text(encoding="utf-8"))["datasets"]) == ["mine"]


def test_lines_go_to_the_end_of_their_section() -> None:
    modalities = [GuessedModality("a", {"modality": "series"}, "r\nr")]
    found = Guess(({"blocks": "x: {y}"}, ""), ({"column": "l"}, "why"), (None, "none"), modalities)
    lines = lines_of("new", found)
    text = "# top\ndatasets:\n    old: {a: 1}  # why\n\n# about features\nfeatures:\n    old-a: {b: 2}\n"
    new = inserted(text, lines)
    assert new.startswith("# top\ndatasets:\n    old: {a: 1}  # why\n    new:\n")
    assert "\n\n# about features\nfeatures:\n    old-a: {b: 2}\n" in new
    assert YAML(typ="safe").load(new)["datasets"]["new"]["source"] == {"blocks": "x: {y}"}
    values = ["a:b", "no", "null", "1", "1e3", ".5", "-", "- a", "é", "a b", "../a", "/a/b.c", "a,b",
              "#a", "a #b", "*a", "", " a", "~", "it's \"so\""]
    entry = [GuessedModality("a", {"modality": "series", "values": values}, "")]
    written = "\n".join(lines_of("new", Guess(({"table": "a"}, ""), ({}, ""), (None, ""), entry))["datasets"])
    for reader in (YAML(typ="safe"), YAML(typ="safe", pure=True)):  # DVC's and ours
        assert reader.load(written)["new"]["modalities"]["a"]["values"] == values
    commented = inserted("datasets:\n  # old: {a: 1}\nfeatures:\n  # old-a: {b: 2}\n", lines)  # nobody's data but one's own
    assert list(YAML(typ="safe").load(commented)["datasets"]) == ["new"]
    assert "  # old: {a: 1}\n  new:\n" in commented
    with pytest.raises(InputError, match="datasets: expected a section with an entry per line; add these lines manually"):
        inserted("datasets: {old: 1}\nfeatures:\n  a: 1\n", lines)


@pytest.mark.parametrize(("arguments", "message"), [
    (["my-data", "t.csv"], "use letters, digits and _"),
    (["emoji", "t.csv"], "'emoji' is taken"),
    (["mine", "gone.csv"], "gone.csv: no such file"),
    (["mine", "t.csv", "--target", "categry"], "has no column 'categry' (did you mean 'category'?)"),
    (["mine", "t.csv", "--target", "serial"], "the target has 40 different texts in 40 rows; expected classes that repeat, or numbers"),
    (["mine", "odd"], "no file in it has an ending that a modality reads (.exe)"),
    (["mine", "flat"], "have no fixed number of fields"),
    (["mine", "odd/a.exe"], "there is no block in it"),
])  # fmt: skip
def test_what_cannot_be_guessed_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    write_table(folder / "t.csv")
    make_files(folder, ["odd/a.exe", "flat/a.png", "flat/a_b.png"])
    before = (folder / PARAMS).read_bytes()
    assert main([*arguments, "--write"]) == 1
    told = capsys.readouterr()
    assert message in told.err and told.err.startswith("error: ") and told.out == ""
    assert (folder / PARAMS).read_bytes() == before


def test_the_help_says_what_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--write adds these lines to params.yaml, and keeps the rest byte for byte." in " ".join(capsys.readouterr().out.split())
