"""Hostile inputs, and a process that reads them one at a time in a child of bounded memory and time.

`python tests/hostile.py` answers each name on its standard input with a line of JSON: how the input was refused, in how many seconds, and
the most memory that it took. A child per input, as a bomb that is not refused ends its process.
"""

import contextlib
import io
import json
import os
import resource
import signal
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from own_entries import ingested, parsed  # noqa: E402

from stages.foundation.errors import InputError  # noqa: E402
from stages.foundation.params_file import read_params as read_in_stage  # noqa: E402
from stages.foundation.registry import component  # noqa: E402
from stages.own_data.advice import advice  # noqa: E402
from stages.own_data.decoders.decode import decode  # noqa: E402
from stages.own_data.own_samples import unreadable_columns  # noqa: E402
from stages.own_data.roles import open_source  # noqa: E402
from stages.params import read_params  # noqa: E402

MAX_ADDRESSES, KILLED_AFTER_S = 6 * 2**30, 20  # Arrow reserves more than it uses
N = 4000  # rows of hostile tables


@dataclass(frozen=True)
class Case:
    """An input: how it is written to the working folder, and how it is read from there.

    In two processes, so that only what reading takes is measured.
    """

    write: Callable[[], Any]
    read: Callable[[], Any]


# ---------------------------------------------------------------- how an input is written and read
def params(text: Callable[[], str | bytes]) -> Case:
    """Return params.yaml, as it is read by the check and by a stage, which may accept it but not suffer from it."""

    def read() -> None:
        try:
            read_in_stage()
        except InputError:
            pass
        read_params()

    return Case(lambda: Path("params.yaml").write_bytes(as_bytes(text())), read)


def table(name: str, make: Callable[[], Any], modality: str = "text", **source: Any) -> Case:
    """Return a table of the columns `kind` and `it`; `make` returns the file's bytes or writes them."""
    part = {"modality": modality, **({"columns": ["it"]} if modality == "table" else {"column": "it"})}
    entry = {"source": {"table": name, **source}, "target": {"column": "kind", "task": "multiclass"}, "modalities": {"it": part}}

    def write() -> None:
        made = make()
        if isinstance(made, bytes):
            Path(name).write_bytes(made)
        else:
            made(Path(name))

    return Case(write, lambda: own(entry))


def folder(label: str, name: str, **source: Any) -> Case:
    """Return a folder of one file."""
    entry = {
        "source": {"folder": "raw", "label": label, **source},
        "target": {"column": "f0", "task": "multiclass"},
        "modalities": {"it": {"modality": "text"}},
    }

    def write() -> None:
        Path("raw").mkdir()
        (Path("raw") / name).write_bytes(b"x")

    return Case(write, lambda: own(entry))


def own(entry: dict[str, Any]) -> None:
    """Check and ingest own data."""
    checked = parsed(entry)
    rows = open_source("mine", checked)
    advice("mine", checked, rows)
    if mistakes := unreadable_columns("mine", checked, rows):
        raise InputError("\n".join(mistakes))
    ingested(entry)


def file(modality: str, name: str, raw: Callable[[], str | bytes]) -> Case:
    """Return a file of one sample."""
    return Case(lambda: Path("input").write_bytes(as_bytes(raw())), lambda: decode(modality, Path("input").read_bytes(), name))


def media(modality: str, raw: Callable[[], bytes]) -> Case:
    """Return an image or a clip."""
    found = component("modalities", modality)

    def read() -> None:
        found.featurize(pa.chunked_array([pa.array([Path("input").read_bytes()], pa.binary())]), found.settings())

    return Case(lambda: Path("input").write_bytes(raw()), read)


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


# ---------------------------------------------------------------- params.yaml
def laughs(before: str, then: Callable[[str], str], n: int = 9) -> str:
    """Return YAML of anchors, each of which names the one before nine times."""
    names = "abcdefghijkl"
    return "".join(
        [
            f"a: &a {before}\n",
            *(f"{new}: &{new} {then(', '.join([f'*{old}'] * 9))}\n" for old, new in zip(names, names[1 : n + 1], strict=False)),
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
    "Parquet: gzip of one letter": (
        table("t.parquet", lambda: parquet_file(long_texts(), use_dictionary=False, compression="gzip")),
        GROWS,
    ),
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


# ---------------------------------------------------------------- sounds
def wav(
    *,
    channels: int = 1,
    rate: int = 8_000,
    bits: int = 16,
    code: int = 1,
    width: int | None = None,
    data: bytes = bytes(16_000),
    size: int | None = None,
) -> bytes:
    width = channels * bits // 8 if width is None else width
    form = struct.pack("<HHIIHH", code, channels, rate, min(rate * width, 2**32 - 1), width % 2**16, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def flac(n_samples: int, *, rate: int = 8_000) -> bytes:
    """Return a FLAC file whose header declares a number of samples, and that has none."""
    fields = rate << 44 | 0 << 41 | 15 << 36 | n_samples
    return (
        b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + fields.to_bytes(8, "big") + bytes(16) + b"\xff\xf8" + bytes(100)
    )


HEADER = "WAV header is inconsistent"
SOUNDS = {
    "WAV of 0 bits": (lambda: wav(bits=0), "WAV encoding 1 with 0 bits"),
    "WAV of 0 channels": (lambda: wav(channels=0), HEADER),
    "WAV of 0 Hz": (lambda: wav(rate=0), HEADER),
    "WAV of 4 GHz": (lambda: wav(rate=2**32 - 1), HEADER),
    "WAV of 65,535 channels": (lambda: wav(channels=65_535, bits=8), "shorter than one window"),
    "WAV of 65,535 channels of 16 bits": (lambda: wav(channels=65_535), HEADER),
    "WAV of 65,535 bits": (lambda: wav(bits=65_535, width=8_192), "WAV"),
    "WAV of 1 bit": (lambda: wav(bits=1, width=0), HEADER),
    "WAV of 64-bit integers": (lambda: wav(bits=64), "WAV encoding 1 with 64 bits"),
    "WAV of NaN": (lambda: wav(code=3, bits=32, data=np.full(800, np.nan, "f4").tobytes()), "not finite"),
    "WAV of 1e38": (lambda: wav(code=3, bits=32, data=np.full(800, 1e38, "f4").tobytes()), "not finite, or beyond"),
    "WAV without samples": (lambda: wav(data=b"", size=0), "shorter than one window"),
    "WAV of an unknown code": (lambda: wav(code=0x7777), "WAV encoding 30583"),
    "WAV of chunks alone": (lambda: b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 100_000, "without complete 'fmt '"),
    "WAV of ten hours at 1 kHz": (lambda: wav(rate=1_000, bits=8, data=bytes(36_000_000)), "longer than max_seconds"),
    "ADPCM of 0 bytes a block": (lambda: wav(code=0x11, bits=4, width=0), "WAV"),
    "MP3 in WAV, of nothing": (lambda: wav(code=0x55), "MP3"),
    "FLAC of 2^36 samples": (lambda: flac(2**36 - 1), "longer than max_seconds"),
    "FLAC of 0 Hz": (lambda: flac(8_000, rate=0), "FLAC"),
    "FLAC without frames": (lambda: flac(8_000), "FLAC file"),
    "FLAC of no length": (lambda: flac(0), "does not declare the length"),
    "Ogg of empty pages": (lambda: b"OggS" + bytes(23) + b"\xff" * 100_000, "Ogg file"),
    "ID3 tags of 256 MB": (lambda: b"ID3\4\0\0\x7f\x7f\x7f\x7f", "MP3|ID3"),
    "ID3 tags alone": (lambda: b"ID3\4\0\0\0\0\0\0" * 10_000, "MP3 file is damaged"),
    "2 MB of MP3's marks": (lambda: b"\xff\xfb" * 1_000_000, "MP3"),
}


# ---------------------------------------------------------------- images
def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *more: bytes, bits: int = 8, colour: int = 2, data: bytes = zlib.compress(bytes(100))) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bomb(n_bytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(n_bytes // 2**20)) + packer.flush()


def tiff(width: int, height: int, **tags: int) -> bytes:
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 100} | {
        int(k[1:]): v for k, v in tags.items()
    }
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + struct.pack("<I", 8)  # the next directory is this one


PIXELS, UNREADABLE = r"pixels are more than max_pixels|Image size \(\d+ pixels\) exceeds limit", "not a readable image"
IMAGES = {
    "PNG of 100,000 × 100,000": (lambda: png(100_000, 100_000), PIXELS),
    "PNG of 2^31 × 1": (lambda: png(2**31 - 1, 1), f"{PIXELS}|{UNREADABLE}"),
    "PNG of 0 × 0": (lambda: png(0, 0), UNREADABLE),
    "PNG of 9,000 × 9,000": (lambda: png(9_000, 9_000), PIXELS),
    "PNG of 2^32-1 × 2^32-1": (lambda: png(2**32 - 1, 2**32 - 1), f"{PIXELS}|{UNREADABLE}"),
    "PNG with a zTXt bomb": (lambda: png(4, 4, chunk(b"zTXt", b"k\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with an iTXt bomb": (lambda: png(4, 4, chunk(b"iTXt", b"k\0\1\0\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with an iCCP bomb": (lambda: png(4, 4, chunk(b"iCCP", b"k\0\0" + bomb(2**28))), UNREADABLE),
    "PNG with 200 texts of a megabyte": (
        lambda: png(4, 4, *[chunk(b"zTXt", b"k%d\0\0" % i + zlib.compress(bytes(2**20))) for i in range(200)]),
        UNREADABLE,
    ),
    "PNG with 100,000 chunks": (lambda: png(4, 4, *[chunk(b"tEXt", b"k\0v")] * 100_000, data=b""), UNREADABLE),
    "PNG with a chunk of 2 GB": (lambda: png(4, 4, struct.pack(">I", 2**31 - 1) + b"tEXt"), UNREADABLE),
    "PNG of pixels that never end": (lambda: png(4_000, 4_000, data=bomb(2**20)), UNREADABLE),
    "GIF of 65,535 × 65,535": (lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;", PIXELS),
    "BMP of 2^31 × 2^31": (
        lambda: b"BM" + bytes(8) + struct.pack("<IIiiHHIIIIII", 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0),
        PIXELS,
    ),
    "PPM of 10^9 × 10^9": (lambda: b"P6 999999999 999999999 255 ", PIXELS),
    "PPM of 5,000 digits": (lambda: b"P6 " + b"9" * 5_000 + b" 1 255 ", UNREADABLE),
    "PGM of text that never ends": (lambda: b"P2 4000 4000 255 " + b"1 " * 1_000_000, f"{UNREADABLE}"),
    "TIFF of 2^32 × 2^32": (lambda: tiff(2**32 - 1, 2**32 - 1), f"{PIXELS}|{UNREADABLE}"),
    "TIFF of 60,000 samples": (lambda: tiff(4, 4, t277=60_000), UNREADABLE),
    "TIFF of nothing": (lambda: b"II*\0" + struct.pack("<I", 2**32 - 1), UNREADABLE),
    "WebP of 16,383 × 16,383": (lambda: b"RIFF\x22\0\0\0WEBPVP8L\x16\0\0\0\x2f\xfe\xff\xff\x0f" + bytes(30), f"{PIXELS}|{UNREADABLE}"),
    "JPEG of 65,535 × 65,535": (
        lambda: b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0\xff\xda\0\x08\1\1\0\0?\0" + bytes(100),
        PIXELS,
    ),
    "EPS, which is a program": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(touch pwned) run\n", UNREADABLE),
    "SVG with entities": (lambda: b'<!DOCTYPE a [<!ENTITY b "x">]><svg>&b;</svg>', UNREADABLE),
}


# ---------------------------------------------------------------- arrays, clouds, graphs
def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode("latin-1") + body


def shaped(shape: str, kind: str = "<f8") -> bytes:
    return npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}")


def npz(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(f"{name}.npy", raw)
    return content.getvalue()


def xml(body: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<graphml><graph edgedefault="directed">{body}</graph></graphml>'.encode()


ENTITIES = "<!DOCTYPE a [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{i + 1} '{f'&a{i};' * 9}'>" for i in range(12)) + "]>"
PLY = "ply\nformat {} 1.0\nelement vertex {}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
FILES: dict[str, tuple[Case, str]] = {
    "npy of 10^12 numbers": (file("series", "a.npy", lambda: shaped("1000000000000,")), "1,000,000,000,000 numbers; expected at most"),
    "npy of 10^18 × 10^18": (file("series", "a.npy", lambda: shaped(f"{10**17}, {10**17}")), "numbers; expected at most"),
    "npy of a shape of 5,000 digits": (file("series", "a.npy", lambda: shaped("9" * 5_000 + ",")), "expected whole numbers"),
    "npy of 10^12 × 0": (file("series", "a.npy", lambda: shaped("1000000000000, 0")), "empty"),
    "npy of -1": (file("series", "a.npy", lambda: shaped("-1,")), "expected an array of"),
    "npy of 2,000 axes": (file("series", "a.npy", lambda: shaped("1," * 2_000, "<f8")), ".npy"),
    "npy of code": (file("series", "a.npy", lambda: npy("__import__('os').system('touch pwned')")), "expected an array of"),
    "npy of a shape of code": (file("series", "a.npy", lambda: shaped("__import__('os').mkdir('pwned'),")), "expected an array of"),
    "npy of objects": (file("series", "a.npy", lambda: shaped("1,", "|O") + b"\x80\4c"), "Python objects"),
    "npy of bytes of 10^9": (file("series", "a.npy", lambda: shaped("1,", "|S999999999")), "expected an array of"),
    "npy with a header of 4 GB": (file("series", "a.npy", lambda: b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1)), "truncated or damaged"),
    "npz of a gigabyte of zeros": (
        file("series", "a.npz", lambda: npz(series=bytes(2**28 + 1))),
        "unpacks to 268,435,457 bytes; expected at most",
    ),
    "npz of 100,000 arrays": (file("series", "a.npz", lambda: npz(**{f"a{i}": b"" for i in range(2_000)})), "too many arrays"),
    "npz in npz": (file("series", "a.npz", lambda: npz(series=npz(series=b"x"))), "not an .npy file"),
    "csv of a line of 2 MB": (file("series", "a.csv", lambda: b"1," * 2**20), "more than 1,048,576 characters"),
    "xyz of 10^12 atoms": (file("set", "a.xyz", lambda: b"1000000000000\n\nO 1 2 3\n"), "1,000,000,000,000 atoms; expected at most"),
    "xyz of 5,000 digits": (file("set", "a.xyz", lambda: b"9" * 5_000 + b"\n\nO 1 2 3\n"), "line 2 is blank"),
    "off of 10^12 vertices": (file("set", "a.off", lambda: b"OFF\n1000000000000 1 0\n"), "1,000,000,000,000 vertices; expected at most"),
    "off of -1 vertices": (file("set", "a.off", lambda: b"OFF\n-1 1 0\n"), "expected the numbers of vertices"),
    "ply of 10^12 vertices": (
        file("set", "a.ply", lambda: PLY.format("ascii", 10**12).encode()),
        "1,000,000,000,000 vertex; expected at most",
    ),
    "binary ply of 10^12 vertices": (file("set", "a.ply", lambda: PLY.format("binary_little_endian", 10**12).encode()), "expected at most"),
    "binary ply of 6 million vertices": (file("set", "a.ply", lambda: PLY.format("binary_little_endian", 6 * 10**6).encode()), "truncated"),
    "ply of 300 properties": (
        file(
            "set",
            "a.ply",
            lambda: (
                PLY.format("ascii", 1).replace("end_header", "".join(f"property float p{i}\n" for i in range(300)) + "end_header").encode()
            ),
        ),
        "more than 256 properties",
    ),
    "ply without the end of its header": (file("set", "a.ply", lambda: b"ply\n" + b"comment x\n" * 100_000), "incomplete header"),
    "graph JSON of 100,000 brackets": (file("graph", "a.json", lambda: b"[" * 100_000), "nested too deeply"),
    "graph JSON of 100,000 braces": (file("graph", "a.json", lambda: b'{"nodes":' * 100_000), "nested too deeply"),
    "graph JSON of a node of 5,000 digits": (
        file("graph", "a.json", lambda: b'{"n_nodes": ' + b"9" * 5_000 + b', "source": [], "target": []}'),
        "an integer of 5,000 digits",
    ),
    "graph JSON of 10^12 nodes": (
        file("graph", "a.json", lambda: b'{"n_nodes": 1000000000000, "source": [], "target": []}'),
        "n_nodes is .*expected a whole number",
    ),
    "graph JSON of -1 nodes": (file("graph", "a.json", lambda: b'{"n_nodes": -1, "source": [], "target": []}'), "nodes|whole number"),
    "graph JSON of 1e999 nodes": (
        file("graph", "a.json", lambda: b'{"n_nodes": 1e999, "source": [], "target": []}'),
        "a number beyond 1e308|n_nodes",
    ),
    "graph JSON of a weight of 1e999": (
        file("graph", "a.json", lambda: b'{"n_nodes": 2, "source": [0], "target": [1], "weight": [1e999]}'),
        "weight|1e308",
    ),
    "graph JSON of an edge to 2^70": (
        file("graph", "a.json", lambda: b'{"n_nodes": 2, "source": [0], "target": [%d]}' % 2**70),
        "target|node",
    ),
    "graph JSON of NaN": (file("graph", "a.json", lambda: b'{"n_nodes": NaN, "source": [], "target": []}'), "n_nodes|NaN"),
    "graph JSON of 17 MB": (file("graph", "a.json", lambda: b" " * 17 * 2**20), "expected at most"),
    "GraphML of entities": (file("graph", "a.graphml", lambda: xml('<node id="&a12;"/>', ENTITIES)), "DOCTYPE|entit"),
    "GraphML of one long entity": (
        file("graph", "a.graphml", lambda: xml('<node id="&a;"/>' * 9, f"<!DOCTYPE a [<!ENTITY a '{'x' * 10**6}'>]>")),
        "DOCTYPE",
    ),
    "GraphML of a file": (
        file("graph", "a.graphml", lambda: xml('<node id="&f;"/>', '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>')),
        "DOCTYPE",
    ),
    "GraphML of a parameter entity": (
        file("graph", "a.graphml", lambda: xml("", '<!DOCTYPE a [<!ENTITY % f SYSTEM "http://x/">%f;]>')),
        "DOCTYPE",
    ),
    "GraphML of a foreign DTD": (file("graph", "a.graphml", lambda: xml("", '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">')), "DOCTYPE"),
    "GraphML of 100,000 levels": (file("graph", "a.graphml", lambda: xml("<graph>" * 100_000)), "GraphML|XML|nested|graph"),
    "GraphML of an edge to nowhere": (file("graph", "a.graphml", lambda: xml('<edge source="a" target="b"/>')), "is not the id of a node"),
    "GraphML of an unknown encoding": (file("graph", "a.graphml", lambda: b'<?xml version="1.0" encoding="x-bomb"?><graphml/>'), "XML"),
    "edges of a weight of 1e999": (file("graph", "a.csv", lambda: b"source,target,weight\na,b,1e999\n"), "weight|number"),
    "text of 65 MB": (file("text", "a.txt", lambda: b"x" * (64 * 2**20 + 1)), "expected at most 67,108,864"),
    "text of NULs in UTF-32": (file("text", "a.txt", lambda: b"\xff\xfe\0\0" + b"\xff" * 1_000), "not utf-32"),
}

CASES: dict[str, tuple[Case, str]] = {
    **{f"params.yaml: {name}": (params(text), reason) for name, (text, reason) in PARAMS.items()},
    **TABLES,
    **FOLDERS,
    **{name: (media("audio", raw), reason) for name, (raw, reason) in SOUNDS.items()},
    **{name: (media("image", raw), reason) for name, (raw, reason) in IMAGES.items()},
    **FILES,
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


# ---------------------------------------------------------------- the process
def child(work: Callable[[], Any]) -> str:
    """Return the JSON of what `work` returns in a child process; "" if it was killed."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(reader)
            os.dup2(2, 1)  # progress bars
            signal.alarm(KILLED_AFTER_S)
            with os.fdopen(writer, "w") as answer:
                json.dump(work(), answer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(process, 0)
    return said


def reading(case: Case) -> dict[str, Any]:
    """Return how the input is refused, in how many seconds, with how many bytes, and what code in it wrote."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    before, started = set(Path().rglob("*")), time.perf_counter()
    error: BaseException | None = None
    try:
        case.read()
    except (Exception, MemoryError) as caught:  # whichever: the test judges
        error = caught
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {
        "seconds": time.perf_counter() - started,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "kinds": kinds,
        "message": str(error),
        "pwned": [str(path) for path in set(Path().rglob("*")) - before if "pwned" in path.name],
    }


def refusal(name: str) -> str:
    """Write an input and return what `reading` finds, as JSON."""
    case = SOUND[name] if name in SOUND else CASES[name][0]
    with tempfile.TemporaryDirectory() as workspace, contextlib.chdir(workspace):
        child(case.write)
        return child(lambda: reading(case)) or json.dumps({"kinds": ["killed"], "message": f"not refused in {KILLED_AFTER_S} s"})


if __name__ == "__main__":
    for line in sys.stdin:
        print(refusal(line.rstrip("\n")), flush=True)
