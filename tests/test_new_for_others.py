"""What a colleague sends: a folder, a CSV and a JSON-lines file with the usual flaws; what `make new` writes runs without an edit."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML
from toy_columns import png

from pipelines.new import main
from stages import check, featurize, ingest, split
from stages.contracts.paths import samples_path, skipped_path, splits_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.foundation.params_file import PARAMS
from stages.foundation.tables import read_described, read_table

ROOT = Path(__file__).parents[1]
NAME = "mine"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose params.yaml has no data set but what is added, and all else as shipped."""
    monkeypatch.chdir(tmp_path)
    Path("data/raw").mkdir(parents=True)
    section = re.compile(r"^(datasets|features):\n((?:  .*\n|\n)*)", re.MULTILINE)
    text = (ROOT / PARAMS).read_text(encoding="utf-8")
    Path(PARAMS).write_text(section.sub(lambda found: f"{found[1]}:\n" + re.sub("^  ", "  # ", found[2], flags=re.MULTILINE), text),
                            encoding="utf-8")  # fmt: skip
    return tmp_path


def written(capsys: pytest.CaptureFixture[str], path: str, *options: str) -> tuple[dict[str, Any], str]:
    """Add the lines for a path; return the entry and the first line that is printed."""
    status = main([NAME, path, *options, "--write"])
    told = capsys.readouterr()
    assert status == 0, told.err
    entry: dict[str, Any] = YAML(typ="safe").load(Path(PARAMS).read_text(encoding="utf-8"))["datasets"][NAME]
    return entry, told.out.splitlines()[0]


def run_stages() -> None:
    params = YAML(typ="safe").load(Path(PARAMS).read_text(encoding="utf-8"))
    check.main()
    ingest.main(NAME)
    for key in params["features"]:
        featurize.main(key)
    split.main(NAME)


def picture(random: np.random.Generator) -> bytes:
    return png(random.integers(0, 255, (9, 9, 3), dtype=np.uint8))


def write_photos(folder: Path) -> None:
    """Two years, in each a folder per class; one class has a single photo, one file is empty, and other files lie between."""
    random = np.random.default_rng(1)
    for year in ("2023", "2024"):
        for kind, n_files in (("Ruß café", 9), ("Moth", 8), ("O'Neil", 2)):
            place = folder / year / kind
            place.mkdir(parents=True)
            for i in range(n_files):
                (place / f"IMG {i:03d}{('.JPG', '.png', '.jpeg')[i % 3]}").write_bytes(picture(random))
    (folder / "2023" / "Single").mkdir()
    (folder / "2023" / "Single" / "a.png").write_bytes(picture(random))
    (folder / "2023" / "Moth" / "broken.png").write_bytes(b"")
    for name in ("README", "2023/Moth/notes[1].txt", "2024/list.TXT", "2024/Thumbs.db", ".DS_Store"):
        (folder / name).write_text("x", encoding="utf-8")


def test_a_folder_of_nested_folders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = "data/raw/Team's photos (final) [1]"
    write_photos(Path(path))
    entry, first = written(capsys, path)
    assert first == "# 38 files kept, 5 ignored (1 without content (0 bytes), 1 of rare classes, 1 .txt, 1 .TXT, 1 without ending)"
    assert entry["source"] == {"folder": path, "label": "{folder1}/{folder2}/{file_name}", "ignore": ["*.TXT", "*.txt", "README"]}
    assert entry["target"] == {"column": "folder2", "task": "multiclass"}, "years are no classes"
    assert (entry["rare_classes"], entry["rare_below"], entry["on_bad_sample"]) == ("drop", 3, "quarantine")
    run_stages()
    samples, about = read_described(samples_path(NAME), SamplesMetadata)
    assert len(samples) == 38 and about.target.outputs == ("Moth", "O'Neil", "Ruß café")
    assert read_table(skipped_path(NAME))["sample_id"].to_pylist() == ["2023/Moth/broken.png"]


def write_csv(path: Path) -> None:
    """Sixty rows of twelve mice in latin-1 with semicolons, decimal commas, marks of missing values, gaps and two classes of one row."""
    colours = ["rot", "grün", "blau"]
    rare = {5: "selten", 6: "", 7: "", 8: "rar"}
    with path.open("w", encoding="latin-1", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(["SampleID", "MouseID", "Gewicht", "ok", "Größe", "comment", "colour class", "mixed", "Notiz", "leer"])
        for i in range(60):
            weight = f"{i / 7:.2f}".replace(".", ",") if i % 9 else "n/a"
            comment = f"a longer text über café number {i}" if i % 10 else ""
            mixed = ["1", "2", "x", "y3", "7", "8", "9", "3", "4", "5"][i % 10]
            writer.writerow([f"P{i:03d}", f"M{i % 12}", weight, ["ja", "nein", ""][i % 3], f"größe {i % 4}", comment,
                             rare.get(i, colours[i % 3]), mixed, f"wort{i}", ""])  # fmt: skip


def test_a_csv_in_latin_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(Path("data/raw/mäuse & co.csv"))
    entry, first = written(capsys, "data/raw/mäuse & co.csv")
    assert first == "# 56 rows kept, 4 ignored (2 without a target in 'colour class', 2 of rare classes)"
    assert entry["source"] == {"table": "data/raw/mäuse & co.csv", "delimiter": ";", "encoding": "cp1252", "decimal": ",",
                               "missing": ["n/a"], "types": {"mixed": "text"}}  # fmt: skip
    assert entry["target"] == {"column": "colour class", "task": "multiclass"} and entry["group"] == "MouseID"
    assert (entry["rare_classes"], entry["on_bad_sample"]) == ("drop", "quarantine") and "max_bad_share" not in entry
    assert entry["modalities"] == {"words": {"modality": "text", "column": "comment"},
                                   "facts": {"modality": "table", "columns": ["Gewicht", "ok", "Größe", "mixed"]}}  # fmt: skip
    text = Path(PARAMS).read_text(encoding="utf-8")
    for line in ("SampleID is not used: it is an identifier of the rows", "Notiz is not used: nearly every value differs",
                 "leer is not used: it is empty", "'rar' 1, 'selten' 1", "mixed: read as categories",
                 "6 of 60 rows have none and are kept (`missing_modalities`)"):  # fmt: skip
        assert line in text
    run_stages()
    samples, about = read_described(samples_path(NAME), SamplesMetadata)
    assert samples["words"].null_count == 6 and len(read_table(splits_path(NAME))) == 56 and about.target.outputs == ("blau", "grün", "rot")
    assert str(samples["facts"].type.field("Gewicht").type) == "double"


def write_json_lines(path: Path) -> None:
    """Fifty lines of ten persons; some lack a key, two are of a rare class, and one field is an object."""
    random = np.random.default_rng(2)
    lines = []
    for i in range(50):
        row: dict[str, Any] = {"id": i, "pid": f"p{i % 10}", "embedding": random.normal(size=8).round(3).tolist(),
                               "text": f"the quick brown fox number {i}", "label": "abc"[i % 3] if i < 48 else "rare",
                               "score": None if i % 5 == 0 else i / 3, "meta": {"x": 1}}  # fmt: skip
        row.pop({4: "embedding", 7: "label"}.get(i, ""), None)
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")


def test_json_lines_with_gaps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json_lines(Path("data/raw/answers.jsonl"))
    entry, first = written(capsys, "data/raw/answers.jsonl")
    assert first == "# 47 rows kept, 3 ignored (1 without a target in 'label', 2 of rare classes)"
    assert entry["group"] == "pid" and entry["target"] == {"column": "label", "task": "multiclass"}
    assert {name: part["modality"] for name, part in entry["modalities"].items()} == {"vector": "vector", "words": "text", "facts": "table"}
    text = Path(PARAMS).read_text(encoding="utf-8")
    assert "meta is not used: it holds struct<x: int64>, which no modality reads as it is" in text
    assert "8 numbers in each row, as in an embedding; if they are in order of time: series" in text
    run_stages()
    assert read_table(samples_path(NAME))["vector"].null_count == 1 and len(read_table(splits_path(NAME))) == 47


def of_two(random: np.random.Generator) -> str:
    """Return a CSV of a class of two rows among two others."""
    return "x,kind\n" + "".join(f"{random.normal():.3f},{'ab'[i % 2] if i > 1 else 'c'}\n" for i in range(40))


def of_three_in_two_groups(random: np.random.Generator) -> str:
    """Return a CSV of a class of three rows that two of six patients have."""
    return "x,kind,patient\n" + "".join(
        f"{random.normal():.3f},{'ab'[i % 2] if i > 2 else 'c'},{min(i, 1) if i < 3 else i % 6}\n" for i in range(48))  # fmt: skip


def of_rare_labels(random: np.random.Generator) -> str:
    """Return a CSV of labels, of which one occurs once."""
    return "x,tags\n" + "".join(f"{random.normal():.3f},{('p', 'p;q', 'q;r', 'r')[i % 4] + (';z' if i == 9 else '')}\n" for i in range(40))


RARE: dict[str, tuple[Callable[[np.random.Generator], str], list[str], dict[str, Any], int]] = {
    "classes": (of_two, ["--target", "kind"], {"rare_classes": "drop", "rare_below": 3, "task": "binary"}, 38),
    "groups": (of_three_in_two_groups, ["--target", "kind"], {"rare_classes": "drop", "rare_below": 4, "task": "binary"}, 45),
    "labels": (of_rare_labels, ["--target", "tags"], {"rare_classes": "drop", "rare_below": 3, "task": "multilabel"}, 40),
}


@pytest.mark.parametrize("what", RARE)
def test_rare_classes_are_left_out_where_folds_need_it(folder: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    make, options, expected, n_rows = RARE[what]
    Path("data/raw/t.csv").write_text(make(np.random.default_rng(5)), encoding="utf-8")
    entry, first = written(capsys, "data/raw/t.csv", *options)
    assert first.startswith(f"# {n_rows} rows kept, ")
    assert {key: entry.get(key, entry["target"].get(key)) for key in expected} == expected
    run_stages()
    assert len(read_table(splits_path(NAME))) == n_rows


def test_without_rare_classes_nothing_is_said_of_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data/raw/t.csv").write_text("x,kind\n" + "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(40)), encoding="utf-8")
    entry, first = written(capsys, "data/raw/t.csv")
    assert first == "# 40 rows kept, 0 ignored" and not {"rare_classes", "on_bad_sample"} & set(entry)
    run_stages()
