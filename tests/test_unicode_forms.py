"""Texts that look the same are the same: labels, groups, columns and names of files, however their characters are composed."""

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import Entry, ingested
from toy_columns import png

from stages.foundation.params_file import parse
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.advice import advice
from stages.own_data.roles import open_source
from stages.own_data.unicode_forms import normal, normal_column

NFC, NFD = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")
FACTS = {"facts": {"modality": "table", "columns": ["a"]}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_table(name: str, column: str, task: str = "multiclass", **more: Any) -> Entry:
    return {"source": {"table": name}, "target": {"column": column, "task": task}, "modalities": FACTS, **more}


def write(lines: list[str], header: str = "y,a,g") -> None:
    Path("t.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@pytest.mark.parametrize("text", [NFD, f" {NFC}\u200b", f"\ufeff{NFC}\u00a0", f"\u200b {NFD} \u2060"])
def test_one_form(text: str) -> None:
    assert normal(text) == NFC
    assert normal_column(pa.array([text, None])).to_pylist() == [NFC, None]


def test_a_joiner_inside_a_text_stays() -> None:
    assert normal("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"


def test_labels_and_groups_that_look_the_same_are_one() -> None:
    write([f"{(NFC, NFD, 'cat', 'cat' + chr(0x200B))[i % 4]},{i},{(NFC, NFD)[i % 2]}{i // 2}" for i in range(24)])
    samples, about = ingested(of_table("t.csv", "y", group="g"))
    assert sorted(about["target"]["outputs"]) == sorted(["cat", NFC])
    assert sorted(set(samples["group"].to_pylist())) == sorted(f"{NFC}{i}" for i in range(12))


def test_labels_of_a_cell_that_look_the_same_are_one() -> None:
    write([f"{NFC};a,{i},0" if i % 2 else f"{NFD};b,{i},0" for i in range(24)])
    _, about = ingested(of_table("t.csv", "y", "multilabel"))
    assert sorted(about["target"]["outputs"]) == sorted(["a", "b", NFC])


def test_class_folders_and_files_that_look_the_same_are_one(folder: Path) -> None:
    for i in range(12):
        place = folder / "p" / (NFC, NFD, "tea")[i % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i}.png").write_bytes(png(np.full((8, 8, 3), i * 9, np.uint8)))
    entry = {"source": {"folder": "p"}, "target": {"column": "folder", "task": "binary"}, "modalities": {"photo": {"modality": "image"}}}
    _, about = ingested(entry)
    assert sorted(about["target"]["outputs"]) == sorted([NFC, "tea"])


def test_a_column_and_a_file_are_found_under_the_other_form(folder: Path) -> None:
    (folder / NFD).mkdir()
    for i in range(12):
        (folder / NFD / f"{NFD}{i}.png").write_bytes(png(np.full((8, 8, 3), i * 9, np.uint8)))
    write([f"{'ab'[i % 2]},{NFC}/{NFC}{i}.png,0" for i in range(12)], header=f"{NFD},photo,g")
    entry = of_table("t.csv", NFC, "binary") | {"modalities": {"photo": {"modality": "image", "column": "photo"}}}
    samples, _ = ingested(entry)
    assert len(samples) == 12


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_a_label_a_group_or_a_number_that_is_nan_is_missing(kind: pa.DataType) -> None:
    y = np.tile([0.0, 1.0], 15)
    y[::9] = np.nan
    pq.write_table(pa.table({"y": pa.array(y, kind), "a": np.arange(30.0)}), "t.parquet")
    entry = of_table("t.parquet", "y", "binary", on_bad_sample="quarantine", max_bad_share=0.5)
    samples, about = ingested(entry)
    assert about["target"]["outputs"] == ["0", "1"] and len(samples) == 30 - int(np.isnan(y).sum())


@pytest.mark.parametrize(("cells", "named"), [
    (["Cat", "cat", "dog"], "'Cat' and 'cat'"), (["1", "1.0", "2"], "'1' and '1.0'"), 
    (["New York", "NewYork", "Rome"], "'New York' and 'NewYork'"),
    (["cat", "dog", "cow"], None), (["1", "2", "10"], None),
])  # fmt: skip
def test_classes_that_differ_only_in_spelling_get_a_note(cells: list[str], named: str | None) -> None:
    write([f"{cells[i % 3]},{i / 7:.2f},g{i // 2}" for i in range(24)])
    entry = parse(of_table("t.csv", "y", group="g"), "datasets.mine", DataSetEntry)
    found = advice("mine", entry, open_source("mine", entry))
    assert [line for line in found if "differ only in case, blanks or the form of a number" in line] == found
    assert (len(found) == 1 and found[0].startswith(f"note: datasets.mine: {named} in column 'y' ")) if named else found == []
