"""Excel workbooks as tables: types of cells, the header, which sheet, and what is refused."""

import datetime
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from own_entries import Entry, ingested, parsed
from workbooks import Fault, Formula, write_ods, write_xlsx

from pipelines import new
from stages.foundation.errors import InputError
from stages.own_data.advice import advice
from stages.own_data.fingerprints import fingerprint_of
from stages.own_data.roles import open_source
from stages.own_data.sample_files import open_files
from stages.own_data.source_rows import SourceRows
from stages.own_data.workbook import exact_text

ROOT = Path(__file__).parents[1]
DAY, MOMENT = datetime.date, datetime.datetime


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry(**source: Any) -> Entry:
    return {"source": {"table": "t.xlsx", **source}, "target": {"column": "kind", "task": "binary"},
            "modalities": {"facts": {"modality": "table"}}}  # fmt: skip


def opened(rows: Sequence[Sequence[Any]] | None = None, **source: Any) -> SourceRows:
    if rows is not None:
        write_xlsx("t.xlsx", {"Data": rows})
    return open_source("mine", parsed(entry(**source)))


def column(cells: Sequence[Any], **source: Any) -> pa.ChunkedArray:
    """Return a column x of these cells, as a table reads it."""
    rows = opened([["kind", "x"], *([f"k{row}", cell] for row, cell in enumerate(cells))], **source)
    return rows.read(["x"], None)["x"]


# ---------------------------------------------------------------- cells
CELLS = [
    ("whole numbers", [1, 2.0, None, -3], pa.int64(), [1, 2, None, -3]),
    ("numbers", [1, 1 / 3, 1e-12, 1e300], pa.float64(), [1.0, 1 / 3, 1e-12, 1e300]),
    ("beyond 2^53", [1, 2.0**60], pa.float64(), [1.0, 2.0**60]),
    ("truth", [True, None, False], pa.bool_(), [True, None, False]),
    ("dates", [DAY(2024, 1, 31), None, DAY(1999, 12, 31)], pa.date32(), [DAY(2024, 1, 31), None, DAY(1999, 12, 31)]),
    ("times", [MOMENT(2024, 1, 31, 10, 30), DAY(2024, 2, 1)], pa.timestamp("us"), [MOMENT(2024, 1, 31, 10, 30), MOMENT(2024, 2, 1)]),
    ("times of day", [datetime.time(10, 30), datetime.time(1, 2, 3)], pa.string(), ["10:30:00", "01:02:03"]),
    ("codes", ["007", "12"], pa.string(), ["007", "12"]),
    ("formulas", [Formula(2.5), Formula(7)], pa.float64(), [2.5, 7.0]),
    ("formulas of text", [Formula("a"), Formula("b & c")], pa.string(), ["a", "b & c"]),
    ("errors", [1.5, Fault("#N/A"), Formula(Fault("#DIV/0!"))], pa.float64(), [1.5, None, None]),
    ("mixed", [1 / 3, "n/a", 1e-12, True, DAY(2020, 1, 2), 4], pa.string(), [repr(1 / 3), "n/a", "1e-12", "true", "2020-01-02", "4"]),
    ("marks among numbers", [1.5, "n/a", 2, "NULL", 1 / 3], pa.string(), ["1.5", "n/a", "2", "NULL", repr(1 / 3)]),
    ("a mark among dates", [DAY(2024, 1, 31), "NA"], pa.string(), ["2024-01-31", "NA"]),
    ("a mark among truth values", [True, "N/A"], pa.string(), ["true", "N/A"]),
    ("empty", [None, None], pa.string(), [None, None]),
    ("blank text", ["", "a"], pa.string(), [None, "a"]),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "kind", "values"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS])
def test_a_column_has_the_type_of_its_cells(cells: Sequence[Any], kind: pa.DataType, values: Sequence[Any]) -> None:
    found = column(cells)
    assert (found.type, found.to_pylist()) == (kind, values)


def test_marks_of_missing_values_leave_numbers_with_all_of_their_digits() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", 1 / 3], ["b", "NA"], ["a", 2], ["b", 1e-11]]})
    samples, about = ingested(entry(missing=["NA"]))
    assert samples["facts"].to_pylist() == [{"x": 1 / 3}, {"x": None}, {"x": 2.0}, {"x": 1e-11}]
    assert about["sources"][0]["kind"] == "table"


def test_a_mark_of_missing_values_that_is_not_declared_is_an_error() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", 1.5], ["b", "n/a"], ["a", 2], ["b", 3]]})
    with pytest.raises(InputError, match=r"row 3 of sheet 'Data' of t\.xlsx: expected a number.*'n/a'"):
        ingested(entry())


def test_classes_and_names_that_are_whole_numbers_are_written_without_a_point() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "id", "x"], *([row % 2, 1000 + row, row / 2] for row in range(4))]})
    samples, about = ingested(entry() | {"id": "id"})
    assert samples["sample_id"].to_pylist() == ["1000", "1001", "1002", "1003"] and about["target"]["outputs"] == ["0", "1"]


def test_a_column_declared_as_text_is_text() -> None:
    assert column([1, 2.5, None], types={"x": "text"}).to_pylist() == ["1", "2.5", None]


def test_numbers_that_the_library_rounds_are_written_in_full() -> None:
    texts, numbers = pa.array(["0.333333333", "0", "0.5", "007", "x", None, "0"]), pa.array([1 / 3, 1e-12, 0.5, 7.0, None, None, 0.0])
    assert exact_text(texts, numbers).to_pylist() == [repr(1 / 3), "1e-12", "0.5", "007", "x", None, "0"]


# ---------------------------------------------------------------- header and rows
def test_leading_and_inner_blank_rows_are_skipped_and_rows_keep_their_numbers() -> None:
    rows = opened([[], [], [None, "kind", " x "], [None, "a", 1], [], [None, "b", 2], [None, None, None]])
    assert list(rows.types) == ["kind", "x"] and rows.read(["x"], None)["x"].to_pylist() == [1, 2]
    assert [rows.where(row) for row in range(2)] == ["row 4 of sheet 'Data' of t.xlsx", "row 6 of sheet 'Data' of t.xlsx"]


def test_the_header_can_be_named_by_its_row() -> None:
    sheet = [["Report of 2024"], [], ["kind", "x"], ["a", 1], ["b", 2]]
    assert opened(sheet, header=3).read(["x"], None)["x"].to_pylist() == [1, 2]
    with pytest.raises(InputError, match=r"t\.xlsx: sheet 'Data': row 1: column B has no name; every column needs a name"):
        opened(sheet)
    with pytest.raises(InputError, match=r"sheet 'Data': header: row 9 has no cells; there are some in rows 1 to 5"):
        opened(sheet, header=9)


def test_a_header_merged_from_the_row_above_has_its_name() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "size", None], [None, "w", "h"], ["a", 1, 2], ["b", 3, 4]]}, merged=["A1:A2", "B1:C1"])
    assert list(opened(header=2).types) == ["kind", "w", "h"]
    with pytest.raises(InputError, match=r"row 1: column C has no name \(it is part of the merged cell B1:C1\)"):
        opened()


def test_merged_cells_errors_and_unsaved_formulas_are_counted() -> None:
    sheet = [["kind", "x", "y"], ["a", 1, Formula(None)], [None, Fault("#REF!"), Formula(1)], ["b", Fault("#N/A"), Formula(None)]]
    write_xlsx("t.xlsx", {"Data": sheet}, merged=["A2:A3"])
    notes = "\n".join(advice("mine", parsed(entry()), opened()))
    assert "t.xlsx: sheet 'Data': 2 cell(s) with an error such as #N/A count as missing (the first is B3)" in notes
    assert "2 formula(s) without a saved value count as missing (the first is C2); open it in Excel and save it" in notes
    assert "1 merged cell(s) below the header: only the first cell of each has its value" in notes


HEADERS = [
    ([["kind", "x", "x"], ["a", 1, 2]], r"row 1: column 'x' occurs 2 times"),
    ([["kind", None, "x"], ["a", 1, 2]], r"row 1: column B has no name"),
    ([["kind", "x"]], r"there is no row below the header \(row 1\)"),
    ([[], []], r"no visible sheet has a cell with a value; there are: 'Data'"),
]


@pytest.mark.parametrize(("rows", "message"), HEADERS)
def test_a_header_that_names_no_columns_is_refused(rows: Sequence[Sequence[Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        opened(rows)


def test_columns_without_name_and_cells_are_left_out() -> None:
    assert list(opened([["kind", None, "x"], ["a", None, 1], ["b", None, 2]]).types) == ["kind", "x"]


# ---------------------------------------------------------------- sheets
def test_the_only_sheet_with_cells_is_read_and_of_several_one_is_named() -> None:
    sheet = [["kind", "x"], ["a", 1], ["b", 2]]
    write_xlsx("t.xlsx", {"Notes": [], "Data": sheet, "Lists": [["u"], [1]]}, hidden=["Lists"])
    assert opened().read(["x"], None)["x"].to_pylist() == [1, 2]
    write_xlsx("t.xlsx", {"Data": sheet, "More": [["kind", "x"], ["a", 5]]})
    with pytest.raises(InputError, match=r"t\.xlsx: 2 sheets have cells: 'Data', 'More'; name the one .*`sheet: Data`"):
        opened()
    assert opened(sheet="More").read(["x"], None)["x"].to_pylist() == [5]
    with pytest.raises(InputError, match=r"no sheet 'Dta' \(did you mean 'Data'\?\); there are: 'Data', 'More'"):
        opened(sheet="Dta")


def test_keys_of_text_files_are_refused_and_the_reverse() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", 1]]})
    with pytest.raises(InputError, match=r"source\.delimiter: only of text files, and t\.xlsx is an Excel workbook"):
        opened(delimiter=";")
    Path("t.csv").write_text("kind,x\na,1\n")
    with pytest.raises(InputError, match=r"source\.sheet: only of Excel workbooks, and t\.csv is \.csv; remove it"):
        opened(table="t.csv", sheet="Data")


def test_a_changed_cell_is_a_changed_fingerprint() -> None:
    found = []
    for value in (1, 2):
        write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", value], ["b", 1]]})
        found.append(fingerprint_of("mine", parsed(entry()))["digest"])
    assert found[0] != found[1]


# ---------------------------------------------------------------- what is refused
def changed(part: str, before: str, after: str) -> None:
    """Write a workbook one of whose parts is changed."""
    write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", 1], ["b", 2]]})
    with zipfile.ZipFile("t.xlsx") as file:
        parts = {name: file.read(name).decode() for name in file.namelist()}
    assert before in parts[part]
    parts[part] = parts[part].replace(before, after, 1)
    with zipfile.ZipFile("t.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)


SHEET, END = "xl/worksheets/sheet1.xml", "</sheetData>"
CHANGES = [
    (SHEET, END, "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData>",
     r"sheet1\.xml: its cells reach to row 1,048,576 and column 16,384, a grid of 549,755,813,888 bytes"),
    (SHEET, END, "<row r='1048575'/><row><c><v>1</v></c></row><row r='1'>" + "<c><v>1</v></c>" * 16_384 + "</row></sheetData>",
     r"its cells reach to row 1,048,576 and column 16,384"),
    (SHEET, "r='A1'", "r='1A'", r"sheet1\.xml: is damaged \(the place of a cell"),
    (SHEET, END, "", r"sheet1\.xml: is damaged \(mismatched tag"),
    (SHEET, "<sheetData>", "<!DOCTYPE a [<!ENTITY a 'xxxxxxxxxx'>]><sheetData>", "is damaged"),
    ("xl/workbook.xml", "<sheets>", "<broken>", r"workbook\.xml: is damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "before", "after", "message"), CHANGES)
def test_a_damaged_or_hostile_part_is_refused(part: str, before: str, after: str, message: str) -> None:
    changed(part, before, after)
    with pytest.raises(InputError, match=message):
        opened()


def test_one_long_text_in_many_cells_is_refused() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind", "x"], ["a", 1]]})
    with zipfile.ZipFile("t.xlsx") as file:
        parts = {name: file.read(name).decode() for name in file.namelist()}
    names = [part for part in parts if part != SHEET]

    def write(n_long: int) -> None:
        cells = "".join(f"<row r='{row}'><c r='A{row}' t='s'><v>{int(row < 3 + n_long)}</v></c></row>" for row in range(3, 20_003))
        with zipfile.ZipFile("t.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
            for name in names:
                file.writestr(name, parts[name])
            file.writestr("xl/sharedStrings.xml", f"<sst><si><t>k</t></si><si><t>{'x' * 30_000}</t></si></sst>")
            file.writestr(SHEET, parts[SHEET].replace(END, cells + END))

    write(20_000)
    with pytest.raises(InputError, match=r"its cells stand for 600,000,000 characters, as one long text may be in many cells"):
        opened()
    write(3)  # by the longest text and the number of cells it could be as many
    assert sum(map(len, opened().read(["kind"], None)["kind"].to_pylist())) == 1 + 3 * 30_000 + 19_997


@pytest.mark.parametrize(("content", "message"), [
    (b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), r"t\.xlsx: is encrypted with a password, which is"),
    (b"\xd0\xcf\x11\xe0" + bytes(600), r"t\.xlsx: is in the old format of Excel \(\.xls\), or encrypted"),
    (b"kind,x\na,1\n", r"t\.xlsx: is no Excel workbook, whatever its ending promises"),
    (b"PK\x03\x04" + bytes(40), r"t\.xlsx: cannot be read as an archive"),
])  # fmt: skip
def test_a_file_that_is_no_readable_workbook_is_refused_in_one_line(content: bytes, message: str) -> None:
    Path("t.xlsx").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        opened()
    assert "\n" not in str(error.value)


def test_an_archive_of_other_things_is_no_workbook() -> None:
    write_ods("t.xlsx", {"Data": [["kind", "x"], ["a", 1]]})
    with pytest.raises(InputError, match=r"t\.xlsx: has no xl/workbook\.xml, so it is no Excel workbook"):
        opened()


def test_a_workbook_is_no_folder() -> None:
    write_xlsx("t.xlsx", {"Data": [["kind"], ["a"]]})
    with pytest.raises(InputError, match=r"folder: t\.xlsx: is an Excel workbook, .*; write `source: \{table: t\.xlsx\}`"):
        open_files("t.xlsx", "folder")


# ---------------------------------------------------------------- make new
def test_make_new_writes_the_lines_of_a_workbook(capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    rows = [["price", "sold", "day", "kind"], *([row / 3, row % 2 == 0, DAY(2024, 1, 1 + row), "ab"[row // 2 % 2]] for row in range(24))]
    write_xlsx("my data.xlsx", {"Data": rows, "More": [["q"], [1]]})
    assert new.main(["mine", "my data.xlsx"]) == 1
    assert "2 sheets have cells: 'Data', 'More'; name the one" in capsys.readouterr().err
    assert new.main(["mine", "my data.xlsx", "--sheet", "More", "--header", "7"]) == 1
    assert "sheet 'More': header: row 7 has no cells" in capsys.readouterr().err
    assert new.main(["mine", "my data.xlsx", "--sheet", "Data", "--write"]) == 0
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    found = params["datasets"]["mine"]
    assert found["source"] == {"table": "my data.xlsx", "sheet": "Data"} and found["target"] == {"column": "kind", "task": "binary"}
    samples, _ = ingested(found)
    assert samples["facts"].to_pylist()[1] == {"price": 1 / 3, "sold": False, "day": DAY(2024, 1, 2)}
