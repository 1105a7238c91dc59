"""`python -m pipelines.new` on data of which some samples lack a modality: what it proposes, and that ingest reads it."""

import csv
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import ingested
from ruamel.yaml import YAML
from toy_columns import png

from pipelines.new import main
from stages.foundation.params_file import PARAMS
from stages.own_data.guess_missing import FEWEST_SAMPLES, Gaps

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / PARAMS).write_text((ROOT / PARAMS).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    """Return the entry that is proposed, and all that is printed."""
    assert main(["mine", *arguments]) == 0
    text = capsys.readouterr().out
    entry: dict[str, Any] = YAML(typ="safe").load(text.split("\n\n")[0])["datasets"]["mine"]
    return entry, text


def put(name: str, raw: bytes) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(raw)


def picture(row: int) -> bytes:
    return png(np.random.default_rng(row).integers(0, 256, (5, 4, 3), dtype=np.uint8))


def write_rows(path: str, rows: Sequence[dict[str, Any]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# ---------------------------------------------------------------- in columns
def names_of_sounds(row: int, *, has: bool) -> dict[str, Any]:
    if has:
        put(f"snd/{row}.wav", b"RIFF %d" % row)
    return {"sound": f"snd/{row}.wav"}


def cells_of_sounds(row: int, *, has: bool) -> dict[str, Any]:
    return names_of_sounds(row, has=has) if has else {"sound": ""}


def texts(row: int, *, has: bool) -> dict[str, Any]:
    return {"words": f"these are the words of sample {row}" if has else "  "}


@pytest.mark.parametrize(("cells", "name", "kind"), [
    (names_of_sounds, "sound", "audio"), (cells_of_sounds, "sound", "audio"), (texts, "words", "text"),
])  # fmt: skip
@pytest.mark.parametrize(("n_have", "is_used"), [(60, True), (45, True), (20, True), (19, False), (3, False)])
def test_a_column_that_some_rows_lack_is_proposed_unless_too_few_have_it(
    cells: Callable[..., dict[str, Any]], name: str, kind: str, n_have: int, is_used: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows("t.csv", [{"kind": "abc"[row % 3], "size": row % 7 + row / 60, **cells(row, has=row < n_have)} for row in range(60)])
    entry, text = said(capsys, "t.csv", "--target", "kind")
    assert text.startswith("# 60 rows kept, 0 ignored\n") and not {"on_bad_sample", "missing_modalities"} & set(entry)
    facts = {"facts": {"modality": "table", "columns": ["size"]}}
    assert entry["modalities"] == ({name: {"modality": kind, "column": name}} if is_used else {}) | facts
    assert (f"{60 - n_have} of 60 rows have none and are kept (`missing_modalities`)" in text) is (is_used and n_have < 60)
    assert (f"# {name} is not used: {n_have} of 60 rows have {kind} in it" in text) is not is_used
    if is_used:
        samples, _ = ingested(entry)
        assert [row for row, value in enumerate(samples[name].to_pylist()) if value is None] == list(range(n_have, 60))


@pytest.mark.parametrize(("n", "n_have", "are_too_many"), [
    (785, 131, False), (785, 79, False), (785, 78, True), (60, 20, False), (60, 19, True), (9, 5, False), (9, 4, True), (9, 9, False),
    (3, 3, False), (100_000, 9_999, True), (100_000, 10_000, False),
])  # fmt: skip
def test_too_few_are_a_tenth_of_the_rows_or_what_folds_need(n: int, n_have: int, are_too_many: bool) -> None:
    absent = np.arange(n) >= n_have
    gaps = Gaps(absent, np.zeros(n, dtype=bool))
    assert gaps.are_too_many is are_too_many and gaps.n_have == n_have and FEWEST_SAMPLES == 20


def test_rows_without_any_modality_are_left_out_and_files_that_cannot_be_read_too(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(60):
        put(f"img/{row}.png", picture(row))
        put(f"snd/{row}.wav", b"RIFF %d" % row)
    for name in ("img/3.png", "snd/3.wav", "img/4.png"):
        Path(name).unlink()
    put("snd/5.wav", b"")
    write_rows("t.csv", [{"kind": "abc"[row % 3] if row != 6 else "", "photo": f"img/{row}.png", "sound": f"snd/{row}.wav"}
                         for row in range(60)])  # fmt: skip
    entry, text = said(capsys, "t.csv", "--target", "kind")
    reasons = "1 without a target in 'kind', 1 with a sound that cannot be read, 1 without photo and sound"
    assert text.startswith(f"# 57 rows kept, 3 ignored ({reasons})\n") and entry["on_bad_sample"] == "quarantine"
    assert f"3 of 60 rows cannot be used: {reasons}" in text
    samples, _ = ingested(entry)
    assert sorted({f"{row:04d}" for row in range(1, 61)} - set(samples["sample_id"].to_pylist())) == ["0004", "0006", "0007"]
    assert samples["photo"].null_count == 1 and samples["sound"].null_count == 0


# ---------------------------------------------------------------- files that a column names in part
def write_touch(
    folder: str, n: int = 90, every: int = 3, name: str = "{}", kind: Callable[[int], str] = lambda row: "abc"[row % 7 % 3]
) -> None:
    """Write n pictures, a sound for one of `every`, and a table with a row for each."""
    for row in range(n):
        put(f"{folder}/image/{name.format(row)}.png", picture(row))
        if row % every == 0:
            put(f"{folder}/sound/{name.format(row)}.wav", b"RIFF %d" % row)
    write_rows(f"{folder}/index.csv", [{"id": row, "kind": kind(row)} for row in range(n)])


@pytest.mark.parametrize("path", ["data/raw/touch/index.csv", "data/raw/touch"])
@pytest.mark.parametrize("name", ["{}", "no_{}", "{}-a"])
def test_files_next_to_a_table_that_a_column_names_are_proposed(path: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_touch("data/raw/touch", name=name)
    entry, text = said(capsys, path, "--target", "kind")
    assert entry["source"] == {"table": "data/raw/touch/index.csv"} and text.startswith("# 90 rows kept, 0 ignored\n")
    assert entry["modalities"] == {"photo": {"modality": "image", "files": f"image/{name.format('{id}')}.png"},
                                   "sound": {"modality": "audio", "files": f"sound/{name.format('{id}')}.wav"}}  # fmt: skip
    assert "60 of 90 rows have none and are kept (`missing_modalities`)" in text and "id is not used" not in text
    samples, _ = ingested(entry)
    assert samples["photo"].to_pylist() == [picture(row) for row in range(90)]
    assert samples["sound"].to_pylist() == [b"RIFF %d" % row if row % 3 == 0 else None for row in range(90)]


def test_of_785_pictures_and_131_sounds_both_are_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    write_touch("raw", 785, 6)
    entry, text = said(capsys, "raw")
    assert {part["files"] for part in entry["modalities"].values()} == {"image/{id}.png", "sound/{id}.wav"}
    assert "131 of 131 files there are named by 'id'; 654 of 785 rows have none and are kept" in text


def test_files_that_few_rows_have_are_noted_and_files_of_no_row_are_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    write_touch("raw", 90, 9)  # ten sounds
    for row in range(50):
        put(f"raw/other/x{row}.png", picture(row))
    entry, text = said(capsys, "raw")
    assert list(entry["modalities"]) == ["photo"] and "# sound/{id}.wav is not used: 10 of 90 rows have such a file" in text
    assert "other" not in text


def test_a_table_in_a_folder_that_names_none_of_its_files_is_not_the_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(30):
        put(f"raw/{'ab'[row % 2]}/{row}.png", picture(row))
    write_rows("raw/about.csv", [{"camera": f"c{row}", "kind": "ab"[row % 2]} for row in range(10)])
    entry, _ = said(capsys, "raw")
    assert entry["source"] == {"folder": "raw", "label": "folder", "ignore": ["*.csv"]}


# ---------------------------------------------------------------- a folder without a table
LAYOUTS = {  # of the pictures, and of the sounds · the label that is proposed, and the pattern
    "folders of kinds of files": ("image/{k}_{n}.png", "sound/{k}_{n}.wav", "{part1}/{part2}_{index}.png", "sound/{part2}_{index}.wav"),
    "one folder": ("all/{k}_{n}.png", "all/{k}_{n}.wav", "{part1}/{part2}_{index}.png", "{part1}/{part2}_{index}.wav"),
    "folders of classes": ("{k}/{n}.png", "{k}/{n}.wav", "{folder}/{file_name}.png", "{folder}/{file_name}.wav"),
    "both": ("image/{k}/{n}.png", "sound/{k}/{n}.wav", "{folder1}/{folder2}/{file_name}.png", "sound/{folder2}/{file_name}.wav"),
    "other way round": ("{k}/image/{n}.png", "{k}/sound/{n}.wav", "{folder1}/{folder2}/{file_name}.png", "{folder1}/sound/{file_name}.wav"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_of_the_same_names_in_a_folder_are_proposed(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    photo, sound, label, pattern = LAYOUTS[layout]
    for row in range(90):
        put("raw/" + photo.format(k="abc"[row % 3], n=row), picture(row))
        if row % 4 == 0:
            put("raw/" + sound.format(k="abc"[row % 3], n=row), b"RIFF %d" % row)
    put("raw/" + sound.format(k="a", n=1000), b"RIFF of no picture")
    entry, text = said(capsys, "raw")
    assert text.startswith("# 90 files kept, 1 ignored (1 .wav)\n")
    assert entry["source"] == {"folder": "raw", "label": label, "ignore": ["*.wav"]}
    assert entry["modalities"] == {"photo": {"modality": "image"}, "sound": {"modality": "audio", "files": pattern}}
    assert "23 files of the samples' names; 1 more are of no sample and are ignored" in text
    assert "67 of 90 samples have none and are kept (`missing_modalities`)" in text
    samples, about = ingested(entry)
    assert about["target"]["outputs"] == ["a", "b", "c"] and samples["photo"].null_count == 0
    sounds = {value for value in samples["sound"].to_pylist() if value is not None}
    assert sounds == {b"RIFF %d" % row for row in range(0, 90, 4)} and samples["sound"].null_count == 67


def test_a_declared_label_has_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(40):
        put(f"raw/image/{'ab'[row % 2]}-{row}.png", picture(row))
        if row < 25:
            put(f"raw/sound/{'ab'[row % 2]}-{row}.wav", b"RIFF %d" % row)
    entry, _ = said(capsys, "raw", "--label", "image/{kind}-{n}.png", "--target", "kind")
    assert entry["source"]["label"] == "image/{kind}-{n}.png"
    assert entry["modalities"]["sound"] == {"modality": "audio", "files": "sound/{kind}-{n}.wav"}
    assert ingested(entry)[0]["sound"].null_count == 15


def test_few_files_of_the_same_names_are_noted_and_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(90):
        put(f"raw/{'ab'[row % 2]}/{row}.png", picture(row))
        if row < 8:
            put(f"raw/{'ab'[row % 2]}/{row}.wav", b"RIFF")
    entry, text = said(capsys, "raw")
    assert entry["source"] == {"folder": "raw", "label": "folder", "ignore": ["*.wav"]} and list(entry["modalities"]) == ["photo"]
    assert "# {folder}/{file_name}.wav is not used: 8 of 90 samples have such a file" in text
    assert text.startswith("# 90 files kept, 8 ignored (8 .wav)\n")


def test_an_empty_file_of_a_sample_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(60):
        put(f"raw/{'ab'[row % 2]}/{row}.png", picture(row))
        put(f"raw/{'ab'[row % 2]}/{row}.wav", b"RIFF" if row != 7 else b"")
    entry, text = said(capsys, "raw")
    assert text.startswith("# 59 files kept, 1 ignored (1 with a sound that cannot be read)\n")
    assert entry["on_bad_sample"] == "quarantine" and len(ingested(entry)[0]) == 59


# ---------------------------------------------------------------- classes of those that have it
@pytest.mark.parametrize("path", ["raw/index.csv", "raw"])
def test_sounds_of_one_class_are_noted_as_no_fold_could_train_on_them(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_touch("raw", 120, 3, kind=lambda row: "abc"[row % 3])  # 40 sounds, all of class a
    entry, text = said(capsys, path)
    assert entry["modalities"] == {"photo": {"modality": "image", "files": "image/{id}.png"}}
    assert "# sound is not used: 40 of 120 have it, and only 'a' of the classes is in 3 groups of these; folds need 2 such classes" in text


def test_sounds_of_one_class_in_a_folder_are_noted_too(capsys: pytest.CaptureFixture[str]) -> None:
    for row in range(90):
        put(f"raw/{'abc'[row % 3]}/{row}.png", picture(row))
        if row % 3 == 0 or row < 6:  # of the other classes two each
            put(f"raw/{'abc'[row % 3]}/{row}.wav", b"RIFF")
    entry, text = said(capsys, "raw")
    assert entry["source"] == {"folder": "raw", "label": "folder", "ignore": ["*.wav"]} and list(entry["modalities"]) == ["photo"]
    assert "# {folder}/{file_name}.wav is not used: 34 of 90 have it, and only 'a' of the classes is in 3 groups of these" in text


def test_a_modality_that_no_row_lacks_is_not_asked_for_its_classes() -> None:
    gaps = Gaps(np.zeros(6, dtype=bool), np.zeros(6, dtype=bool))
    assert gaps.lack_of_classes([["a"]] * 6, None, 2) == ""
    gaps = Gaps(np.arange(9) == 8, np.zeros(9, dtype=bool))
    labels = [["ab"[row % 2]] for row in range(9)]
    assert gaps.lack_of_classes(labels, None, 2) == ""
    in_two_groups = gaps.lack_of_classes(labels, ["x", "x", "y", "y", "z", "z", "z", "y", "z"], 2)
    assert in_two_groups == "", "each class is in x, y and z"
    in_two = gaps.lack_of_classes(labels, ["x", "x", "y", "y"] * 2 + ["z"], 2)
    assert in_two == "8 of 9 have it, and no class is in 3 groups of these; folds need 2 such classes"


# ---------------------------------------------------------------- other forms of tables
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SHARED = {"kind": ["ab"[row % 2] for row in range(60)], "size": [row % 7 + row / 60 for row in range(60)]}


def gappy(value: Callable[[int], Any], *nothing: Any) -> list[Any]:
    """Return sixty values; every fourth one is one of those that stand for none."""
    return [nothing[row // 4 % len(nothing)] if row % 4 == 0 else value(row) for row in range(60)]


CELLS: dict[str, Callable[[], pa.Array]] = {
    "bytes": lambda: pa.array(gappy(picture, None), pa.binary()),
    "structs": lambda: pa.array(gappy(lambda row: {"bytes": picture(row), "path": None}, None, {"bytes": None, "path": ""}), STRUCT),
    "lists of bytes": lambda: pa.array(gappy(lambda row: [picture(row)] * 2, None, []), pa.list_(pa.binary())),
    "vectors": lambda: pa.array(gappy(lambda row: [row / 7, 1.0], None, []), pa.list_(pa.float64())),
    "series": lambda: pa.array(gappy(lambda row: [[row / 7, 1.0]] * 3, None, []), pa.list_(pa.list_(pa.float64()))),
}


@pytest.mark.parametrize("what", CELLS)
def test_cells_that_are_null_or_empty_lists_are_counted(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    pq.write_table(pa.table({**SHARED, "it": CELLS[what]()}), "t.parquet")
    entry, text = said(capsys, "t.parquet", "--target", "kind")
    assert text.startswith("# 60 rows kept, 0 ignored\n") and "15 of 60 rows have none and are kept (`missing_modalities`)" in text
    (name,) = set(entry["modalities"]) - {"facts"}
    samples, _ = ingested(entry)
    assert [row for row, value in enumerate(samples[name].to_pylist()) if value is None] == list(range(0, 60, 4))


def test_shards_whose_keys_lack_a_file_are_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open("t.tar", "w") as archive:
        for row in range(60):
            members = {"cls": b"ab"[row % 2 : row % 2 + 1], "png": picture(row)} | ({"wav": b"RIFF %d" % row} if row % 4 else {})
            for field, content in members.items():
                member = tarfile.TarInfo(f"{row:04d}.{field}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    entry, text = said(capsys, "t.tar")
    assert {part["column"] for part in entry["modalities"].values()} == {"png", "wav"}
    assert "15 of 60 rows have none and are kept (`missing_modalities`)" in text
    assert ingested(entry)[0]["sound"].null_count == 15
