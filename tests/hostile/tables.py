"""Hostile params.yaml, tables and names of files; and sound tables that are packed as tightly."""

import itertools
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from workbooks import write_xlsx

from hostile import Case, folder, table

N = 4000  # rows of hostile tables


# ---------------------------------------------------------------- params.yaml
def laughs(before: str, then: Callable[[str], str], n: int = 9) -> str:
    """Return YAML of anchors, each of which names the one before nine times."""
    names = "abcdefghijkl"
    return "".join(
        [
            f"a: &a {before}\n",
            *(f"{new}: &{new} {then(', '.join([f'*{old}'] * 9))}\n" for old, new in itertools.pairwise(names[: n + 1])),
        ]
    )


PARAMS = {
    "billion laughs of lists": (lambda: "seed: 1\n" + laughs("[x]", "[{}]".format), "line 8: its aliases .* stand for more than 1,048,576"),
    "billion laughs of mappings": (
        lambda: laughs("{x: 1}", lambda all: "{" + ", ".join(f"k{i}: {one}" for i, one in enumerate(all.split(", "))) + "}"),
        "its aliases",
    ),
    "billion laughs of merges": (lambda: laughs("{x: 1}", "{{<<: [{}], y: 1}}".format), "its aliases"),
    "one long text many times": (lambda: "a: &a " + "x" * 60_000 + "\nb: [" + ",".join(["*a"] * 3_000) + "]", "line 2: its aliases"),
    "an alias inside its own anchor": (lambda: "seed: &a [*a]", "contains itself"),
    "100,000 brackets": (lambda: "seed: " + "[" * 100_000, "line 1: nested deeper than 50 levels"),
    "20,000 braces": (lambda: "seed: " + "{a: " * 20_000, "line 1: nested deeper than 50 levels"),
    "60,000 dashes": (lambda: "- " * 60_000 + "x", "line 1: nested deeper than 50 levels"),
    "60,000 question marks": (lambda: "? " * 60_000, "line 1: nested deeper than 50 levels"),
    "400 levels of indentation": (lambda: "".join(f"{' ' * i}a:\n" for i in range(400)), "nested deeper than 50 levels"),
    "a megabyte of keys": (lambda: "".join(f"k{i}: {i}\n" for i in range(80_000)), "1,097,780 characters; expected at most 131,072"),
    "100 MB": (lambda: b"#" * 100_000_000, "100,000,000 characters; expected at most"),
    "an integer of 5,000 digits": (
        lambda: "seed: " + "9" * 5_000,
        r"line 1: .*a number of 5,000 characters \(9{20}…\); expected at most 100",
    ),
    "a hexadecimal integer of 50,000 digits": (lambda: "seed: 0x" + "f" * 50_000, "a number of 50,002 characters"),
    "an octal integer of 50,000 digits": (lambda: "seed: 0o" + "7" * 50_000, "a number of 50,002 characters"),
    "an integer of underscores": (lambda: "seed: 1" + "_1" * 5_000, "a number of 10,001 characters"),
    "a float of 60,000 digits": (lambda: "seed: 1." + "1" * 60_000, "a number of 60,002 characters"),
    "the 99th of the 99th month": (lambda: "seed: 2001-99-99", "line 1: .*'2001-99-99' cannot be read as timestamp"),
    "the 99th hour": (lambda: "seed: 2001-01-01T99:99:99Z", "cannot be read as timestamp"),
    "a tagged number that is none": (lambda: "seed: !!int abc", "'abc' cannot be read as int"),
    "a tagged truth value that is none": (lambda: "seed: !!bool maybe", "'maybe' cannot be read as bool"),
    "a tagged float that is none": (lambda: "seed: !!float ''", "'' cannot be read as float"),
    "bytes that are none": (lambda: "seed: !!binary é", "line 1"),
    "a Python object": (lambda: "seed: !!python/object/apply:os.system [touch pwned]", "could not determine a constructor"),
    "a Python module": (lambda: "seed: !!python/module:os", "could not determine a constructor"),
    "a tag of its own": (lambda: "%TAG ! tag:x,2000:\n---\nseed: !run 1", "could not determine a constructor"),
    "a NUL": (lambda: b"seed: \0", "special characters are not allowed"),
    "an escape code": (lambda: b"seed: \x1b[2J", "special characters are not allowed"),
    "UTF-16": (lambda: "seed: 1".encode("utf-16"), "not UTF-8: byte 0 is 0xff"),
    "half a surrogate": (lambda: b"seed: \xed\xa0\xbd", "not UTF-8: byte 6 is 0xed"),
    "two documents": (lambda: "seed: 1\n---\nseed: 2", "found another document"),
    "an unknown alias": (lambda: "seed: *a", "found undefined alias"),
    "30,000 documents": (lambda: "---\n" * 30_000, "found another document"),
    "an open quote": (lambda: 'seed: "' + "x" * 100_000, "found unexpected end of stream"),
    "a list as a key": (lambda: "? [a, b]\n: 1", "is not text; put it in quotes"),
    "a merge of text": (lambda: "<<: x", "line 1: not valid YAML"),
    "YAML 9": (lambda: "%YAML 9.9\n---\nseed: 1", "incompatible YAML document"),
}


# ---------------------------------------------------------------- tables
def arrow_file(column: pa.Array, **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        whole = pa.table({"kind": ["a", "b"] * (len(column) // 2), "it": column})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, whole.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(whole)

    return write


def parquet_file(column: pa.Array, **options: Any) -> Callable[[Path], None]:
    whole = {"kind": ["a", "b"] * (len(column) // 2), "it": column}
    return lambda path: pq.write_table(pa.table(whole), path, **{"compression": "zstd", "dictionary_pagesize_limit": 2**30, **options})


def repeated(value: Any = "x" * 4_000_000) -> pa.Array:
    """Return one value in every row, as a dictionary of one entry."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(N, np.int32)), pa.array([value]))


ONES = np.arange(N + 1, dtype=np.int32)
IN_LISTS = pa.ListArray.from_arrays(pa.array(ONES), repeated())
IN_STRUCTS = pa.StructArray.from_arrays([repeated()], names=["bytes"])


def long_texts() -> pa.Array:
    return pa.array(["x" * 500_000] * 1_000, pa.large_string())


VIEW = pa.array(["x" * 3_000_000], pa.string_view())
VIEWS = pa.Array.from_buffers(pa.string_view(), N, [None, pa.py_buffer(VIEW.buffers()[1].to_pybytes() * N), VIEW.buffers()[2]])


def numbers() -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(ONES * 20_000), pa.array(np.zeros(N * 20_000)))


def nested(levels: int) -> pa.Array:
    column = pa.array([1] * N)
    for _ in range(levels):
        column = pa.StructArray.from_arrays([column], names=["a"])
    return column


def csv(cell: str, n: int = 10) -> bytes:
    return ("kind,it\n" + "".join(f"{'ab'[i % 2]},{cell if i == 5 else i}\n" for i in range(n))).encode()


def lines(cell: str) -> bytes:
    return "".join(f'{{"kind": "{"ab"[i % 2]}", "it": {cell if i == 5 else "null"}}}\n' for i in range(10)).encode()


def workbook(cells: str, texts: str = "<si><t>x</t></si>") -> Callable[[Path], None]:
    """Write a workbook with more cells below its two rows, and with shared texts."""

    def write(path: Path) -> None:
        write_xlsx(path, {"Data": [["kind", "it"], ["a", 1], ["b", 2]]})
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name).decode() for name in file.namelist()}
        parts["xl/sharedStrings.xml"] = f"<sst>{texts}</sst>"
        parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace("</sheetData>", f"{cells}</sheetData>")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in parts.items():
                file.writestr(name, text)

    return write


def text_cells(n: int) -> str:
    return "".join(f"<row r='{row}'><c r='A{row}' t='s'><v>0</v></c></row>" for row in range(4, 4 + n))


def lying_list(n: int) -> Callable[[Path], None]:
    """Write a list column whose offsets declare `n` members, of which the file holds none."""

    def write(path: Path) -> None:
        offsets = np.arange(N + 1, dtype=np.int32) * np.int32(1)
        arrow_file(pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.zeros(N))))(path)
        raw = path.read_bytes()
        before, here, after = raw.rpartition(offsets.tobytes())
        assert here
        path.write_bytes(before + (offsets * np.int32(n // N)).tobytes() + after)

    return write


GROWS, MANY = r"t\.\w+: its [\d,]+ bytes stand for [\d,]+, expected at most", "in which one value can stand for many"
TABLES: dict[str, tuple[Case, str]] = {
    "Arrow: a dictionary of one long text": (table("t.arrow", lambda: arrow_file(repeated())), GROWS),
    "Arrow: a dictionary of one long text, as a table": (table("t.arrow", lambda: arrow_file(repeated()), "table"), GROWS),
    "Arrow: a dictionary of long bytes": (table("t.arrow", lambda: arrow_file(repeated(b"x" * 4_000_000)), "image"), GROWS),
    "Arrow: a dictionary in lists": (table("t.arrow", lambda: arrow_file(IN_LISTS)), GROWS),
    "Arrow: a dictionary in structs": (table("t.arrow", lambda: arrow_file(IN_STRUCTS), "image"), GROWS),
    "Arrow: views of one text": (table("t.arrow", lambda: arrow_file(VIEWS)), GROWS),
    "Arrow: views of a list": (
        table(
            "t.arrow",
            lambda: arrow_file(
                pa.ListViewArray.from_arrays(
                    pa.array(np.zeros(N, np.int32)), pa.array(np.full(N, 1_000_000, np.int32)), pa.array(np.zeros(1_000_000))
                )
            ),
            "series",
        ),
        f"column 'it' is of type ListView, {MANY}",
    ),
    "Arrow: a run of 4,000": (
        table("t.arrow", lambda: arrow_file(pa.RunEndEncodedArray.from_arrays(pa.array([N], pa.int32()), pa.array(["x" * 4_000_000])))),
        f"column 'it' is of type RunEndEncoded, {MANY}",
    ),
    "Arrow: zstd of one letter": (table("t.arrow", lambda: arrow_file(long_texts(), compression="zstd")), GROWS),
    "Arrow: lz4 of one letter": (table("t.arrow", lambda: arrow_file(long_texts(), compression="lz4")), GROWS),
    "Arrow: zstd of one number in lists": (table("t.arrow", lambda: arrow_file(numbers(), compression="zstd"), "series"), GROWS),
    "Arrow: lists of two billion nothings": (
        table("t.arrow", lambda: arrow_file(pa.ListArray.from_arrays(pa.array(ONES * 500_000), pa.nulls(N * 500_000))), "series"),
        "damaged",
    ),
    "Arrow: fixed lists of two billion nothings": (
        table("t.arrow", lambda: arrow_file(pa.FixedSizeListArray.from_arrays(pa.nulls(N * 500_000), 500_000)), "series"),
        "damaged",
    ),
    "Arrow: lists longer than the file": (table("t.arrow", lambda: lying_list(2_000_000_000), "series"), "damaged"),
    "Arrow: lists of negative lengths": (table("t.arrow", lambda: lying_list(-4_000), "series"), "damaged"),
    "Arrow: 60 levels": (table("t.arrow", lambda: arrow_file(nested(60))), "column 'it' is nested deeper than 8 levels"),
    "Arrow: ten million rows of nothing": (table("t.arrow", lambda: arrow_file(pa.nulls(10_000_002))), "rows; expected at most 10,000,000"),
    "Arrow: no footer": (table("t.arrow", lambda: b"ARROW1\0\0" + bytes(1_000)), "not a readable .arrow file"),
    "Arrow: a footer beyond the file": (
        table("t.arrow", lambda: bytes(100) + struct.pack("<i", 2**31 - 1) + b"ARROW1"),
        "not a readable .arrow",
    ),
    "Arrow: a footer of noise": (table("t.arrow", lambda: b"\xff" * 100 + struct.pack("<i", 90) + b"ARROW1"), "not a readable .arrow file"),
    "Arrow: empty": (table("t.arrow", lambda: b""), "not a readable .arrow file"),
    "Parquet: a dictionary of one long text": (table("t.parquet", lambda: parquet_file(repeated())), GROWS),
    "Parquet: a dictionary that the schema lacks": (table("t.parquet", lambda: parquet_file(pa.array(["x" * 400_000] * N))), GROWS),
    "Parquet: the same, as a table": (table("t.parquet", lambda: parquet_file(pa.array(["x" * 400_000] * N)), "table"), GROWS),
    "Parquet: a dictionary of long bytes": (table("t.parquet", lambda: parquet_file(repeated(b"x" * 4_000_000)), "audio"), GROWS),
    "Parquet: a dictionary in lists": (table("t.parquet", lambda: parquet_file(IN_LISTS)), GROWS),
    "Parquet: a dictionary in structs": (table("t.parquet", lambda: parquet_file(IN_STRUCTS), "image"), GROWS),
    "Parquet: zstd of one letter": (table("t.parquet", lambda: parquet_file(long_texts(), use_dictionary=False)), GROWS),
    "Parquet: a run of one number in lists": (table("t.parquet", lambda: parquet_file(numbers()), "series"), GROWS),
    "Parquet: zstd of one number in lists": (table("t.parquet", lambda: parquet_file(numbers(), use_dictionary=False), "series"), GROWS),
    "Parquet: 60 levels": (table("t.parquet", lambda: parquet_file(nested(60))), "column 'it' is nested deeper than 8 levels"),
    "Parquet: ten million rows of nothing": (
        table("t.parquet", lambda: parquet_file(pa.nulls(10_000_002))),
        "rows; expected at most 10,000,000",
    ),
    "Parquet: a footer beyond the file": (
        table("t.parquet", lambda: b"PAR1" + struct.pack("<I", 2**32 - 1) + b"PAR1"),
        "not a readable .parquet",
    ),
    "Parquet: a footer of noise": (
        table("t.parquet", lambda: b"PAR1" + b"\xff" * 90 + struct.pack("<I", 90) + b"PAR1"),
        "not a readable .parquet",
    ),
    "CSV: a number of 5,000 digits": (table("t.csv", lambda: csv("9" * 5_000), "table"), "line 7 of t.csv: expected a number up to 1e308"),
    "CSV: 1e999": (table("t.csv", lambda: csv("1e999"), "table"), "line 7 of t.csv: expected a number up to 1e308"),
    "CSV: -1e999": (table("t.csv", lambda: csv("-1e999"), "table"), "line 7 of t.csv: expected a number up to 1e308"),
    "CSV: 5,000 digits after the point": (table("t.csv", lambda: csv("." + "1" * 5_000 + "x"), "table"), "expected a number"),
    "CSV: a cell of 17 MB": (table("t.csv", lambda: csv("x" * (2**24 + 1))), r"t\.csv: line 7: field larger than field limit"),
    "CSV: an open quote": (table("t.csv", lambda: csv('"' + "x\n" * 1_000_000)), "is a quote left open"),
    "CSV: a million columns": (table("t.csv", lambda: b",".join([b"x"] * 1_000_000) + b"\n"), "column 'x' occurs 1000000 times"),
    "CSV: a million cells in a row": (table("t.csv", lambda: csv("," * 1_000_000)), "line 7 .* has 1000002 cells, the header has 2"),
    "CSV: a year of 5,000 digits": (table("t.csv", lambda: csv("1" * 5_000 + "-01-01"), "table", types={"it": "date"}), "expected a date"),
    "CSV: the 99th month": (
        table("t.csv", lambda: csv("2001-99-99"), "table", types={"it": "date"}),
        "expected a date|not a calendar date",
    ),
    "CSV: NULs": (table("t.csv", lambda: csv("\0" * 1_000) + b"\0"), "line"),
    "Excel: a value in the last cell": (
        table("t.xlsx", lambda: workbook("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"), "table"),
        "its cells reach to row 1,048,576 and column 16,384",
    ),
    "Excel: a value in a cell beyond the last": (
        table("t.xlsx", lambda: workbook("<row r='999999999'><c r='ZZZZZZ999999999'><v>1</v></c></row>"), "table"),
        "its cells reach to row 999,999,999",
    ),
    "Excel: one long text in many cells": (
        table("t.xlsx", lambda: workbook(text_cells(10_000), f"<si><t>{'x' * 500_000}</t></si>"), "table"),
        "its cells stand for 5,000,000,000 characters",
    ),
    "Excel: entities": (
        table("t.xlsx", lambda: workbook("<row r='9'><c r='A9' t='inlineStr'><is><t>&a;</t></is></c></row>"), "table"),
        "sheet1.xml: is damaged",
    ),
    "Excel: a part of 100 MB of blanks": (table("t.xlsx", lambda: workbook(" " * 100_000_000), "table"), "times the archive's"),
    "JSON lines: an integer of 5,000 digits": (
        table("t.jsonl", lambda: lines("9" * 5_000), "table"),
        "line 6: an integer of 5,000 digits; expected",
    ),
    "JSON lines: the same as text": (
        table("t.jsonl", lambda: lines("9" * 5_000), types={"it": "text"}),
        "line 6: an integer of 5,000 digits",
    ),
    "JSON lines: an integer of 30 digits": (table("t.jsonl", lambda: lines("9" * 30), "table"), "numbers that fit 64 bits"),
    "JSON lines: 1e999": (table("t.jsonl", lambda: lines("1e999"), "table"), "line 6: 'it' is a number beyond 1e308"),
    "JSON lines: Infinity": (table("t.jsonl", lambda: lines("Infinity"), "table"), "line 6: 'it' is a number beyond 1e308"),
    "JSON lines: 100,000 brackets": (table("t.jsonl", lambda: lines("[" * 100_000), "series"), "line 6: nested too deeply"),
    "JSON lines: 500 closed brackets": (
        table("t.jsonl", lambda: lines("[" * 500 + "]" * 500), "series"),
        "'it': nested deeper than 8 levels",
    ),
    "JSON lines: 500 braces": (table("t.jsonl", lambda: lines('{"a": ' * 500 + "1" + "}" * 500)), "'it': nested deeper than 8 levels"),
    "JSON lines: 100,000 braces": (table("t.jsonl", lambda: lines('{"a": ' * 100_000)), "line 6: nested too deeply"),
    "JSON lines: a number for an object": (table("t.jsonl", lambda: b"1\n"), "expected a JSON object"),
    "JSON lines: half a surrogate": (table("t.jsonl", lambda: lines(r'"\ud800"')), "line"),
}


# ---------------------------------------------------------------- names of files
MANY_FIELDS = "_".join(f"{{f{i}}}" for i in range(20)) + ".wav"
FOLDERS: dict[str, tuple[Case, str]] = {
    "label: 20 fields, a name of separators": (folder(MANY_FIELDS, "_" * 240), "source.label: _+ could fit .* in too many ways"),
    "label: the same with the right ending": (folder(MANY_FIELDS, "_" * 236 + ".wav"), "in too many ways"),
    "label: the same letter between fields": (folder("a".join(f"{{f{i}}}" for i in range(20)) + "!", "a" * 240), "in too many ways"),
    "label: fields that occur twice": (folder("{f0}_{f1}_{f2}_{f0}_{f1}_{f2}_{f3}!", "_" * 240), "in too many ways|do not fit"),
    "label: 51 fields": (folder("_".join(f"{{f{i}}}" for i in range(51)), "x"), "51 fields; expected at most 50"),
    "label: adjacent fields": (folder("".join(f"{{f{i}}}" for i in range(26)), "x"), "two fields are adjacent"),
    "label: 400 braces": (folder("{" * 400, "x"), "a brace is not closed"),
    "ignore: a hundred stars": (folder("{f0}.txt", "a" * 240, ignore=["*a" * 100 + "b"]), "do not fit label"),
    "ignore: sets and stars": (folder("{f0}.txt", "a" * 240, ignore=["[a-z]*" * 40 + "!"]), "do not fit label"),
    "ignore: an open set": (folder("{f0}.txt", "a" * 240, ignore=["[" * 10_000]), "at most 500 characters, found"),
}


# What real programs write in the same ways, which must stay readable.
WORDS = pa.array([f"word {i % 7} of the text" for i in range(N)])
BYTES = pa.array([bytes([i % 251]) * 90 for i in range(N)])
WHOLE = {
    "words": WORDS,
    "categories": WORDS.dictionary_encode(),
    "views": WORDS.cast(pa.string_view()),
    "large": WORDS.cast(pa.large_string()),
}
SOUND: dict[str, Case] = {
    **{f"Parquet: {name}": table("t.parquet", lambda column=column: parquet_file(column)) for name, column in WHOLE.items()},
    **{
        f"Arrow: {name}, {how}": table("t.arrow", lambda column=column, how=how: arrow_file(column, compression=how))
        for name, column in WHOLE.items()
        for how in (None, "lz4", "zstd")
    },
    "Parquet: series": table("t.parquet", lambda: parquet_file(pa.array([[[1.0, 2.0]] * 3] * N)), "series"),
    "Arrow: series, zstd": table("t.arrow", lambda: arrow_file(pa.array([[[1.0, 2.0]] * 3] * N), compression="zstd"), "series"),
    "Parquet: structs of bytes": table("t.parquet", lambda: parquet_file(pa.StructArray.from_arrays([BYTES], names=["bytes"])), "image"),
    "Parquet: bytes": table("t.parquet", lambda: parquet_file(BYTES), "audio"),
}
