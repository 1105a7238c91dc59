"""Data sets of own files in which samples 2 and 5 of six lack the modality `it`, one for each way to lack it."""

import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N, LACKING = 6, (1, 4)
IDS = [f"s{row}" for row in range(N)]
KINDS = ["ab"[row % 2] for row in range(N)]
NOTES = [f"note {row}" for row in range(N)]
RAW = [b"picture %d" % row for row in range(N)]
VECTORS = np.arange(N * 2, dtype=np.float64).reshape(N, 2) + 0.5
Case = tuple[dict[str, Any], list[Any], str]  # more of the entry, the values of `it`, the reason
IMAGE = {"modality": "image", "column": "it"}


def without(values: Sequence[Any]) -> list[Any]:
    return [None if row in LACKING else value for row, value in enumerate(values)]


def fill(good: Sequence[Any], *bad: Any) -> list[Any]:
    """Return the values with those of the samples that lack them replaced."""
    return [bad[LACKING.index(row) % len(bad)] if row in LACKING else value for row, value in enumerate(good)]


def entry(part: dict[str, Any], source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"source": source, "target": {"column": "kind", "task": "binary"}, "id": "name",
            "modalities": {"it": part, "note": {"modality": "text", "column": "note"}}, **more}  # fmt: skip


def csv_of(part: dict[str, Any], **columns: Sequence[Any]) -> dict[str, Any]:
    rows = [",".join(map(str, row)) for row in zip(IDS, KINDS, NOTES, *columns.values(), strict=True)]
    Path("t.csv").write_text("\n".join([",".join(["name", "kind", "note", *columns]), *rows]) + "\n", encoding="utf-8")
    return entry(part, {"table": "t.csv"})


def parquet_of(part: dict[str, Any], **columns: Any) -> dict[str, Any]:
    pq.write_table(pa.table({"name": IDS, "kind": KINDS, "note": NOTES, **columns}), "t.parquet")
    return entry(part, {"table": "t.parquet"})


def lines_of(part: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """Write JSON lines; Ellipsis leaves the key out."""
    rows = [{"name": name, "kind": kind, "note": note} | ({} if value is ... else {"it": value})
            for name, kind, note, value in zip(IDS, KINDS, NOTES, values, strict=True)]  # fmt: skip
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return entry(part, {"table": "t.jsonl"})


def write_files(pattern: str = "p/{}.png", rows: Sequence[int] | None = None) -> list[str]:
    """Write the files of the samples that have one; return the names of all."""
    names = [pattern.format(row) for row in range(N)]
    for row in range(N) if rows is None else rows:
        Path(names[row]).parent.mkdir(exist_ok=True)
        Path(names[row]).write_bytes(RAW[row])
    return names


HAVE = [row for row in range(N) if row not in LACKING]


# ---------------------------------------------------------------- one file
def empty_cell() -> Case:
    return csv_of(IMAGE, it=fill(write_files(), "")), without(RAW), r"no file is named \('it' is empty\), line 3 of t\.csv"


def blank_cell() -> Case:
    return parquet_of(IMAGE, it=fill(write_files(), "  ", "\u200b")), without(RAW), r"no file is named \('it' is empty\), row 2 of t"


def null_name() -> Case:
    return parquet_of(IMAGE, it=fill(write_files(), None)), without(RAW), r"no file is named \('it' is empty\), row 2 of t\.parquet"


def declared_missing() -> Case:
    case = csv_of(IMAGE, it=fill(write_files(), "NA", "-"))
    case["source"]["missing"] = ["NA", "-"]
    return case, without(RAW), r"no file is named \('it' is empty\)"


def no_such_file() -> Case:
    return csv_of(IMAGE, it=write_files(rows=HAVE)), without(RAW), r"p/1\.png: no such file in the source's folder"


def no_such_folder() -> Case:
    return csv_of(IMAGE, it=fill(write_files(), "q/1.png", "q/r/4.png")), without(RAW), r"q/1\.png: no such file in the source's folder"


def pattern() -> Case:
    write_files("p/s{}.png", HAVE)
    return csv_of({"modality": "image", "files": "p/{id}.png"}), without(RAW), r"p/s1\.png: no such file in the source's folder"


def pattern_of_an_empty_field() -> Case:
    write_files()
    case = csv_of({"modality": "image", "files": "p/{nr}.png"}, nr=fill(range(N), ""))
    return case, without(RAW), r"p/\{nr\}\.png: 'nr' is empty in this row, so no file is named, line 3 of t\.csv"


def text_file() -> Case:
    for row in HAVE:
        Path(f"{IDS[row]}.txt").write_text(f"text {row}", encoding="utf-8")
    return csv_of({"modality": "text", "files": "{id}.txt"}), without([f"text {row}" for row in range(N)]), r"s1\.txt: no such file"


def series_file() -> Case:
    for row in HAVE:
        np.save(f"{IDS[row]}.npy", VECTORS[row : row + 1])
    return csv_of({"modality": "series", "files": "{id}.npy"}), without([[row] for row in VECTORS.tolist()]), r"s1\.npy: no such file"


def in_an_archive() -> Case:
    with zipfile.ZipFile("t.zip", "w") as archive:
        for row in range(N):
            archive.writestr(f"n/{IDS[row]}_{KINDS[row]}.txt", NOTES[row])
            if row in HAVE:
                archive.writestr(f"p/{IDS[row]}.png", RAW[row])
    case = entry({"modality": "image", "files": "p/{name}.png"}, {"folder": "t.zip", "label": "n/{name}_{kind}.txt", "ignore": ["*.png"]})
    case["modalities"]["note"] = {"modality": "text"}
    return case, without(RAW), r"p/s1\.png: no such file in the archive"


def of_a_folder() -> Case:
    for row in range(N):
        Path(IDS[row]).mkdir()
        Path(f"{IDS[row]}/{KINDS[row]}.txt").write_text(NOTES[row], encoding="utf-8")
        if row in HAVE:
            Path(f"{IDS[row]}/{KINDS[row]}.png").write_bytes(RAW[row])
    source = {"folder": ".", "label": "{name}/{kind}.txt", "ignore": ["*.png", "params.yaml", "data/*"]}
    case = entry({"modality": "image", "files": "{name}/{kind}.png"}, source)
    case["modalities"]["note"] = {"modality": "text"}
    return case, without(RAW), r"s1/b\.png: no such file in the source's folder"


def in_shards() -> Case:
    with tarfile.open("t.tar", "w") as archive:
        for row in range(N):
            members = {"cls": KINDS[row], "txt": NOTES[row], "id": IDS[row]} | ({"png": RAW[row].decode()} if row in HAVE else {})
            for field, content in members.items():
                member = tarfile.TarInfo(f"{row:04d}.{field}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
    case = entry({"modality": "image", "column": "png"}, {"webdataset": "t.tar"}, target={"column": "cls", "task": "binary"}, id="id")
    case["modalities"]["note"]["column"] = "txt"
    return case, without(RAW), r"no file is named \('png' is empty\), 0001"


# ---------------------------------------------------------------- bytes in the table
def null_bytes() -> Case:
    return parquet_of(IMAGE, it=pa.array(without(RAW), pa.binary())), without(RAW), r"column 'it' is empty, row 2 of t\.parquet"


def structs_of_bytes() -> Case:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = fill([{"bytes": raw, "path": None} for raw in RAW], None, {"bytes": None, "path": None})
    return parquet_of(IMAGE, it=pa.array(cells, kind)), without(RAW), r"column 'it' is empty, row 2 of t\.parquet"


def structs_of_paths() -> Case:
    names = write_files(rows=HAVE)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [{"bytes": None, "path": name} for name in names]
    return parquet_of(IMAGE, it=pa.array(cells, kind)), without(RAW), r"p/1\.png: no such file in the source's folder"


def null_blob() -> Case:
    with closing(sqlite3.connect("t.db")) as database:
        database.execute("create table t (name text, kind text, note text, it blob)")
        database.executemany("insert into t values (?, ?, ?, ?)", list(zip(IDS, KINDS, NOTES, without(RAW), strict=True)))
        database.commit()
    return entry(IMAGE, {"sqlite": "t.db", "query": "select * from t order by name"}), without(RAW), "column 'it' is empty, row 2 of the"


# ---------------------------------------------------------------- texts
TEXT = {"modality": "text", "column": "it"}
WORDS = [f"word {row}" for row in range(N)]


def empty_text() -> Case:
    return csv_of(TEXT, it=fill(WORDS, "")), without(WORDS), r"column 'it' is empty, line 3 of t\.csv"


def blank_text() -> Case:
    return parquet_of(TEXT, it=fill(WORDS, "", " \t\u00a0\ufeff")), without(WORDS), r"column 'it' is empty, row 2 of t\.parquet"


def key_left_out() -> Case:
    return lines_of(TEXT, fill(WORDS, ..., None)), without(WORDS), r"column 'it' is empty, line 2 of t\.jsonl"


def utterance() -> Case:
    said = [{"text": word, "speaker": "x"} for word in WORDS]
    return lines_of(TEXT, fill(said, {"text": None, "speaker": "x"}, {"text": " ", "speaker": None})), without(said), "column 'it' is empty"


def window_of_words() -> Case:
    windows = [["a", None, word] for word in WORDS]
    return lines_of(TEXT, fill(windows, [], [None, ""])), without(windows), "column 'it' is empty"


# ---------------------------------------------------------------- numbers
def null_vector() -> Case:
    return parquet_of({"modality": "vector", "column": "it"}, it=fill(VECTORS.tolist(), None)), without(VECTORS.tolist()), "'it' is empty"


def empty_vector() -> Case:
    return lines_of({"modality": "vector", "column": "it"}, fill(VECTORS.tolist(), [], None)), without(VECTORS.tolist()), "'it' is empty"


def empty_columns() -> Case:
    case = csv_of({"modality": "vector", "columns": "v*"}, v1=fill(VECTORS[:, 0], ""), v2=fill(VECTORS[:, 1], ""))
    return case, without(VECTORS.tolist()), r"its 2 columns are empty, such as 'v1', line 3 of t\.csv"


def columns_of_nan() -> Case:
    case = parquet_of({"modality": "vector", "columns": "v*"}, v1=fill(VECTORS[:, 0], None, np.nan), v2=fill(VECTORS[:, 1], np.nan, None))
    return case, without(VECTORS.tolist()), r"its 2 columns are empty, such as 'v1', row 2 of t\.parquet"


def no_row_of_a_matrix() -> Case:
    np.savez("m.npz", embeddings=VECTORS[HAVE], ids=np.array(IDS)[HAVE])
    return csv_of({"modality": "vector", "matrix": "m.npz"}), without(VECTORS.tolist()), r"m\.npz has no row whose `ids` is 's1'"


def null_row_of_a_matrix() -> Case:
    pq.write_table(pa.table({"v": without(VECTORS.tolist())}), "m.parquet")
    return csv_of({"modality": "vector", "matrix": "m.parquet"}), without(VECTORS.tolist()), r"its row in m\.parquet is null"


def empty_series() -> Case:
    values = [[row, row] for row in VECTORS.tolist()]
    return lines_of({"modality": "series", "column": "it"}, fill(values, [], None)), without(values), "column 'it' is empty"


def empty_frames() -> Case:
    values = [[[row, row]] for row in VECTORS.tolist()]
    return lines_of({"modality": "tactile", "column": "it"}, fill(values, [[], []], [])), without(values), "column 'it' is empty"


def empty_set() -> Case:
    values = [[row, row] for row in VECTORS.tolist()]
    return lines_of({"modality": "set", "column": "it"}, fill(values, [], ...)), without(values), "column 'it' is empty"


GRAPH = {"n_nodes": 2, "directed": False, "source": [0], "target": [1]}


def null_graph() -> Case:
    return lines_of({"modality": "graph", "column": "it"}, fill([GRAPH] * N, None, ...)), without([GRAPH] * N), "column 'it' is empty"


def empty_object() -> Case:
    nothing = dict.fromkeys(GRAPH)
    return lines_of({"modality": "graph", "column": "it"}, fill([GRAPH] * N, {}, nothing)), without([GRAPH] * N), "column 'it' is empty"


# ---------------------------------------------------------------- several files
LISTS = [[raw, raw + b"!"] for raw in RAW]
NAMES = [[f"p/{row}_1.png", f"p/{row}_2.png"] for row in range(N)]


def write_lists(rows: Sequence[int]) -> None:
    Path("p").mkdir(exist_ok=True)
    for row in rows:
        for name, raw in zip(NAMES[row], LISTS[row], strict=True):
            Path(name).write_bytes(raw)


def no_name_in_a_cell() -> Case:
    write_lists(range(N))
    return csv_of(IMAGE | {"separator": ";"}, it=fill([";".join(names) for names in NAMES], "", " ; ")), without(LISTS), "no file is named"


def empty_list_in_a_cell() -> Case:
    write_lists(range(N))
    return csv_of(IMAGE | {"separator": ";"}, it=fill([";".join(names) for names in NAMES], "[]")), without(LISTS), "no file is named"


def none_of_the_files() -> Case:
    write_lists(HAVE)
    return csv_of(IMAGE | {"separator": ";"}, it=[";".join(names) for names in NAMES]), without(LISTS), r"p/1_1\.png: no such file"


def no_column_of_several() -> Case:
    write_lists(range(N))
    case = csv_of({"modality": "image", "columns": "v*"}, **{f"v{place}": fill([names[place] for names in NAMES], "") for place in (0, 1)})
    return case, without(LISTS), r"no file is named \('v0' and 'v1' are empty\)"


def no_file_fits() -> Case:
    write_lists(HAVE)
    case = csv_of({"modality": "image", "files": "p/{nr}_*.png"}, nr=range(N))
    return case, without(LISTS), r"p/1_\*\.png: no file of the source's folder fits it"


def wildcard_of_an_empty_field() -> Case:
    write_lists(range(N))
    case = csv_of({"modality": "image", "files": "p/{nr}_*.png"}, nr=fill(range(N), ""))
    return case, without(LISTS), "'nr' is empty in this row"


def empty_list_of_names() -> Case:
    write_lists(range(N))
    return lines_of(IMAGE, fill(NAMES, [], None)), without(LISTS), r"no file is named \('it' is empty\)"


def list_of_missing_names() -> Case:
    write_lists(range(N))
    return lines_of(IMAGE, fill(NAMES, [None, ""], ["", " "])), without(LISTS), r"no file is named \('it' is empty\)"


def empty_list_of_bytes() -> Case:
    case = parquet_of(IMAGE, it=pa.array(fill(LISTS, [], None), pa.list_(pa.binary())))
    return case, without(LISTS), r"it: the sample has no file, row 2 of t\.parquet"


def list_of_nulls() -> Case:
    case = parquet_of(IMAGE, it=pa.array(fill(LISTS, [None], [None, None]), pa.list_(pa.binary())))
    return case, without(LISTS), "it: the sample has no file"


def list_of_paths() -> Case:
    write_lists(HAVE)
    kind = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    return parquet_of(IMAGE, it=pa.array([[{"path": name} for name in names] for names in NAMES], kind)), without(LISTS), r"p/1_1\.png: no"


def columns_of_null_bytes() -> Case:
    columns = {f"v{place}": pa.array(without([files[place] for files in LISTS]), pa.binary()) for place in (0, 1)}
    return parquet_of({"modality": "image", "columns": "v*"}, **columns), without(LISTS), "it: the sample has no file"


def series_of_files() -> Case:
    for row in HAVE:
        for place in (1, 2):
            np.save(f"{row}_{place}.npy", VECTORS[row : row + 1] + place)
    values = [[[(row + 1).tolist()], [(row + 2).tolist()]] for row in VECTORS]
    return csv_of({"modality": "series", "files": "{nr}_*.npy"}, nr=range(N)), without(values), r"1_\*\.npy: no file of the source's folder"


CASES: tuple[Callable[[], Case], ...] = (
    empty_cell, blank_cell, null_name, declared_missing, no_such_file, no_such_folder, pattern, pattern_of_an_empty_field, text_file,
    series_file, in_an_archive, of_a_folder, in_shards, null_bytes, structs_of_bytes, structs_of_paths, null_blob, empty_text, blank_text,
    key_left_out, utterance, window_of_words, null_vector, empty_vector, empty_columns, columns_of_nan, no_row_of_a_matrix,
    null_row_of_a_matrix, empty_series, empty_frames, empty_set, null_graph, empty_object, no_name_in_a_cell, empty_list_in_a_cell,
    none_of_the_files, no_column_of_several, no_file_fits, wildcard_of_an_empty_field, empty_list_of_names, list_of_missing_names,
    empty_list_of_bytes, list_of_nulls, list_of_paths, columns_of_null_bytes, series_of_files,
)  # fmt: skip
