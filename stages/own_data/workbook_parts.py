"""The parts of an Excel workbook (.xlsx, a zip of XML), measured before a library reads them.

A reader of workbooks makes a grid up to the last cell, and a text for every cell that names it: a file of two kilobytes with a value in the
last cell of a sheet takes half a terabyte. So every part is read once by expat, and only what was measured is passed on, packed again.
"""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from stages.foundation.errors import InputError
from stages.own_data.archives import ArchiveFiles, open_archive
from stages.own_data.unpacked_size import GROWTH, MAX_UNPACKED

WORKBOOK, LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
ENDINGS = (".xml", ".rels")  # of the parts that hold data; macros, images and others are not passed on
ROOT_LINKS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
COMPOUND = b"\xd0\xcf\x11\xe0"  # what an encrypted workbook is wrapped in, and what an .xls is
CELL_BYTES = 32  # that a cell of the grid takes
DIGITS = "0123456789"
LETTERS = re.compile(r"[A-Za-z]{1,7}")
ELEMENTS = frozenset(("c", "v", "f", "is", "row", "t", "si"))  # the most frequent ones


@dataclass
class Extent:
    """What one part holds. rows, columns: up to the last cell with a value or formula. first_row, first_column: of a value, from 1.

    texts: cells that name a shared text. errors: cells with an error such as #N/A; unsaved: formulas without a saved value (of both the
    first place). merged: ranges. characters: of each shared text.
    """

    rows: int = 0
    columns: int = 0
    first_row: int = 0
    first_column: int = 0
    texts: int = 0
    named: int = 0  # characters of the shared texts that the cells name, where they were counted
    errors: list[str] = field(default_factory=list)
    n_errors: int = 0
    unsaved: list[str] = field(default_factory=list)
    n_unsaved: int = 0
    merged: list[str] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: its name, whether it is hidden, and what its part holds (None: it is no table of cells)."""

    name: str
    is_hidden: bool
    extent: Extent | None


@dataclass(frozen=True)
class Workbook:
    """A measured workbook: packed again, with its data alone; and its sheets in order."""

    packed: bytes
    sheets: tuple[Sheet, ...]


def open_workbook(path: Path, name: str) -> Workbook:
    """Return a workbook.

    Args:
        name: the file's name in messages.
    Raises:
        InputError: if it is encrypted, in an older format, damaged, or would take more memory than is sensible for its size.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(COMPOUND):
        raise InputError(f"{name}: {_compound(path)}")
    if not start.startswith(b"PK"):
        raise InputError(f"{name}: is no Excel workbook, whatever its ending promises; expected .xlsx (save it so in Excel), or a CSV file "
                         "that is called .csv")
    files = open_archive(path, name, keep_top=True)
    if WORKBOOK not in files.names() or LINKS not in files.names():
        raise InputError(f"{name}: has no {WORKBOOK}, so it is no Excel workbook, or an unusual one; open it in Excel and save it as .xlsx")
    parts = {part: _read(files, part, name) for part in files.names() if part.endswith(ENDINGS)}
    extents = {part: measured(raw, part, name) for part, raw in parts.items()}
    _refuse_bomb(path, name, parts, extents)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("_rels/.rels", ROOT_LINKS)
        for part, raw in parts.items():
            archive.writestr(part, raw)
    return Workbook(packed.getvalue(), tuple(_sheets(parts, extents, name)))


def _compound(path: Path) -> str:
    content = path.read_bytes() if path.stat().st_size < MAX_UNPACKED else b""
    if "EncryptedPackage".encode("utf-16-le") in content:
        return "is encrypted with a password, which is not read; save it without one in Excel (File, Info, Protect Workbook)"
    return "is in the old format of Excel (.xls), or encrypted; open it in Excel and save it as .xlsx, or the sheet as CSV (UTF-8)"


def _read(files: ArchiveFiles, part: str, name: str) -> bytes:
    try:
        return files.read(part)
    except ValueError as error:
        raise InputError(f"{name}: {str(error).replace('cut it into several samples', 'save the sheet as CSV or Parquet')}") from error


class _Measure:
    """Counts what a part of a workbook holds while expat reads it."""

    def __init__(self, characters: list[int] | None) -> None:
        self.found = Extent()
        self._row = self._column = 0
        self._digits = ""  # the number of the row, as the places of its cells have it
        self._columns: dict[str, int] = {}
        self._texts = characters  # of each shared text, if the characters that cells name are to be counted
        self._cell: Mapping[str, str] = {}
        self._formula = ""  # the place of a formula that had no value yet
        self._is_counted, self._text = False, ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name if name in ELEMENTS else name.rpartition(":")[2]
        if local == "c":
            if self._formula:
                self.end_row()
            self._begin_cell(attributes)
        elif local == "v" or local == "is":
            self._value()
        elif local == "f":
            self._formula = self._cell.get("r", f"row {self._row}")
            self._extend()
        elif local == "row":
            self.end_row()
            self._row, self._column = int(attributes.get("r") or self._row + 1), 0
            self._digits = str(self._row)
        elif local == "si":
            self.found.characters.append(0)
        elif local == "mergeCell":
            self.found.merged.append(attributes.get("ref", ""))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._cell = attributes
        place = attributes.get("r")
        if place is None:
            self._column += 1
            return
        letters = place.rstrip(DIGITS)
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _number(letters)
        self._column = column
        if (digits := place[len(letters) :]) != self._digits:
            self._row, self._digits = int(digits), digits

    def _value(self) -> None:
        found, kind = self.found, self._cell.get("t")
        self._formula = ""
        self._extend()
        if not found.first_row or self._row < found.first_row:
            found.first_row = self._row
        if not found.first_column or self._column < found.first_column:
            found.first_column = self._column
        if kind == "s":
            found.texts += 1
        elif kind == "e":
            found.n_errors += 1
            found.errors = found.errors or [self._cell.get("r", f"row {self._row}")]
        if self._texts is not None:
            self._is_counted, self._text = kind == "s", ""

    def end_row(self) -> None:
        """Count a formula that had no value."""
        if self._formula:
            self.found.n_unsaved += 1
            self.found.unsaved = self.found.unsaved or [self._formula]
            self._formula = ""

    def _extend(self) -> None:
        if self._row > self.found.rows:
            self.found.rows = self._row
        if self._column > self.found.columns:
            self.found.columns = self._column

    def text(self, text: str) -> None:
        if self.found.characters:
            self.found.characters[-1] += len(text)
        elif self._is_counted:
            self._text += text

    def end(self, name: str) -> None:
        if self._is_counted and self._texts is not None:
            self.found.named += self._texts[int(self._text)]
            self._is_counted = False


def measured(raw: bytes, part: str, name: str, characters: list[int] | None = None) -> Extent:
    """Return what a part holds; with the `characters` of the shared texts, also how many of them its cells name.

    Raises:
        InputError: if it is no XML, or the place of a cell is none.
    """
    measure, parser = _Measure(characters), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = measure.start
    if characters is not None:
        parser.EndElementHandler = measure.end
    if characters is not None or part.endswith("sharedStrings.xml") or b"<sst" in raw[:4096] or b":sst" in raw[:4096]:
        parser.CharacterDataHandler = measure.text
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, IndexError) as error:
        why = str(error) if isinstance(error, expat.ExpatError) else "the place of a cell, or the number of a text, is none"
        raise InputError(f"{name}: {part}: is damaged ({why}); open it in Excel and save it again") from error
    measure.end_row()
    return measure.found


def _number(letters: str) -> int:
    """Return the number of a column, from 1; raise ValueError if letters name none."""
    if not LETTERS.fullmatch(letters):
        raise ValueError(letters)
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def _refuse_bomb(path: Path, name: str, parts: Mapping[str, bytes], extents: Mapping[str, Extent]) -> None:
    """Raise InputError if the grid or the texts of a part take more than the file's size allows."""
    allowed = MAX_UNPACKED + GROWTH * path.stat().st_size
    characters = max((extent.characters for extent in extents.values()), key=len)
    for part, extent in extents.items():
        if (grid := extent.rows * extent.columns * CELL_BYTES) > allowed:
            raise InputError(f"{name}: {part}: its cells reach to row {extent.rows:,} and column {extent.columns:,}, a grid of {grid:,} "
                             f"bytes, expected at most {allowed:,} for this file; delete the rows and columns around the data, or save the "
                             "sheet as CSV")
        if 4 * extent.texts * max(characters, default=0) > allowed:  # else count exactly; a character takes up to four bytes
            extent.named = measured(parts[part], part, name, characters).named
            if 4 * extent.named > allowed:
                raise InputError(f"{name}: {part}: its cells stand for {extent.named:,} characters, as one long text may be in many cells; "
                                 "save the sheet as CSV or Parquet")


def _sheets(parts: Mapping[str, bytes], extents: Mapping[str, Extent], name: str) -> list[Sheet]:
    """Return the sheets in the order of the workbook."""
    targets = {link.get("Id"): link.get("Target", "") for link in ET.fromstring(parts[LINKS])}
    sheets = []
    for element in ET.fromstring(parts[WORKBOOK]).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            link = next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == "id"), "")
            target = str(targets.get(link, ""))
            part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            is_table = "/worksheets/" in f"/{part}"
            is_hidden = element.get("state", "visible") != "visible"
            sheets.append(Sheet(element.get("name", ""), is_hidden, extents.get(part) if is_table else None))
    if not sheets:
        raise InputError(f"{name}: the workbook has no sheet")
    return sheets


def parsed_range(text: str) -> tuple[int, int, int, int] | None:
    """Return the first row and column of a range such as B2:C4, and the last ones, from 1; None if it is none."""
    found: Any = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})", text)
    return (int(found[2]), _number(found[1]), int(found[4]), _number(found[3])) if found else None
