"""A person's own data by lines of params.yaml: what is read of it, what is refused and with which words, and when it counts as changed."""

import csv
import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import Entry, ingested, parsed

from stages import ingest
from stages.contracts.paths import quarantine_path, samples_path
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_table
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.outside import RECORD, record_outside

CLASSES = {"column": "kind", "task": "multiclass"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def of_table(path: str, modality: str = "text", column: str = "words", **more: Any) -> Entry:
    return {"source": {"table": path}, "target": CLASSES, "modalities": {"it": {"modality": modality, "column": column}}, **more}


def facts(path: str, columns: Sequence[str] = (), **source: Any) -> Entry:
    part = {"modality": "table", **({"columns": list(columns)} if columns else {})}
    return {"source": {"table": path, **source}, "target": CLASSES, "modalities": {"facts": part}}


ROWS = [{"kind": ("cat", "dog")[i % 2], "words": f"=cmd() word {i}", "price": i / 2, "sold": i % 3 == 0} for i in range(8)]


# ---------------------------------------------------------------- tables
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "arrow", "feather"])
def test_a_table_of_any_format_gives_the_same_samples(folder: Path, ending: str) -> None:
    path = folder / "data" / f"products.{ending}"
    path.parent.mkdir()
    table = pa.Table.from_pylist(ROWS)
    if ending == "parquet":
        pq.write_table(table, path, row_group_size=3)
    elif ending in ("arrow", "feather"):
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    elif ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    else:
        mark = {"csv": ",", "tsv": "\t"}[ending]
        path.write_text("\n".join(mark.join(map(str, row)) for row in [list(ROWS[0]), *(row.values() for row in ROWS)]), encoding="utf-8")
    modalities = {"words": {"modality": "text", "column": "words"}, "facts": {"modality": "table"}}
    samples, about = ingested({"source": {"table": f"data/products.{ending}"}, "target": CLASSES, "modalities": modalities})
    assert samples["sample_id"].to_pylist() == samples["group"].to_pylist() == [f"{i:04d}" for i in range(1, 9)]
    assert samples["words"].to_pylist() == [row["words"] for row in ROWS]
    assert samples["facts"].to_pylist() == [{"price": row["price"], "sold": row["sold"]} for row in ROWS]
    assert about["target"] == {"name": "kind", "task": "binary", "form": "classes", "scoring": "accuracy", "outputs": ["cat", "dog"]}
    assert samples.schema.field("facts").metadata == {b"modality": b"table"}
    made_of = about["sources"][0]
    assert made_of["kind"] == "table" and made_of["n_files"] == 1 and made_of["n_bytes"] == path.stat().st_size
    assert about["shipped"] is False and about["title"] == "mine" and about["licence"] == "not stated"
    assert str(folder).encode() not in (folder / samples_path("mine")).read_bytes()


def test_what_stands_in_a_column_of_text_is_told_from_all_of_it(folder: Path) -> None:
    rows = [
        {"kind": "ab"[i % 2], "n": f"+{i}", "x": "1e-3", "day": f"2024-02-{i + 1:02d}", "at": f"2024-02-0{i + 1}T10:00:00Z",
         "code": f"0{i}", "yes": "TRUE", "size": ("S", "38")[i < 1], "none": "", "n/a": ("NA", "3")[i % 2]}
        for i in range(4)
    ]  # fmt: skip
    write_csv(folder / "t.csv", rows)
    samples, _ = ingested(facts("t.csv", missing=["NA"]))
    types = {field.name: str(field.type) for field in samples.schema.field("facts").type}
    assert types == {"n": "int64", "x": "double", "day": "date32[day]", "at": "timestamp[us, tz=UTC]", "code": "string", "yes": "bool",
                     "size": "string", "none": "string", "n/a": "int64"}  # fmt: skip
    assert samples["facts"].to_pylist()[2]["n"] == 2 and samples["facts"].to_pylist()[0]["n/a"] is None


TABLES: list[tuple[str, bytes, str]] = [
    ("ragged", b"kind,words\na,b\na,b,c\n", r"t\.csv: line 3 \(row 2\) has 3 cells, the header has 2 \(kind, words\)"),
    ("utf-16 cut off", "kind,words\n".encode("utf-16")[:-1], r"t\.csv: not UTF-16: byte 22 is 0x0a; save it as UTF-8, or name"),
    ("latin-1", b"kind,words\na,b\na,caf\xe9\n", r"line 3: not UTF-8: byte 20 is 0xe9"),
    ("twice", b"kind,words,kind\n", "line 1: column 'kind' occurs 2 times"),
    ("nameless", b"kind,,words\n", "line 1: a column has no name"),
    ("empty", b"", "the file is empty; its first line must name the columns"),
    ("header only", b"kind,words\n", r"t\.csv: there is no row in it"),
    ("quote", b'kind,words\na,"b\n', "line 2: unexpected end of data; is a quote left open"),
    ("semicolons", b"kind;words\na;b\n", "no ',' but ';'; add `delimiter: ';'` to the source"),
    ("column", b"kind,wordz\na,b\nb,c\n", r"modalities\.it\.column: no column 'words' \(did you mean 'wordz'\?\); there are: kind, wordz"),
    ("one class", b"kind,words\na,b\na,c\n", "mine: 1 class in the target"),
    ("label", b"kind,words\na,b\n,c\nb,c\na,b\nb,c\n", "(?s)1 of 5 samples cannot be read.*'0002': line 3 of t.csv: the target is mis"),
]


@pytest.mark.parametrize(("content", "message"), [pytest.param(content, message, id=name) for name, content, message in TABLES])
def test_a_table_that_cannot_be_read_is_named_with_its_line(folder: Path, content: bytes, message: str) -> None:
    (folder / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        ingested(of_table("t.csv"))
    assert not (folder / samples_path("mine")).exists()


@pytest.mark.parametrize(("lines", "message"), [
    (["{}", "[1]"], "t.jsonl: line 2: expected a JSON object"),
    (['{"kind": 1}', '{"kind": "a"}'], r"line 2: 'kind' is a text here but a number on line 1; .*`types: \{kind: text\}`"),
    (['{"kind": 1, "kind": 2}'], "line 1: a key occurs twice"),
    (['{"kind": 1' + "0" * 30 + "}"], "line.* 1: 'kind': .*fit 64 bits"),
    (['{"kind": ' + "[" * 100_000 + "}"], "line 1: "),
    (['{"kind": [1, "a"]}'], "'kind'"),
    ([""], "the file is empty; expected a JSON object per line"),
])  # fmt: skip
def test_json_lines_that_cannot_be_read_are_named(folder: Path, lines: list[str], message: str) -> None:
    (folder / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        ingested(of_table("t.jsonl"))


@pytest.mark.parametrize(("column", "message"), [
    (["1", "2", "three", "4"], r"column 'x': line 4 of t\.csv: expected a number, as .*, found 'three' \(1 such\); .*types: \{x: text\}"),
    (["2024-01-01", "2024-02-30", "", ""], "line 3 of t.csv: '2024-02-30' is not a calendar date"),
    (["2024-01-01", "01/02/2024", "", ""], "line 3 of t.csv: expected a date such as 2024-03-31, found '01/02/2024'"),
    (["2024-01-01T10:00", "2024-01-01T10:00Z", "", ""], "some times have a time zone and others do not"),
])  # fmt: skip
def test_a_column_of_mixed_types_is_an_error_unless_declared(folder: Path, column: list[str], message: str) -> None:
    write_csv(folder / "t.csv", [{"kind": "ab"[i % 2], "x": x} for i, x in enumerate(column)])
    with pytest.raises(InputError, match=message):
        ingested(facts("t.csv"))
    samples, _ = ingested(facts("t.csv", types={"x": "text"}))
    assert [row["x"] or "" for row in samples["facts"].to_pylist()] == column


def test_damaged_and_unknown_files_are_named(folder: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "t.parquet")
    whole = (folder / "t.parquet").read_bytes()
    (folder / "t.parquet").write_bytes(whole[:-20])
    (folder / "t.arrow").write_bytes(b"ARROW1\0\0" + bytes(50))
    for name, message in (("t.parquet", "not a readable .parquet file"), ("t.arrow", "not a readable .arrow file"),
                          ("t.dat", "no such file"), (".", "is not a file")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            ingested(of_table(name))
    (folder / "t.dat").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"datasets\.mine\.source\.table: t\.dat: no reader for \.dat; expected \.csv"):
        ingested(of_table("t.dat"))


def test_no_damage_brings_anything_but_one_clear_error(folder: Path) -> None:
    random = np.random.default_rng(0)
    table = pa.Table.from_pylist([{**row, "course": [[1.0, 2.0]], "raw": b"abc"} for row in ROWS])
    pq.write_table(table, folder / "t.parquet")
    with pa.ipc.new_file(folder / "t.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    write_csv(folder / "t.csv", ROWS)
    outcomes = set()
    for whole in [path.read_bytes() for path in sorted(folder.glob("t.*"))]:
        for path in folder.glob("t.*"):
            for _ in range(8):
                damaged = bytearray(whole)
                damaged[random.integers(len(damaged))] = random.integers(256)
                path.write_bytes(damaged[: random.integers(1, len(damaged))] if random.random() < 0.3 else damaged)
                try:
                    fingerprint_of("mine", parsed(of_table(path.name)))
                    outcomes.add("read")
                except InputError:
                    outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_a_file_that_claims_more_rows_than_fit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "t.parquet")
    monkeypatch.setattr("stages.own_data.sources.table.MAX_ROWS", 7)
    with pytest.raises(InputError, match="8 rows; expected at most 7"):
        ingested(of_table("t.parquet"))


def test_duplicate_ids_are_an_error_and_ids_may_be_named(folder: Path) -> None:
    rows = [{**row, "code": f"p{i // 2}"} for i, row in enumerate(ROWS)]
    write_csv(folder / "t.csv", rows)
    with pytest.raises(InputError, match=r"column 'code': 'p0' occurs more than once: line 2 of t\.csv, line 3"):
        ingested(of_table("t.csv", id="code"))
    samples, _ = ingested(of_table("t.csv", group=["code", "kind"], id="words"))
    assert samples["sample_id"][0].as_py() == "=cmd() word 0" and samples["group"].to_pylist()[:2] == ["p0, cat", "p0, dog"]


def test_an_official_split_is_taken(folder: Path) -> None:
    rows = [{**row, "part": ("train", "test")[i > 5]} for i, row in enumerate(ROWS)]
    write_csv(folder / "t.csv", rows)
    assert ingested(of_table("t.csv", split="part"))[0]["split"].to_pylist() == ["train"] * 6 + ["test"] * 2
    write_csv(folder / "t.csv", [{**row, "part": "a"} for row in rows])
    with pytest.raises(InputError, match=r"datasets\.mine\.split: line 2 of t\.csv: expected train or test \(validation .*\), found 'a'"):
        ingested(of_table("t.csv", split="part"))


# ---------------------------------------------------------------- targets
def test_labels_stand_in_one_column_in_lists_or_in_columns_of_0_and_1(folder: Path) -> None:
    labels = [["a"], ["a", "b"], ["b"], []]
    (folder / "t.jsonl").write_text("\n".join(json.dumps({"tags": tags, "words": "w"}) for tags in labels), encoding="utf-8")
    write_csv(folder / "t.csv", [{"tags": "; ".join(tags), "a": int("a" in tags), "b": int("b" in tags), "words": "w"} for tags in labels])
    expected = [[1, 0], [1, 1], [0, 1], [0, 0]]
    written = {"column": "tags", "empty": "none"}
    for path, target in (("t.jsonl", {"column": "tags"}), ("t.csv", written), ("t.csv", {"columns": ["a", "b"]})):
        samples, about = ingested(of_table(path) | {"target": {**target, "task": "multilabel"}})
        assert column_values(samples["target"]).tolist() == expected and about["target"]["outputs"] == ["a", "b"]
    with pytest.raises(InputError, match=r"sample '0004': line 5 of t\.csv: the target is missing"):
        ingested(of_table("t.csv") | {"target": {"column": "tags", "task": "multilabel"}})
    with pytest.raises(InputError, match=r"'tags', line 2 of t\.csv: expected 0 or 1, found 'a'"):
        ingested(of_table("t.csv") | {"target": {"columns": ["a", "tags"], "task": "multilabel"}})


def test_numbers_are_predicted_and_what_is_none_is_named(folder: Path) -> None:
    write_csv(folder / "t.csv", [{"y": y, "z": i, "words": "w"} for i, y in enumerate(["1.5", "", "3"])])
    entry = of_table("t.csv", unknown_targets="mask") | {"target": {"columns": ["y", "z"], "task": "regression"}}
    samples, about = ingested(entry)
    assert np.array_equal(column_values(samples["target"]), [[1.5, 0], [np.nan, 1], [3, 2]], equal_nan=True)
    assert about["target"] == {"name": "y, z", "task": "regression", "form": "continuous", "scoring": "q2", "outputs": ["y", "z"]}
    write_csv(folder / "t.csv", [{"y": y, "z": 1, "words": "w"} for y in ["1.5", "nan", "3"]])
    with pytest.raises(InputError, match=r"column 'y': line 3 of t\.csv: expected a number, found 'nan'"):
        ingested(entry)


# ---------------------------------------------------------------- files
def picture_table(folder: Path, names: Sequence[str], **more: Any) -> Entry:
    for i in range(4):
        (folder / "raw").mkdir(exist_ok=True)
        (folder / "raw" / f"{i}.png").write_bytes(b"picture %d" % i)
    rows = [{"kind": "ab"[i % 2], "file": f"{i}.png"} for i in range(4)] + [{"kind": "a", "file": name} for name in names]
    write_csv(folder / "raw" / "t.csv", rows)
    return of_table("raw/t.csv", "image", "file", **more)


def test_files_are_named_by_a_column_or_a_pattern_and_kept_as_they_are(folder: Path) -> None:
    entry = picture_table(folder, [])
    expected = [b"picture %d" % i for i in range(4)]
    assert ingested(entry)[0]["it"].to_pylist() == expected
    (folder / "raw" / "notes").mkdir()
    for i in range(4):
        (folder / "raw" / "notes" / f"{i}.png-ab{i % 2}.txt").write_text(f"note {i}", encoding="utf-8")
    (folder / "raw" / "notes" / "1.png-ab1.txt").write_bytes(b"caf\xe9")
    note = {"modality": "text", "files": "notes/{id}-ab{n}.txt"}
    write_csv(folder / "raw" / "t.csv", [{"kind": "ab"[i % 2], "file": f"{i}.png", "n": i % 2} for i in range(4)])
    entry = {**entry, "id": "file", "modalities": {**entry["modalities"], "note": note}}
    with pytest.raises(InputError, match=r"(?s)1 of 4 samples.*sample '1\.png': notes/1\.png-ab1\.txt: .*0xe9"):
        ingested(entry)
    samples, _ = ingested({**entry, "on_bad_sample": "quarantine", "max_bad_share": 0.5})
    assert samples["note"].to_pylist() == ["note 0", "note 2", "note 3"] and len(samples["it"]) == 3
    assert read_table(quarantine_path("mine"))["sample_id"].to_pylist() == ["1.png"]


@pytest.mark.parametrize(("name", "reason"), [
    ("/etc/passwd", "/etc/passwd: an absolute path"),
    ("../secret", r"\.\./secret: '\.\.' leaves the source's folder"),
    ("a/../../secret", "'..' leaves"),
    ("link", "link: a link that leads outside the source's folder"),
    ("folder/secret", "folder/secret: a link that leads outside"),
    ("loop", "loop: circular links"),
    ("pipe", "pipe: is a device, pipe or socket, not a file"),
    ("zero", "zero: a link that leads outside"),
    ("sub", "sub: is a folder, not a file"),
    ("gone.png", "gone.png: no such file"),
    ("sub\\0.png", r"no such file; folders in a path are separated by /, not by \\"),
    ("0.png/x", "a folder in the path is a file"),
    ("x" * 5000, "the name is too long"),
    ("", "no file is named"),
    ("empty.png", "empty.png: the file is empty"),
])  # fmt: skip
def test_a_file_that_may_not_or_cannot_be_read_is_a_bad_sample(folder: Path, name: str, reason: str) -> None:
    entry = picture_table(folder, [name])
    (folder / "secret").write_bytes(b"secret")
    (folder / "raw" / "link").symlink_to(folder / "secret")
    (folder / "raw" / "folder").symlink_to(folder)
    (folder / "raw" / "loop").symlink_to("loop")
    (folder / "raw" / "zero").symlink_to("/dev/zero")
    (folder / "raw" / "sub").mkdir()
    (folder / "raw" / "empty.png").touch()
    os.mkfifo(folder / "raw" / "pipe")
    with pytest.raises(InputError, match=f"(?s)1 of 5 samples cannot be read.*sample '0005': {'.*' if reason[0] != '/' else ''}{reason}"):
        ingested(entry)
    samples, about = ingested({**entry, "on_bad_sample": "quarantine", "max_bad_share": 0.5})
    assert samples["it"].to_pylist() == [b"picture %d" % i for i in range(4)] and about["rows"] == {"used": 5, "available": 5}


def test_encoded_bytes_in_a_table_are_read_batch_by_batch_and_chosen_rows_alone(folder: Path) -> None:
    rows = [{"kind": "ab"[i % 2], "photo": {"bytes": struct.pack("i", i), "path": None}} for i in range(2600)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "t.parquet", row_group_size=700)
    entry = {**of_table("t.parquet", "image", "photo"), "rows": 1300}
    samples, _ = ingested(entry)
    assert [struct.unpack("i", raw)[0] + 1 for raw in samples["it"].to_pylist()] == [int(name) for name in samples["sample_id"].to_pylist()]
    assert len(samples) == 1300


def test_series_come_from_files_or_stand_in_the_table(folder: Path) -> None:
    values = [np.arange(2 * (i + 2), dtype=float).reshape(-1, 2) for i in range(6)]
    for i, series in enumerate(values):
        np.save(folder / f"{i}.npy", series)
    write_csv(folder / "t.csv", [{"kind": "ab"[i % 2], "file": f"{i}.npy"} for i in range(6)])
    lines = [json.dumps({"kind": "ab"[i % 2], "file": series.tolist()}) for i, series in enumerate(values)]
    (folder / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for path in ("t.csv", "t.jsonl"):
        assert ingested(of_table(path, "series", "file"))[0]["it"].to_pylist() == [series.tolist() for series in values]
    np.save(folder / "3.npy", np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"(?s)1 of 6 samples.*sample '0004': it: "):
        ingested(of_table("t.csv", "series", "file"))


def test_pieces_of_a_column_are_of_one_type_even_if_nothing_of_the_first_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.own_data.own_samples.CHUNK_ROWS", 2)
    for i in range(2, 8):
        np.save(folder / f"{i}.npy", np.full((i, 3 if i == 6 else 2), i))
    write_csv(folder / "t.csv", [{"kind": "ab"[i // 2 % 2], "file": f"{i}.npy"} for i in range(8)])
    for modality in ("series", "set"):
        samples, _ = ingested(of_table("t.csv", modality, "file", on_bad_sample="quarantine", max_bad_share=0.5))
        assert [len(points) for points in samples["it"].to_pylist()] == [2, 3, 4, 5, 7]
        assert read_table(quarantine_path("mine"))["sample_id"].to_pylist() == ["0001", "0002", "0007"]


# ---------------------------------------------------------------- folders
def sounds(folder: Path) -> Entry:
    (folder / "raw").mkdir(exist_ok=True)
    for digit, speaker, index in ((d, s, i) for d in (0, 1) for s in ("ann", "bo") for i in range(3)):
        (folder / "raw" / f"{digit}_{speaker}_{index}.wav").write_bytes(f"{digit}{speaker}{index}".encode())
    source = {"folder": "raw", "label": "{digit}_{speaker}_{index}.wav"}
    target = {"column": "digit", "task": "multiclass"}
    return {"source": source, "target": target, "group": "speaker", "modalities": {"sound": {"modality": "audio"}}}


def test_names_of_files_tell_fields(folder: Path) -> None:
    entry = sounds(folder)
    (folder / "raw" / ".DS_Store").touch()
    (folder / "raw" / "Thumbs.db").touch()
    samples, about = ingested(entry)
    assert samples["sample_id"].to_pylist() == sorted(samples["sample_id"].to_pylist()) and len(samples) == 12
    assert set(samples["group"].to_pylist()) == {"ann", "bo"} and about["group"] == "speaker"
    assert samples["sound"][0].as_py() == b"0ann0"
    modalities = {**entry["modalities"], "facts": {"modality": "table", "columns": ["index"]}}
    assert ingested({**entry, "modalities": modalities})[0]["facts"].to_pylist()[:3] == [{"index": i} for i in range(3)]


def test_files_that_do_not_fit_the_label_are_named(folder: Path) -> None:
    entry = sounds(folder)
    for name in ("notes.txt", "0_mary_ann_1.wav", "deep/0_ann_0.wav"):
        (folder / "raw" / name).parent.mkdir(exist_ok=True)
        (folder / "raw" / name).touch()
    (folder / "raw" / "linked").symlink_to(folder)
    told = (r"(?s)4 of 16 files do not fit label .*ignore: \[\"\*\.txt\"\].*0_mary_ann_1\.wav: fits .* in two ways "
            r"\(digit=0, speaker=mary, index=ann_1 or digit=0_mary, .*deep/0_ann_0.*linked.*notes\.txt")  # fmt: skip
    with pytest.raises(InputError, match=told):
        ingested(entry)
    ignored = ["*.txt", "0_mary*", "deep/*", "linked"]
    assert len(ingested({**entry, "source": {**entry["source"], "ignore": ignored}})[0]) == 12


def test_folders_of_classes_need_one_line(folder: Path) -> None:
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "more/dog/2.jpg"):
        (folder / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "raw" / name).write_bytes(name.encode())
    entry = {"source": {"folder": "raw", "label": "folder"}, "modalities": {"photo": {"modality": "image"}}}
    samples, about = ingested(entry)
    assert samples["sample_id"].to_pylist() == ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "more/dog/2.jpg"]
    assert about["target"]["outputs"] == ["cat", "dog"] and samples["target"].to_pylist() == [0, 0, 1, 1]
    assert samples["photo"][0].as_py() == b"cat/1.jpg"
    (folder / "raw" / "stray.jpg").touch()
    with pytest.raises(InputError, match=r"(?s)1 of 5 files do not fit label 'folder'.*stray\.jpg"):
        ingested(entry)


# ---------------------------------------------------------------- blocks
def of_blocks(path: str) -> Entry:
    modalities = {"wrench": {"modality": "series"}}
    return {"source": {"blocks": path}, "target": {"column": "label", "task": "multiclass"}, "modalities": modalities}


def test_blocks_are_series_with_a_label(folder: Path) -> None:
    text = "".join(f"{label}\n\t1\t-2\t{i}\n\t3\t4.5\t{i}\n\n\n" for i, label in enumerate(["ok", "lost", "ok", "lost"]))
    (folder / "lp.data").write_text(text, encoding="utf-8")
    samples, _ = ingested(of_blocks("lp.data"))
    assert samples["wrench"].to_pylist()[3] == [[1, -2, 3], [3, 4.5, 3]] and samples["target"].to_pylist() == [1, 0, 1, 0]
    assert samples["sample_id"].to_pylist() == ["0001", "0002", "0003", "0004"]


@pytest.mark.parametrize(("text", "message"), [
    ("a\n1 2\n3\n", "lp.data: line 3: 1 numbers, but the first row has 2"),
    ("a\n1 2\nb\n3 4\n", "line 3: expected a row of numbers, found 'b'; put a blank line before each label"),
    ("a\n1 2\n\n3 4\n5 6\n", "line 4: expected a label after the blank line, found a row of 2 numbers"),
    ("a\n\nb\n1\n", "line 1: a label .'a'. without rows"),
    ("\n\n", "there is no block in it"),
    ("caf\xe9\n1 2\n", "not UTF-8: byte 3 is 0xe9"),
])  # fmt: skip
def test_blocks_that_cannot_be_read_are_named_with_their_line(folder: Path, text: str, message: str) -> None:
    (folder / "lp.data").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        ingested(of_blocks("lp.data"))


# ---------------------------------------------------------------- entries
@pytest.mark.parametrize(("change", "message"), [
    ({"source": {"tabel": "t.csv"}}, r"mine\.source: expected one of blocks: path, .*, found 'tabel' \(did you mean 'table'"),
    ({"source": {"table": "t.csv", "folder": "x"}}, "found folder and table"),
    ({"source": {"table": "t.csv", "sep": ";"}}, r"mine\.source\.sep: unknown key"),
    ({"source": {"table": 3}}, r"mine\.source\.table: expected text"),
    ({"target": "kind"}, r"own data needs `target: \{column: …, task: …\}`"),
    ({"target": {"column": "kind", "columns": ["a"], "task": "regression"}}, "expected either `column` or `columns`"),
    ({"target": {"columns": ["kind"], "task": "binary"}}, "binary has one `column`"),
    ({"target": {"column": "kind", "task": "ranking"}}, r"target\.task: expected 'binary', "),
    ({"target": {"column": "kid", "task": "binary"}}, r"mine\.target: no column 'kid' \(did you mean 'kind'\?\); there are: kind, words"),
    ({"group": "brnad"}, r"mine\.group: no column 'brnad'"),
    ({"options": {"a": 1}}, r"mine\.options: only for data sets of stages/datasets/"),
    ({"modalities": {"group": {"modality": "text", "column": "words"}}}, r"modalities\.group: not a valid modality name; use letters"),
    ({"modalities": {"it": {"modality": "text", "column": "kind"}}}, "column 'kind' is the target, which would leak into the features"),
    ({"modalities": {"it": {"modality": "table", "columns": ["kind"]}}}, "column 'kind' is the target"),
    ({"modalities": {"it": {"modality": "table", "column": "price"}}}, "modality table has `columns`"),
    ({"modalities": {"it": {"modality": "text", "columns": ["a"]}}}, "only modalities table, image.* have several"),
    ({"modalities": {"it": {"modality": "image", "column": "words", "files": "a"}}}, "give `column` or `files`, not both"),
    ({"modalities": {"it": {"modality": "image"}}}, r"modalities\.it: name the `column` that holds it, or its `files`"),
    ({"modalities": {"it": {"modality": "image", "files": "{x}.png"}}}, r"modalities\.it\.files: no column 'x'"),
    ({"modalities": {"it": {"modality": "image", "files": "{a}{b}.png"}}}, "two fields are adjacent"),
    ({"modalities": {"it": {"modality": "image", "files": "{a.png"}}}, "a brace is not closed"),
    ({"modalities": {"it": {"modality": "smell", "column": "words"}}}, "no file under stages/modalities/ for 'smell'"),
])  # fmt: skip
def test_an_entry_that_cannot_work_is_refused_before_anything_runs(folder: Path, change: Entry, message: str) -> None:
    write_csv(folder / "t.csv", ROWS)
    with pytest.raises(InputError, match=message):
        fingerprint_of("mine", parsed({**of_table("t.csv"), **change}))


def test_a_name_that_is_taken_or_no_name_is_refused(folder: Path) -> None:
    for name, message in (("emoji", "stages/datasets/emoji.py has this name; choose"), ("my-data", "not a valid name; use letters")):
        with pytest.raises(InputError, match=message):
            parsed(of_table("t.csv"), name)


# ---------------------------------------------------------------- changes
def test_the_fingerprint_is_of_names_and_contents_and_of_nothing_else(folder: Path) -> None:
    first = fingerprint_of("mine", parsed(sounds(folder)))
    assert first["n_files"] == 12 and first["kind"] == "folder"
    os.utime(folder / "raw" / "0_ann_0.wav", (1, 1))
    (folder / "raw").rename(folder / "elsewhere")
    entry = sounds(folder) | {"source": {"folder": "elsewhere", "label": "{digit}_{speaker}_{index}.wav"}}
    assert fingerprint_of("mine", parsed(entry)) == first
    (folder / "elsewhere" / "0_ann_0.wav").write_bytes(b"0ann1")
    assert fingerprint_of("mine", parsed(entry))["digest"] != first["digest"]
    (folder / "elsewhere" / "0_ann_0.wav").write_bytes(b"0ann0")
    (folder / "elsewhere" / "0_ann_0.wav").rename(folder / "elsewhere" / "0_ann_7.wav")
    assert fingerprint_of("mine", parsed(entry))["digest"] != first["digest"]


def test_a_file_that_a_table_names_counts_once_it_is_there(folder: Path) -> None:
    entry = parsed(picture_table(folder, ["late.png"]))
    before = fingerprint_of("mine", entry)
    (folder / "raw" / "late.png").write_bytes(b"late")
    after = fingerprint_of("mine", entry)
    assert after["digest"] != before["digest"] and after["n_files"] == before["n_files"] + 1 == 6


def test_files_that_changed_since_the_check_are_not_read(folder: Path) -> None:
    entry = sounds(folder)
    ingested(entry)
    (folder / "raw" / "0_ann_0.wav").write_bytes(b"other")
    with pytest.raises(InputError, match="its files have changed since the check; run `make run`"):
        ingest.main("mine")


def test_what_dvc_would_wait_for_may_not_lie_in_the_folder_that_it_watches(folder: Path) -> None:
    (folder / "data" / "raw" / "mine").mkdir(parents=True)
    (folder / "data" / "raw" / "mine" / "up").symlink_to("..")
    record_outside({})
    (folder / "data" / "raw" / "mine" / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="data/raw/mine/loop: is a broken or circular link; expected files and folders"):
        record_outside({})
    (folder / "data" / "raw" / "mine" / "loop").unlink()
    os.mkfifo(folder / "data" / "raw" / "mine" / "pipe")
    with pytest.raises(InputError, match="mine/pipe: is a pipe, socket or device"):
        record_outside({})


def test_data_outside_is_noted_only_when_it_changes_and_without_its_path(folder: Path) -> None:
    entry = sounds(folder)
    params = {"datasets": {"mine": entry, "emoji": {"target": "category", "modalities": ["text"]}, "odd": 3}}
    record_outside(params)
    first, written = RECORD.read_text(encoding="utf-8"), RECORD.stat().st_mtime_ns
    assert list(json.loads(first)) == ["mine"] and "raw" not in first and str(folder) not in first
    record_outside(params)
    assert RECORD.stat().st_mtime_ns == written
    (folder / "raw" / "0_ann_0.wav").write_bytes(b"other")
    record_outside(params)
    assert RECORD.read_text(encoding="utf-8") != first
    (folder / "raw").rename(folder / "data" / "raw" / "mine")
    inside = {**entry, "source": {**entry["source"], "folder": "data/raw/mine"}}
    record_outside({"datasets": {"mine": inside}})
    assert not RECORD.exists()
    record_outside({"datasets": {"mine": entry}})  # nothing lies there any more: the check will say so
    assert json.loads(RECORD.read_text(encoding="utf-8")) == {"mine": {"unreadable": True}}
