"""Numbers as people write them: none becomes a category in silence, none is off by a factor of 1,000, and every proposal works."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.foundation.errors import InputError
from stages.own_data.guess_table import guess_table
from stages.own_data.guesses import Hints
from stages.own_data.number_format import PLAIN, NumberFormat, plain_numbers, readings
from stages.own_data.sources.table import TableSourceSettings, open_rows
from stages.own_data.text_columns import numbers_of, table_columns

N = 40


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def column(cells: list[str], **settings: Any) -> pa.Array:
    """Return a column of a CSV file as a table of features holds it."""
    Path("t.csv").write_text("y,it\n" + "".join(f"{'ab'[i % 2]},\"{cell}\"\n" for i, cell in enumerate(cells)), encoding="utf-8")
    rows = open_rows(TableSourceSettings.model_validate({"table": "t.csv", **settings}), "source")
    return table_columns(rows, ("it",), "mine").field("it")


WRITTEN = {  # cells of 0, 1, 2, … · settings · numbers
    "decimal comma": (lambda i: f"{i},25", {"decimal": ","}, lambda i: i + 0.25),
    "thousands": (lambda i: f"{1000 * i:,}.5", {"thousands": ","}, lambda i: 1000 * i + 0.5),
    "both, as in German": (lambda i: f"{i + 1}.000,5", {"decimal": ",", "thousands": "."}, lambda i: 1000 * (i + 1) + 0.5),
    "spaces": (lambda i: f"{i + 1}\u00a0000", {"thousands": " "}, lambda i: 1000 * (i + 1)),
    "apostrophes": (lambda i: f"{i + 1}'000.5", {"thousands": "'"}, lambda i: 1000 * (i + 1) + 0.5),
    "NA": (lambda i: "NA" if i % 5 < 3 else f"{i}.5", {"missing": ["NA"]}, lambda i: None if i % 5 < 3 else i + 0.5),
    "two marks": (lambda i: ("-", "?", f"{i}")[i % 3], {"missing": ["-", "?"]}, lambda i: i if i % 3 == 2 else None),
    "an unusual mark": (lambda i: "gone" if i % 2 else f"{i}", {"missing": ["gone"]}, lambda i: None if i % 2 else i),
    "comma and NA": (lambda i: "n/a" if i % 2 else f"{i},5", {"decimal": ",", "missing": ["n/a"]}, lambda i: None if i % 2 else i + 0.5),
    "currency and thousands": (lambda i: f"${i + 1},000.00", {"thousands": ","}, lambda i: 1000 * (i + 1)),
    "currency behind": (lambda i: f"{i},5 €", {"decimal": ","}, lambda i: i + 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_written_otherwise_are_refused_with_the_settings_that_read_them(name: str) -> None:
    cell, settings, number = WRITTEN[name]
    cells = [cell(i) for i in range(N)]
    with pytest.raises(InputError, match=r"'it': line \d+ of t\.csv: expected a number, found .*; \d+ of 40 cells are numbers") as caught:
        column(cells)
    assert all(f"`{key}: {json.dumps(value)}`" in str(caught.value) for key, value in settings.items())
    assert column(cells, **settings).to_pylist() == [number(i) for i in range(N)]
    assert column(cells, types={"it": "text"}).to_pylist() == cells


@pytest.mark.parametrize(("cell", "number"), [
    (lambda i: f"{i}%", lambda i: i), (lambda i: f"{i}.5 %", lambda i: i + 0.5), (lambda i: f"€{i}", lambda i: i),
    (lambda i: f"-${i + 1}", lambda i: -i - 1), (lambda i: f"{i} USD", lambda i: i),
    (lambda i: "" if i % 4 else f"${i}", lambda i: None if i % 4 else i),
])  # fmt: skip
def test_a_unit_that_all_numbers_have_is_left_out(cell: Any, number: Any) -> None:
    assert column([cell(i) for i in range(N)]).to_pylist() == [number(i) for i in range(N)]


def test_numbers_of_two_units_stay_text() -> None:
    cells = [f"{'$€'[i % 2]}{i}" for i in range(N)]
    assert column(cells).to_pylist() == cells
    mixed = [f"{i}{'%' * (i % 2)}" for i in range(N)]
    with pytest.raises(InputError, match=r"expected a number, as most values of the column are, found '1%' \(20 such\)"):
        column(mixed)


def test_where_both_readings_are_possible_both_are_named_with_their_value() -> None:
    with pytest.raises(InputError, match=re.escape('`decimal: ","` (then it is 1.234) or `thousands: ","` (then it is 1234)')):
        column([f"{i % 9 + 1},234" for i in range(N)])


@pytest.mark.parametrize("cells", [
    ["red", "green", "NA"], ["1a", "2b", "3c"], ["4711", "0815", "NA"], ["1.2.3", "1.2.4", "1.10.0"], ["10:30", "11:45", "-"],
    ["a,b", "c,d", "e,f"], ["192.168.1.1", "10.0.0.1", "NA"], ["01,234", "02,345", "03,456"],
])  # fmt: skip
def test_what_is_no_number_stays_as_it_is(cells: list[str]) -> None:
    many = [cells[i % 3] for i in range(N)]
    assert column(many).to_pylist() == many


def test_dates_with_a_mark_in_most_cells_are_dates() -> None:
    cells = ["NA" if i % 5 < 3 else f"2024-01-{i % 28 + 1:02d}" for i in range(N)]
    with pytest.raises(InputError, match=r"line 2 of t\.csv: expected a date such as 2024-03-31, found 'NA' \(24 such\); .* `missing:`"):
        column(cells)
    assert pa.types.is_date(column(cells, missing=["NA"]).type)


def test_a_target_is_read_like_a_feature() -> None:
    Path("t.csv").write_text("y;a\n" + "".join(f"{i},5;{i}\n" for i in range(N)), encoding="utf-8")
    found = []
    for settings in ({}, {"decimal": ","}):
        rows = open_rows(TableSourceSettings.model_validate({"table": "t.csv", "delimiter": ";", **settings}), "source")
        try:
            found.append(numbers_of(rows.read(["y"], None)["y"], "y", rows, "mine").to_pylist())
        except InputError as error:
            found.append(str(error))
    assert "add `decimal: \",\"` to the source" in found[0]
    assert found[1] == [i + 0.5 for i in range(N)]


@pytest.mark.parametrize("name", WRITTEN)
def test_new_writes_the_settings(name: str) -> None:
    cell, settings, number = WRITTEN[name]
    lines = [f"{'ab'[i % 2]},\"{cell(i)}\",{i / 7:.3f}\n" for i in range(N)]
    Path("t.csv").write_text("label,it,other\n" + "".join(lines), encoding="utf-8")
    guess = guess_table("t.csv", Hints())
    assert {key: guess.source[0][key] for key in settings} == settings
    assert [note for note in guess.notes if note.startswith("it: ") and "of 40 cells are numbers" in note]
    assert guess.modalities[0].entry == {"modality": "table", "columns": ["it", "other"]}
    rows = open_rows(TableSourceSettings.model_validate(guess.source[0]), "source")
    assert table_columns(rows, ("it",), "mine").field("it").to_pylist() == [number(i) for i in range(N)]


def test_a_declared_format_reads_no_other() -> None:
    text = pa.array(["1.234,5", "1.23,5", "12.345", "1,5", "x", None])
    assert plain_numbers(text, NumberFormat(",", ".")).to_pylist() == ["1234.5", "1.23,5", "12345", "1.5", "x", None]
    assert readings(pa.array(["a", "b"]), PLAIN) == []
    values = np.array(plain_numbers(pa.array(["1e3", "+1,5"]), NumberFormat(",")).to_pylist(), dtype=float)
    assert values.tolist() == [1000.0, 1.5]
