"""Workbooks (.xlsx, .ods) written by hand, as no library of the lock writes them: a zip of XML, with cells as a program saves them."""

import datetime
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MAIN = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
STYLES = {datetime.datetime: 1, datetime.date: 2, datetime.time: 3}  # place in cellXfs
FORMATS = (0, 22, 14, 21, 10)  # general, date and time, date, time, percent
EPOCH = datetime.datetime(1899, 12, 30)

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Fault:
    """A cell with an error such as #N/A."""

    name: str


@dataclass(frozen=True)
class Formula:
    """A formula with the value that the program computed last; None: it has not."""

    value: Any


def write_xlsx(path: Path | str, sheets: Mapping[str, Rows], *, merged: Sequence[str] = (), hidden: Sequence[str] = ()) -> None:
    """Write a workbook; a None is no cell, an empty row is none. merged: ranges of the first sheet, such as A1:B1."""
    names = list(sheets)
    links = [f"<Relationship Id='rId{n}' Type='{OFFICE}/worksheet' Target='worksheets/sheet{n}.xml'/>" for n in range(1, len(names) + 1)]
    links.append(f"<Relationship Id='styles' Type='{OFFICE}/styles' Target='styles.xml'/>")
    listed = "".join(f"<sheet name={quoteattr(name)} sheetId='{n}' r:id='rId{n}'{' state=' + repr('hidden') if name in hidden else ''}/>"
                     for n, name in enumerate(names, 1))  # fmt: skip
    formats = "".join(f"<xf numFmtId='{number}' applyNumberFormat='1'/>" for number in FORMATS)
    spans = f"<mergeCells>{''.join(f'<mergeCell ref={span!r}/>' for span in merged)}</mergeCells>" if merged else ""
    parts = {
        "[Content_Types].xml": f"<Types xmlns='{PACKAGE}/content-types'><Default Extension='xml' ContentType='application/xml'/></Types>",
        "_rels/.rels": _links([f"<Relationship Id='rId1' Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/>"]),
        "xl/workbook.xml": f"<workbook {MAIN} xmlns:r='{OFFICE}'><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _links(links),
        "xl/styles.xml": f"<styleSheet {MAIN}><cellXfs count='{len(FORMATS)}'>{formats}</cellXfs></styleSheet>",
    }
    for n, (_, rows) in enumerate(sheets.items(), 1):
        data = "".join(_row(number, row) for number, row in enumerate(rows, 1))
        parts[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet {MAIN}><sheetData>{data}</sheetData>{spans if n == 1 else ''}</worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, f"<?xml version='1.0' encoding='UTF-8'?>{text}")


def write_ods(path: Path | str, sheets: Mapping[str, Rows]) -> None:
    """Write an OpenDocument spreadsheet of texts and numbers."""
    spaces = "".join(f" xmlns:{short}='urn:oasis:names:tc:opendocument:xmlns:{name}:1.0'"
                     for short, name in (("office", "office"), ("table", "table"), ("text", "text")))  # fmt: skip
    tables = "".join(f"<table:table table:name={quoteattr(name)}>{''.join(map(_ods_row, rows))}</table:table>"
                     for name, rows in sheets.items())  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        file.writestr("content.xml", f"<?xml version='1.0' encoding='UTF-8'?><office:document-content{spaces}><office:body>"
                                     f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>")


def _links(links: Sequence[str]) -> str:
    return f"<Relationships xmlns='{PACKAGE}/relationships'>{''.join(links)}</Relationships>"


def _row(number: int, cells: Sequence[Any]) -> str:
    written = "".join(_cell(f"{_letters(place)}{number}", cell) for place, cell in enumerate(cells) if cell is not None)
    return f"<row r='{number}'>{written}</row>" if written else ""


def _letters(place: int) -> str:
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(65 + place % 26)


def _cell(place: str, cell: Any) -> str:
    formula = ""
    if isinstance(cell, Formula):
        formula, cell = "<f>A1</f>", cell.value
        if cell is None:
            return f"<c r='{place}'>{formula}</c>"
    if isinstance(cell, bool):
        return f"<c r='{place}' t='b'>{formula}<v>{int(cell)}</v></c>"
    if isinstance(cell, Fault):
        return f"<c r='{place}' t='e'>{formula}<v>{cell.name}</v></c>"
    if isinstance(cell, str):
        kind = "str" if formula else "inlineStr"
        value = f"<v>{escape(cell)}</v>" if formula else f"<is><t xml:space='preserve'>{escape(cell)}</t></is>"
        return f"<c r='{place}' t='{kind}'>{formula}{value}</c>"
    style = f" s='{STYLES[type(cell)]}'" if type(cell) in STYLES else ""
    return f"<c r='{place}'{style}>{formula}<v>{_number(cell)!r}</v></c>"


def _number(cell: Any) -> float:
    if isinstance(cell, datetime.datetime):
        return (cell - EPOCH) / datetime.timedelta(days=1)
    if isinstance(cell, datetime.date):
        return (datetime.datetime(cell.year, cell.month, cell.day) - EPOCH).days
    if isinstance(cell, datetime.time):
        return (cell.hour * 3600 + cell.minute * 60 + cell.second) / 86400
    return cell


def _ods_row(cells: Sequence[Any]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>"


def _ods_cell(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, str):
        return f"<table:table-cell office:value-type='string'><text:p>{escape(cell)}</text:p></table:table-cell>"
    return f"<table:table-cell office:value-type='float' office:value='{cell}'><text:p>{cell}</text:p></table:table-cell>"
