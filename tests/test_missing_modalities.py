"""Samples that lack a modality: every way to lack it, what becomes of them, and what is said."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from absences import (
    CASES,
    HAVE,
    IDS,
    IMAGE,
    KINDS,
    LACKING,
    LISTS,
    NAMES,
    NOTES,
    RAW,
    VECTORS,
    Case,
    csv_of,
    entry,
    lines_of,
    parquet_of,
    write_files,
    write_lists,
)
from own_entries import ingested, parsed

from stages.contracts.paths import quarantine_path
from stages.foundation.errors import InputError
from stages.foundation.tables import read_table
from stages.own_data.absent import AbsentError
from stages.own_data.advice_on_missing import advice_on_missing
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.paths_inside import resolve_inside
from stages.own_data.roles import open_source


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def known(value: Any) -> Any:
    """Return a graph without the fields that it has not."""
    return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) and "n_nodes" in value else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_sample_without_a_modality_is_kept_with_a_null(case: Callable[[], Case], capsys: pytest.CaptureFixture[str]) -> None:
    entry, values, _ = case()
    table, about = ingested(entry)
    assert table["sample_id"].to_pylist() == IDS and table["note"].to_pylist() == NOTES
    assert [known(value) for value in table["it"].to_pylist()] == values
    assert about["rows"] == {"used": 6, "available": 6} and read_table(quarantine_path("mine")).num_rows == 0
    assert "mine: it: 2 of 6 samples have none (" in (out := capsys.readouterr().out) and "mine: note" not in out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_sample_without_a_modality_is_skipped_where_that_is_declared(
    case: Callable[[], Case], capsys: pytest.CaptureFixture[str]
) -> None:
    entry, values, reason = case()
    table, about = ingested({**entry, "missing_modalities": "quarantine", "max_bad_share": 2 / 6})
    assert "mine: 2 of 6 samples lack a modality and are skipped (missing_modalities: quarantine)\n  sample 's1'" in capsys.readouterr().out
    assert table["sample_id"].to_pylist() == [IDS[row] for row in HAVE] and about["rows"]["used"] == 6
    assert [known(value) for value in table["it"].to_pylist()] == [values[row] for row in HAVE]
    bad = read_table(quarantine_path("mine"))
    assert re.search(reason, bad["reason"][0].as_py())
    assert bad["sample_id"].to_pylist() == [IDS[row] for row in LACKING]
    assert all(text.startswith("it has no it (it: ") and text.endswith("; `missing_modalities: quarantine`")
               for text in bad["reason"].to_pylist())  # fmt: skip
    with pytest.raises(InputError, match=r"2 of 6 samples cannot be read, which is 33\.3%, above max_bad_share 20\.0%"):
        ingested({**entry, "missing_modalities": "quarantine", "max_bad_share": 0.2})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_sample_without_a_modality_is_refused_where_that_is_declared(case: Callable[[], Case]) -> None:
    entry, _, reason = case()
    message = (r"(?s)^mine: 2 of 6 samples lack a modality; fill in what is missing, or keep them with `missing_modalities: keep` under "
               rf"datasets\.mine in params\.yaml\n  sample 's1': it has no it \(it: .*{reason}.*`missing_modalities: fail`")
    for bad_sample in ("fail", "quarantine"):
        with pytest.raises(InputError, match=message) as caught:
            ingested({**entry, "missing_modalities": "fail", "on_bad_sample": bad_sample, "max_bad_share": 0.9})
        assert str(caught.value).count("\n") == 2 and not Path("data/samples/mine/samples.arrow").exists()


# ---------------------------------------------------------------- what is there and cannot be read is not absent
def no_bytes() -> dict[str, Any]:
    names = write_files()
    Path(names[1]).write_bytes(b"")
    return csv_of(IMAGE, it=names)


def linked(target: str, name: str = "p/1.png") -> Callable[[], dict[str, Any]]:
    """Return a data set whose second sample's file is, or is in, a link."""

    def made() -> dict[str, Any]:
        names = write_files()
        Path(names[1]).unlink()
        place = Path("link" if name.startswith("link") else name)
        place.symlink_to(target)
        return csv_of(IMAGE, it=[name if row == 1 else one for row, one in enumerate(names)])

    return made


def named(name: str) -> Callable[[], dict[str, Any]]:
    return lambda: csv_of(IMAGE, it=[name if row == 1 else one for row, one in enumerate(write_files())])


def other_case_in_an_archive() -> dict[str, Any]:
    with zipfile.ZipFile("t.zip", "w") as archive:
        for row, name in enumerate(IDS):
            archive.writestr(f"n/{name}_{KINDS[row]}.txt", NOTES[row])
            archive.writestr(f"p/{name}.{'PNG' if row == 1 else 'png'}", RAW[row])
    case = entry({"modality": "image", "files": "p/{name}.png"}, {"folder": "t.zip", "label": "n/{name}_{kind}.txt", "ignore": ["p/*"]})
    case["modalities"]["note"] = {"modality": "text"}
    return case


def one_of_two_files() -> dict[str, Any]:
    write_lists(range(6))
    Path("p/1_2.png").unlink()
    return csv_of(IMAGE | {"separator": ";"}, it=[";".join(names) for names in NAMES])


def one_null_of_two() -> dict[str, Any]:
    return parquet_of(IMAGE, it=pa.array([[RAW[1], None] if row == 1 else files for row, files in enumerate(LISTS)], pa.list_(pa.binary())))


def two_names_in_a_cell() -> dict[str, Any]:
    return csv_of(IMAGE, it=["p/1.png;p/2.png" if row == 1 else one for row, one in enumerate(write_files())])


def one_empty_column() -> dict[str, Any]:
    return csv_of({"modality": "vector", "columns": "v*"}, v1=[*VECTORS[:1, 0], "", *VECTORS[2:, 0]], v2=VECTORS[:, 1])


def hidden_in_an_archive() -> dict[str, Any]:
    with zipfile.ZipFile("t.zip", "w") as archive:
        for row, name in enumerate(IDS):
            archive.writestr(f"n/{name}_{KINDS[row]}_{'.x' if row == 1 else 'x'}.txt", NOTES[row])
            archive.writestr(f"p/x/{name}.png", RAW[row])
    case = entry({"modality": "image", "files": "p/{hide}/{name}.png"},
                 {"folder": "t.zip", "label": "n/{name}_{kind}_{hide}.txt", "ignore": ["*.png"]})  # fmt: skip
    case["modalities"]["note"] = {"modality": "text"}
    return case


def of_two_widths() -> dict[str, Any]:
    vectors = VECTORS.tolist()
    vectors[1] = [1.0, 2.0, 3.0]
    return lines_of({"modality": "vector", "column": "it"}, vectors)


UNREADABLE: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "no bytes": (no_bytes, "the file is empty"),
    "link to nothing": (linked("gone.png"), "p/1.png is a link to a file that is not there"),
    "link to a folder that is not there": (linked("gone", "link/1.png"), "link is a link to a file that is not there"),
    "link outside": (linked("/etc/hostname"), "a link that leads outside"),
    "nothing in a linked folder outside": (linked("/etc", "link/no-such-picture.png"), "a link that leads outside"),
    "link to itself": (linked("1.png"), "circular links"),
    "up": (named("../gone.png"), "'..' leaves the source's folder"),
    "absolute": (named("/gone.png"), "an absolute path"),
    "a folder": (named("p"), "is a folder, not a file"),
    "a file as a folder": (named("p/0.png/1.png"), "a folder in the path is a file"),
    "backslash": (named("p\\1.png"), r"folders in a path are separated by /, not by \\"),
    "other case": (named("P/1.PNG"), "P/1.PNG: no such file, but there is p/1.png; write the name in the same case"),
    "other case in an archive": (other_case_in_an_archive, "p/s1.png: no such file in the archive, but there is p/s1.PNG"),
    "name too long": (named("x" * 5000), "the name is too long"),
    "one of two files": (one_of_two_files, "p/1_2.png: no such file"),
    "one null of two": (one_null_of_two, r"one of its files is missing \(null\)"),
    "two names in a cell": (two_names_in_a_cell, "declare the mark between them"),
    "one empty column": (one_empty_column, "column 'v1' is missing; a vector needs a number"),
    "hidden in an archive": (hidden_in_an_archive, "of a name that no sample has"),
    "another length": (of_two_widths, "3 numbers, other samples have 2 numbers"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_there_and_cannot_be_read_is_a_bad_sample_whatever_is_missing(what: str) -> None:
    make, reason = UNREADABLE[what]
    mine = make()
    for missing in ("keep", "quarantine", "fail"):
        with pytest.raises(InputError, match=f"(?s)^mine: 1 of 6 samples cannot be read; .*sample 's1': .*{reason}"):
            ingested({**mine, "missing_modalities": missing})
    table, _ = ingested({**mine, "on_bad_sample": "quarantine", "max_bad_share": 0.2})
    assert table["sample_id"].to_pylist() == [name for name in IDS if name != "s1"] and table["it"].null_count == 0


@pytest.mark.parametrize("name", ["x.png", "p/x.png", "q/x.png", "q/r/x.png"])
def test_only_what_is_not_there_is_absent(name: str, folder: Path) -> None:
    Path("p").mkdir()
    with pytest.raises(AbsentError, match="no such file in the source's folder") as caught:
        resolve_inside(folder, name)
    assert caught.value.looked_for == name


# ---------------------------------------------------------------- together
def pictures_and_notes(pictures: str, notes: str, **more: Any) -> dict[str, Any]:
    """Return a data set of six samples: of each one mark, + for a picture or note, - for none, ! for an empty file."""
    names = write_files("p/{}.png", [row for row, mark in enumerate(pictures) if mark != "-"])
    for row, mark in enumerate(pictures):
        if mark == "!":
            Path(names[row]).write_bytes(b"")
    words = [f"word {row}" if mark == "+" else "" for row, mark in enumerate(notes)]
    mine = csv_of({"modality": "image", "column": "it"}, it=names, words=words)
    mine["modalities"]["note"]["column"] = "words"
    return {**mine, **more}


def test_a_sample_without_any_modality_cannot_be_read() -> None:
    with pytest.raises(InputError) as caught:
        ingested(pictures_and_notes("++-+-+", "+--+++"))
    assert str(caught.value).splitlines()[1:] == [
        "  sample 's2': it: p/2.png: no such file in the source's folder; note: column 'words' is empty, line 4 of t.csv; it has none of "
        "the modalities it, note"
    ]
    table, _ = ingested(pictures_and_notes("++-+-+", "+--+++", on_bad_sample="quarantine", max_bad_share=0.2))
    assert table["sample_id"].to_pylist() == ["s0", "s1", "s3", "s4", "s5"]
    assert table["it"].to_pylist() == [RAW[0], RAW[1], RAW[3], None, RAW[5]]
    assert table["note"].to_pylist() == ["word 0", None, "word 3", "word 4", "word 5"]


def test_a_table_is_lacked_by_no_sample() -> None:
    mine = pictures_and_notes("++-+-+", "++++++")
    mine["modalities"]["note"] = {"modality": "table", "columns": ["words"]}
    table, _ = ingested(mine)
    assert table["it"].null_count == 2 and table["note"].to_pylist() == [{"words": f"word {row}"} for row in range(6)]
    mine = pictures_and_notes("++-+-+", "-+-+++")
    mine["modalities"]["note"] = {"modality": "table", "columns": ["words"]}
    table, _ = ingested(mine)
    assert table["note"].null_count == 0 and table["note"][2].as_py() == {"words": None} and table["it"][2].as_py() is None


@pytest.mark.parametrize(("on_bad", "missing", "kept", "skipped"), [
    ("quarantine", "keep", ["s0", "s1", "s3", "s5"], ["s2", "s4"]),
    ("quarantine", "quarantine", ["s0", "s5"], ["s1", "s2", "s3", "s4"]),
])  # fmt: skip
def test_policies_of_bad_and_of_incomplete_samples(on_bad: str, missing: str, kept: list[str], skipped: list[str]) -> None:
    mine = pictures_and_notes("+-!--+", "++++-+", on_bad_sample=on_bad, missing_modalities=missing, max_bad_share=0.7)
    table, _ = ingested(mine)
    assert table["sample_id"].to_pylist() == kept and read_table(quarantine_path("mine"))["sample_id"].to_pylist() == skipped


def test_incomplete_samples_may_be_skipped_while_bad_ones_stop_the_run() -> None:
    mine = pictures_and_notes("+-+--+", "++++++", missing_modalities="quarantine", max_bad_share=0.5)
    assert ingested(mine)[0]["sample_id"].to_pylist() == ["s0", "s2", "s5"]
    (Path("p") / "5.png").write_bytes(b"")
    message = r"^mine: 1 of 6 samples cannot be read; fix them.*\n  sample 's5': p/5\.png: the file is empty[^\n]*$"
    with pytest.raises(InputError, match=message):
        ingested(mine)


def test_skipped_samples_of_both_kinds_count_together() -> None:
    mine = pictures_and_notes("+-!+++", "++++++", on_bad_sample="quarantine", missing_modalities="quarantine", max_bad_share=0.2)
    with pytest.raises(InputError, match="2 of 6 samples cannot be read, which is 33"):
        ingested(mine)


# ---------------------------------------------------------------- a modality that no sample has
NOBODY: list[tuple[dict[str, Any], str]] = [
    ({"modality": "image", "files": "q/{name}.png"},
     r"modalities\.it\.files: no sample has 'it', the first that was looked for is sample 's0': q/s0\.png: no such file in the source's "
     "folder; fix the key or the files, or remove the modality"),
    ({"modality": "image", "files": "q/{name}_*.png"}, r"modalities\.it\.files: no sample .* q/s0_\*\.png: no file of the source's folder"),
    ({"modality": "image", "column": "it"}, r"modalities\.it\.column: no sample .* no file is named \('it' is empty\), line 2 of t\.csv"),
    ({"modality": "text", "column": "it"}, r"modalities\.it\.column: no sample has 'it', .* column 'it' is empty, line 2 of t\.csv"),
    ({"modality": "vector", "columns": ["it", "other"]}, r"modalities\.it\.columns: no sample has 'it', .* its 2 columns are empty"),
]  # fmt: skip


@pytest.mark.parametrize("missing", ["keep", "quarantine", "fail"])
@pytest.mark.parametrize("on_bad", ["fail", "quarantine"])
@pytest.mark.parametrize(("part", "message"), NOBODY)
def test_a_modality_that_no_sample_has_is_one_error(part: dict[str, Any], message: str, on_bad: str, missing: str) -> None:
    mine = {**csv_of(part, it=[""] * 6, other=[""] * 6), "missing_modalities": missing, "on_bad_sample": on_bad, "max_bad_share": 0.9}
    with pytest.raises(InputError, match=rf"^params\.yaml: datasets\.mine\.{message}[^\n]*$"):
        ingested(mine)
    del mine["modalities"]["note"]
    with pytest.raises(InputError, match=rf"^params\.yaml: datasets\.mine\.{message}[^\n]*$"):
        ingested(mine)


def test_a_modality_that_no_sample_has_is_said_with_all_else() -> None:
    mine = pictures_and_notes("------", "+-++++")
    Path("p").mkdir()
    Path("p/3.png").symlink_to("/etc/hostname")
    with pytest.raises(InputError) as caught:
        ingested(mine)
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 obstacles in data set 'mine'" and "no sample has 'it'" in lines[1]
    assert lines[2].startswith("  mine: 1 of 6 samples cannot be read; fix them") and "'s3': p/3.png: a link that leads" in lines[3]
    assert len(lines) == 4


# ---------------------------------------------------------------- what is said
def many(have: Callable[[int], bool], n: int = 60) -> dict[str, Any]:
    Path("p").mkdir(exist_ok=True)
    for row in range(n):
        if have(row):
            Path(f"p/{row}.png").write_bytes(b"x")
    rows = [f"{row},{'ab'[row % 2]},note {row}" for row in range(n)]
    Path("t.csv").write_text("\n".join(["nr,kind,note", *rows]) + "\n", encoding="utf-8")
    mine = entry({"modality": "image", "files": "p/{nr}.png"}, {"table": "t.csv"})
    del mine["id"]
    return mine


KEPT = "; they are kept: `missing_modalities`"
LINES = [
    (lambda row: row % 3 == 0, f"it: 40 of 60 samples have none (no file p/1.png, p/2.png, p/4.png, …){KEPT}"),
    (lambda row: row != 7, f"it: 1 of 60 samples has none (no file p/7.png){KEPT}"),
    (lambda row: row < 6, f"it: 54 of 60 samples have none (no file p/6.png, p/7.png, p/8.png, …){KEPT}"),
    (lambda row: row < 5, f"it: 55 of 60 samples have none (no file p/5.png, p/6.png, p/7.png, …){KEPT}. Only 5 have it, 8.3%, which is "
                          "few: is params.yaml: datasets.mine.modalities.it.files right?"),
]  # fmt: skip


@pytest.mark.parametrize(("have", "line"), LINES)
def test_ingest_and_check_say_how_many_lack_it(have: Callable[[int], bool], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    mine = many(have)
    ingested(mine)
    assert f"mine: {line}\n" in capsys.readouterr().out
    read = parsed(mine)
    assert advice_on_missing("mine", read, open_source("mine", read)) == [f"note: datasets.mine.modalities.{line}"]


def test_files_that_are_not_there_and_cells_that_name_none_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    names = write_files()
    Path(names[2]).unlink()
    ingested(csv_of(IMAGE, it=["" if row in LACKING else name for row, name in enumerate(names)]))
    assert "it: 3 of 6 samples have none (no file p/2.png; nothing given for 2 of them: s1, s4); they" in capsys.readouterr().out


@pytest.mark.parametrize(("missing", "said"), [("quarantine", "they will be skipped"), ("fail", "ingest will refuse them")])
def test_the_check_says_what_becomes_of_them(missing: str, said: str) -> None:
    read = parsed(many(lambda row: row % 3 == 0) | {"missing_modalities": missing})
    (line,) = advice_on_missing("mine", read, open_source("mine", read))
    assert f"{said} (`missing_modalities: {missing}`)" in line


def test_nothing_is_said_where_nothing_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    mine = many(lambda row: True)
    ingested(mine)
    assert "have none" not in capsys.readouterr().out
    read = parsed(mine)
    assert advice_on_missing("mine", read, open_source("mine", read)) == []


# ---------------------------------------------------------------- facts
def test_where_a_file_was_looked_for_is_in_source() -> None:
    sources = {case.__name__: ingested(case()[0])[0]["source"][1].as_py()["it"] for case in CASES
               if case.__name__ in ("empty_cell", "no_such_file", "pattern", "no_file_fits", "none_of_the_files")}  # fmt: skip
    assert sources == {"empty_cell": "line 3 of t.csv", "no_such_file": "p/1.png", "pattern": "p/s1.png", "no_file_fits": "p/1_*.png",
                       "none_of_the_files": "p/1_1.png and 1 more"}  # fmt: skip


@pytest.mark.parametrize("pattern", ["p/{nr}.png", "p/{nr}.p*g"])
def test_a_file_that_appears_later_changes_the_fingerprint(pattern: str) -> None:
    mine = many(lambda row: row != 7)
    mine["modalities"]["it"]["files"] = pattern
    before = fingerprint_of("mine", parsed(mine))
    assert before["n_files"] == 60  # the table, and 59 pictures
    Path("p/7.png").write_bytes(b"x")
    after = fingerprint_of("mine", parsed(mine))
    assert after["digest"] != before["digest"] and after["n_files"] == 61


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Which samples are kept, their values and what is said of the others are those of the same rows in any order."""
    random = np.random.default_rng(seed)
    has_it, has_note = random.random(40) < 0.6, random.random(40) < 0.6
    Path("p").mkdir()
    for row in np.flatnonzero(has_it):
        Path(f"p/{row}.png").write_bytes(b"picture %d" % row)
    values = [VECTORS[row % 6].tolist() if has_note[row] else None for row in range(40)]
    table = pa.table({"name": [f"s{row}" for row in range(40)], "kind": ["ab"[row % 2] for row in range(40)], "note": values,
                      "it": [f"p/{row}.png" for row in range(40)]})  # fmt: skip
    mine = entry(IMAGE, {"table": "t.parquet"}, on_bad_sample="quarantine", max_bad_share=0.5)
    mine["modalities"]["note"]["modality"] = "vector"
    found = []
    for order in (np.arange(40), np.argsort(has_note, kind="stable"), random.permutation(40)):  # without a vector first
        pq.write_table(table.take(pa.array(order)), "t.parquet")
        samples, _ = ingested(mine)
        bad = read_table(quarantine_path("mine"))
        by_name = samples.sort_by("sample_id").drop_columns("source").to_pylist()
        found.append((by_name, sorted(bad["sample_id"].to_pylist()), samples.schema.types))
    assert found[0] == found[1] == found[2]
    kept = {row["sample_id"]: row for row in found[0][0]}
    assert sorted(kept) == sorted(f"s{row}" for row in np.flatnonzero(has_it | has_note))
    for row in np.flatnonzero(has_it | has_note):
        assert kept[f"s{row}"]["it"] == (b"picture %d" % row if has_it[row] else None) and kept[f"s{row}"]["note"] == values[row]
