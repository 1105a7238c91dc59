"""Tables as people send them: encodings, ends of lines, an index column, words for official splits, dates, pictures by path."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import Entry, ingested, parsed
from toy_columns import png

from stages.foundation.errors import InputError
from stages.own_data.advice import advice
from stages.own_data.guess_table import guess_table
from stages.own_data.guesses import Hints
from stages.own_data.roles import open_source
from stages.own_data.text_encoding import decoded

N = 24
FACTS = {"facts": {"modality": "table", "columns": ["x"]}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_table(modalities: Entry = FACTS, name: str = "t.csv", column: str = "y", **more: Any) -> Entry:
    source = {"table": name, **more.pop("source", {})}
    return {"source": source, "target": {"column": column, "task": "binary"}, "modalities": modalities, **more}


def cafes(mark: str = "\n") -> str:
    return "y,x" + mark + "".join(f"{('thé', 'café')[i % 2]},{i}.5{mark}" for i in range(N))


# ---------------------------------------------------------------- encodings
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_byte_order_mark_needs_no_declaration(folder: Path, codec: str) -> None:
    (folder / "t.csv").write_bytes(cafes().encode(codec))
    _, about = ingested(of_table())
    assert about["target"]["outputs"] == ["café", "thé"]


@pytest.mark.parametrize(("codec", "ending"), [("cp1252", "csv"), ("latin-1", "csv"), ("cp1252", "jsonl"), ("shift_jis", "csv")])
def test_another_encoding_is_declared_and_proposed(folder: Path, codec: str, ending: str) -> None:
    words = ("犬", "猫") if codec == "shift_jis" else ("thé", "café")
    rows = [(words[i % 2], i + 0.5) for i in range(N)]
    text = "y,x\n" + "".join(f"{y},{x}\n" for y, x in rows) if ending == "csv" else "".join(f'{{"y": "{y}", "x": {x}}}\n' for y, x in rows)
    (folder / f"t.{ending}").write_bytes(text.encode(codec))
    with pytest.raises(InputError, match=rf"t\.{ending}: line \d+: not UTF-8: byte \d+ is 0x\w\w; save it as UTF-8, or name its enc"):
        ingested(of_table(name=f"t.{ending}"))
    _, about = ingested(of_table(name=f"t.{ending}", source={"encoding": codec}))
    assert sorted(about["target"]["outputs"]) == sorted(words)
    if codec != "shift_jis":
        assert guess_table(f"t.{ending}", Hints()).source[0]["encoding"] == "cp1252"


def test_texts_of_which_some_are_utf_8_are_read_each_in_its_own_encoding(folder: Path) -> None:
    for i in range(N):
        place = folder / "mails" / "ab"[i % 2] / f"{i}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(f"café {i}".encode("latin-1" if i % 3 else "utf-8"))
    entry = {"source": {"folder": "mails"}, "target": {"column": "folder", "task": "binary"}, "modalities": {"words": {"modality": "text"}}}
    with pytest.raises(InputError, match=r"16 of 24 samples cannot be read"):
        ingested(entry)
    samples, _ = ingested({**entry, "source": {"folder": "mails", "encoding": "cp1252"}})
    assert sorted(samples["words"].to_pylist()) == sorted(f"café {i}" for i in range(N))


def test_an_unknown_encoding_is_refused(folder: Path) -> None:
    (folder / "t.csv").write_text(cafes(), encoding="utf-8")
    with pytest.raises(InputError, match=r"source\.encoding: expected the name of an encoding of text, such as cp1252"):
        ingested(of_table(source={"encoding": "latin9000"}))
    with pytest.raises(ValueError, match="neither UTF-8 nor ascii: byte 3 is 0xe9"):
        decoded("café".encode("latin-1"), "ascii")


# ---------------------------------------------------------------- lines and columns
@pytest.mark.parametrize("mark", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(folder: Path, mark: str) -> None:
    (folder / "t.csv").write_bytes(cafes(mark).encode())
    samples, _ = ingested(of_table())
    assert [row["x"] for row in samples["facts"].to_pylist()] == [i + 0.5 for i in range(N)]


def test_an_index_as_data_frames_write_it_is_left_out_with_a_note(folder: Path) -> None:
    pd.DataFrame({"y": list("ab") * 12, "x": np.arange(N) / 3}).to_csv("t.csv")
    entry = of_table({"facts": {"modality": "table"}})
    samples, _ = ingested(entry)
    assert samples.schema.field("facts").type.names == ["x"]
    found = parsed(entry)
    note = "t.csv: the first column has no name and counts the rows, so it is left out"
    assert f"note: {note}" in advice("mine", found, open_source("mine", found)) and note in guess_table("t.csv", Hints()).notes
    (folder / "t.csv").write_text(",y\n7,a\n9,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: the first column has no name; every column needs a name of its own"):
        ingested(entry)


@pytest.mark.parametrize("words", [("train", "train", "test"), ("Training", "val", "TEST"), ("dev", "train", "testing")])
def test_words_for_an_official_split_are_understood(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "t.csv").write_text("y,x,part\n" + "".join(f"{'ab'[i // 3 % 2]},{i}.5,{words[i % 3]}\n" for i in range(N)), encoding="utf-8")
    samples, _ = ingested(of_table(split="part"))
    assert samples["split"].to_pylist().count("test") == 8 and set(samples["split"].to_pylist()) == {"train", "test"}
    guess = guess_table("t.csv", Hints(target="y"))
    assert guess.split is not None and guess.split[0] == "part" and guess.modalities[0].entry["columns"] == ["x"]
    found = parsed(of_table(split="part"))
    joined = [line for line in advice("mine", found, open_source("mine", found)) if "join the training part" in line]
    assert len(joined) == len({"val", "dev"} & set(words))


def test_a_column_of_other_words_is_no_split(folder: Path) -> None:
    (folder / "t.csv").write_text("y,x,part\n" + "".join(f"{'ab'[i // 3 % 2]},{i}.5,{i % 3}\n" for i in range(N)), encoding="utf-8")
    assert guess_table("t.csv", Hints(target="y")).split is None
    with pytest.raises(InputError, match=r"split: line 2 of t\.csv: expected train or test \(validation rows count as train\), found '0'"):
        ingested(of_table(split="part"))


# ---------------------------------------------------------------- dates, labels, numbers, pictures
@pytest.mark.parametrize(("cell", "order", "first"), [
    ("{d:02d}.{m:02d}.2024", "day_first", "2024-01-20"), ("{m}/{d}/2024", "month_first", "2024-01-20"),
    ("{d}-{m}-2024 9:05", "day_first", "2024-01-20 09:05:00"),
])  # fmt: skip
def test_dates_with_the_year_last_are_refused_with_the_order_that_reads_them(folder: Path, cell: str, order: str, first: str) -> None:
    lines = [f"{'ab'[i % 2]},{cell.format(d=20 + i % 9, m=1 + i % 12)}\n" for i in range(N)]
    (folder / "t.csv").write_text("y,x\n" + "".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=rf"24 of 24 cells are dates such as .*; add `dates: {order}` \(then it is 2024-01-20") as caught:
        ingested(of_table())
    assert str(caught.value).count("`dates:") == 1
    samples, _ = ingested(of_table(source={"dates": order}))
    assert str(samples["facts"][0]["x"].as_py()) == first
    guess = guess_table("t.csv", Hints(target="y"))
    assert guess.source[0]["dates"] == order and guess.modalities[0].entry["columns"] == ["x"]


def test_dates_that_both_orders_read_are_shown_in_both(folder: Path) -> None:
    (folder / "t.csv").write_text("y,x\n" + "".join(f"{'ab'[i % 2]},{1 + i % 12:02d}/02/2024\n" for i in range(N)), encoding="utf-8")
    with pytest.raises(InputError, match=r"`dates: day_first` \(then it is 2024-02-01\) or `dates: month_first` \(then it is 2024-01-02\)"):
        ingested(of_table())


@pytest.mark.parametrize(("values", "mark"), [
    (("Comedy", "Comedy, Drama", "Drama, Crime"), ", "), (("a", "a|b", "b"), "|"), (("a;b", "b", "c"), ";"),
    (("Rome, IT", "Paris, FR", "Nice, FR"), None), (("red", "green", "blue"), None),
])  # fmt: skip
def test_cells_of_several_labels_are_multilabel(folder: Path, values: tuple[str, ...], mark: str | None) -> None:
    (folder / "t.csv").write_text("genre,x\n" + "".join(f'"{values[i % 3]}",{i}.5\n' for i in range(N)), encoding="utf-8")
    target = guess_table("t.csv", Hints(target="genre")).target[0]
    expected = {"task": "multiclass"} if mark is None else {"task": "multilabel", "separator": mark}
    assert target == {"column": "genre", **expected}


def test_whole_numbers_that_a_float_rounds_are_named(folder: Path) -> None:
    pq.write_table(pa.table({"y": 2**53 + 1 + np.arange(N), "x": np.arange(N) / 3}), "t.parquet")
    entry = of_table(name="t.parquet") | {"target": {"column": "y", "task": "regression"}}
    with pytest.raises(InputError, match=r"column 'y' holds whole numbers beyond ±2\^53, which float64 rounds; subtract an offset"):
        ingested(entry)


def test_pictures_stand_in_a_table_as_bytes_or_as_paths(folder: Path) -> None:
    pictures = [png(np.full((8, 8, 3), i * 9, np.uint8)) for i in range(N)]
    for i in range(0, N, 2):
        (folder / f"{i}.png").write_bytes(pictures[i])
    structs = [{"bytes": pictures[i] if i % 2 else None, "path": f"{i}.png"} for i in range(N)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"y": list("ab") * 12, "photo": pa.array(structs, kind)}), "t.parquet")
    entry = of_table({"photo": {"modality": "image", "column": "photo"}}, "t.parquet")
    samples, _ = ingested(entry)
    assert samples["photo"].to_pylist() == pictures
    (folder / "4.png").unlink()
    with pytest.raises(InputError, match=r"'0005': (row 5 of t\.parquet: )?.*4\.png: no such file"):
        ingested(entry)
    assert io.BytesIO(pictures[0]).read(4) == b"\x89PNG"
