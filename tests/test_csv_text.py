"""CSV for spreadsheets: names of classes and samples are never formulas, numbers stay numbers."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.publishing.run_tables import write_csv
from stages.foundation.csv_text import csv_text

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "-", "+", "＝1", "-x", "+1e", "-1 2"]
OTHERS = ["-1", "+1.5", "-.5e-3", "1", "a=b", "'=1", " =1", "", "x@y", "1-1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text: str, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(csv_text([text, "b"], [[text, -1.5]]), newline="")))
    assert rows == [[f"'{text}", "b"], [f"'{text}", "-1.5"]]
    write_csv(pa.table({text: [text, None], "b": [-1.5, 2]}), tmp_path / "t.csv")
    written = io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline="")
    assert list(csv.reader(written)) == [[f"'{text}", "b"], [f"'{text}", "-1.5"], ["", "2"]]


@pytest.mark.parametrize("text", OTHERS)
def test_numbers_and_other_text_stay(text: str, tmp_path: Path) -> None:
    assert list(csv.reader(io.StringIO(csv_text(["a", "b"], [[text, None]])))) == [["a", "b"], [text, ""]]
    write_csv(pa.table({"a": [text], "b": [-1.5]}), tmp_path / "t.csv")
    assert list(csv.reader(io.StringIO((tmp_path / "t.csv").read_text()))) == [["a", "b"], [text, "-1.5"]]
