"""A table with one row per sample: CSV, TSV, JSON lines, JSON (also compressed), Excel, Parquet or Arrow (Feather).

In CSV and TSV every cell is text; the type of a column of the `table` modality (numbers, dates, …) is inferred from all of its cells. Text
files are kept in memory as columns; Parquet and Arrow files are read batch by batch.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.own_data.date_format import DateOrder
from stages.own_data.delimited import read_delimited
from stages.own_data.foreign_formats import foreign_format
from stages.own_data.json_file import read_json
from stages.own_data.json_lines import read_json_lines
from stages.own_data.number_format import NumberFormat
from stages.own_data.paths_inside import existing
from stages.own_data.sample_files import FolderFiles
from stages.own_data.source_rows import CHUNK_ROWS, MAX_ROWS, Cursor, Kind, SourceKind, SourceRows, numbered, table_reader
from stages.own_data.text_encoding import Encoding
from stages.own_data.unpacked import ENDINGS, WORKBOOKS, table_ending
from stages.own_data.unpacked_size import GrowthError, decoded_bytes, ipc_bytes, parquet_bytes, plain_type, refuse_growth, viewed_bytes
from stages.own_data.workbook import read_workbook

FEW_ROWS = 16
DELIMITERS = {".csv": ",", ".tsv": "\t"}
OTHER_SOURCES = {
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "sqlite: …, query: …"),
    **dict.fromkeys((".zip", ".tar"), "folder: …, label: …"),
}
# What Arrow raises on damaged files.
DAMAGED = (pa.ArrowException, OSError, ValueError, LookupError, OverflowError, MemoryError)
JSON, JSON_LINES, PARQUET, ARROW = (".json",), (".jsonl", ".ndjson"), (".parquet",), (".arrow", ".feather", ".ipc")


class TableSourceSettings(Settings):
    table: str = Field(min_length=1, description="a .csv, .tsv, .jsonl or .json file, also in a .gz, .bz2, .xz, .zst or .zip; or an "
                       ".xlsx, .parquet, .arrow or .feather file")
    sheet: str | None = Field(None, min_length=1, description="Excel: name of the sheet (default: the only one with cells)")
    header: int | None = Field(None, ge=1, description="Excel: number of the row that names the columns (default: the first with cells)")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="between cells of csv and tsv (default: by the ending)")
    encoding: Encoding = None
    missing: tuple[str, ...] = Field((), description="cells that count as missing, in addition to empty ones, such as [NA, '-']")
    decimal: Literal[".", ","] = Field(".", description="mark before the decimals of numbers in text")
    thousands: Literal[",", ".", " ", "'"] | None = Field(None, description="separator of thousands in numbers, such as ',' in 1,234,567")
    dates: DateOrder | None = Field(None, description="day_first or month_first, in dates such as 31.03.2024 or 3/31/2024")
    types: dict[str, Kind] = Field(default_factory=dict, description="column: number, truth, date or text, where its cells are ambiguous")


def open_rows(settings: TableSourceSettings, key: str) -> SourceRows:
    """Return a row per row of the file.

    Raises:
        InputError: if the file is not of the kind that its ending names, or is damaged.
    """
    if settings.decimal == settings.thousands:
        raise InputError(f"{key}: decimal and thousands are both {settings.decimal!r}; expected different marks")
    path = existing(settings.table, f"{key}.table", folder=False)
    ending = table_ending(path)
    missing = frozenset(settings.missing)
    _refuse_keys_of_others(settings, ending, key)
    if ending in WORKBOOKS and path.suffix.lower() == ending:
        rows = _workbook(path, settings, missing)
    elif ending in DELIMITERS or settings.delimiter:
        mark = settings.delimiter or DELIMITERS[ending]
        table, lines, notes = read_delimited(path, settings.table, mark, missing, settings.encoding)
        rows = _in_memory(path, table, lines, settings, notes)
    elif ending in (*JSON_LINES, *JSON):
        table, lines = (read_json if ending in JSON else read_json_lines)(path, settings.table, missing, settings.types, settings.encoding)
        rows = _in_memory(path, table, lines, settings)
    elif path.suffix.lower() in ENDINGS and ending in (*PARQUET, *ARROW, *WORKBOOKS):
        raise InputError(f"{key}.table: {settings.table}: {ending} files are compressed inside, and read in pieces; unpack it")
    elif ending in PARQUET or ending in ARROW:
        rows = _batchwise(path, settings, _parquet if ending in PARQUET else _arrow)
    elif ending in OTHER_SOURCES:
        raise InputError(f"{key}.table: {settings.table}: is no table by itself; write `source: {{{OTHER_SOURCES[ending]}}}`")
    elif what := foreign_format(path.name):
        raise InputError(f"{key}.table: {settings.table}: is {what}")
    else:
        raise InputError(f"{key}.table: {settings.table}: no reader for {ending or 'a name without ending'}; expected "
                         f"{', '.join([*DELIMITERS, *JSON_LINES, *JSON, *WORKBOOKS, *PARQUET, *ARROW])}; save it as one of these")
    if not rows.ids:
        raise InputError(f"{settings.table}: there is no row in it; expected one row per sample")
    unknown = [name for name in settings.types if name not in rows.types]
    if unknown:
        raise InputError(f"{key}.types: {settings.table} has no column {unknown[0]!r}; there are: {', '.join(rows.types)}")
    return rows


def _in_memory(path: Path, table: pa.Table, lines: np.ndarray, settings: TableSourceSettings, notes: Sequence[str] = ()) -> SourceRows:
    types = {field.name: field.type for field in table.schema}
    ending = table_ending(path)
    written, unit = ending not in (*JSON_LINES, *JSON), "element" if ending in JSON else "line"
    return SourceRows(FolderFiles(path.parent), numbered(len(table)), types, table_reader(table),
                      where=lambda row: f"{unit} {lines[row]} of {path.name}", content=None, written=written,
                      declared=settings.types, files={path.name: path}, dates=settings.dates, notes=tuple(notes),
                      number_format=NumberFormat(settings.decimal, settings.thousands))


def _refuse_keys_of_others(settings: TableSourceSettings, ending: str, key: str) -> None:
    others = ("delimiter", "encoding") if ending in WORKBOOKS else ("sheet", "header")
    wrong = next((name for name in others if getattr(settings, name) is not None), None)
    if wrong is not None:
        of, found = ("text files", "an Excel workbook") if ending in WORKBOOKS else ("Excel workbooks", ending or "without ending")
        raise InputError(f"{key}.{wrong}: only of {of}, and {settings.table} is {found}; remove it")


def _workbook(path: Path, settings: TableSourceSettings, missing: frozenset[str]) -> SourceRows:
    """Return the rows of a sheet: cells of text may hold numbers and dates, as those of CSV."""
    as_text = frozenset(name for name, kind in settings.types.items() if kind == "text")
    table, numbers, sheet, notes = read_workbook(path, settings.table, settings.sheet, settings.header, missing, as_text)
    rows = _in_memory(path, table, numbers, settings, notes)
    return replace(rows, where=lambda row: f"row {numbers[row]} of sheet {sheet!r} of {path.name}")


Opened = tuple[pa.Schema, int, Callable[[Sequence[str]], Iterator[pa.RecordBatch]]]


def _batchwise(path: Path, settings: TableSourceSettings, opened: Callable[[Path], Opened]) -> SourceRows:
    """Return the rows of a file in batches, with dictionaries decoded and every kind of string as `string`."""
    try:
        schema, n_rows, batches = opened(path)
        names, types = schema.names, {field.name: field.type for field in schema}
    except GrowthError as error:
        raise InputError(f"{settings.table}: {error}") from error
    except DAMAGED as error:
        why = _first_line(error)
        raise InputError(f"{settings.table}: not a readable {path.suffix.lower()} file ({why})") from error
    if not 0 <= n_rows <= MAX_ROWS:
        raise InputError(f"{settings.table}: {n_rows:,} rows; expected at most {MAX_ROWS:,}; split the file, or keep a sample")
    if len(types) < len(names):
        raise InputError(f"{settings.table}: a column's name occurs twice; every column needs a name of its own")
    unread: dict[str, str] = {}
    for name, kind in types.items():
        try:
            types[name] = plain_type(kind)
        except ValueError as error:  # matters if the column is used
            types[name], unread[name] = pa.null(), str(error)

    def start(fields: Sequence[str]) -> Iterator[pa.RecordBatch]:
        target, n_found, n_bytes = pa.schema([(name, types[name]) for name in fields]), 0, 0
        if wrong := next((name for name in fields if name in unread), None):
            raise InputError(f"{settings.table}: column {wrong!r} is {unread[wrong]}")
        try:
            for batch in batches(fields):
                refuse_growth(path, sum(map(viewed_bytes, batch.columns)))  # before the views are followed
                batch.validate(full=True)
                n_found += batch.num_rows
                n_bytes += sum(map(decoded_bytes, batch.columns))
                refuse_growth(path, n_bytes)
                yield batch.select(list(fields)).cast(target)
        except GrowthError as error:
            raise InputError(f"{settings.table}: {error}") from error
        except DAMAGED as error:
            raise InputError(f"{settings.table}: is damaged ({_first_line(error)})") from error
        if n_found != n_rows:
            raise InputError(f"{settings.table}: is damaged (it declares {n_rows} rows, and has {n_found})")

    return SourceRows(FolderFiles(path.parent), numbered(n_rows), types, Cursor(start).take,
                      where=lambda row: f"row {row + 1} of {path.name}", content=None, written=False,
                      declared=settings.types, files={path.name: path}, number_format=NumberFormat(settings.decimal, settings.thousands))


def _parquet(path: Path) -> Opened:
    import pyarrow.parquet as pq  # here: the import takes 0.1 s

    about = pq.read_metadata(path)
    refuse_growth(path, parquet_bytes(about))
    # As dictionaries, even where the schema has none: decoded, a value of which there is one may take its length in every row.
    leaves = [about.schema.column(i) for i in range(about.num_columns)]
    repeated = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    file, plain = pq.ParquetFile(path, pre_buffer=False, read_dictionary=repeated), pq.ParquetFile(path, pre_buffer=False)

    def batches(fields: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for group in range(about.num_row_groups):  # dictionaries inside structs cannot span two
            n_read = 0
            try:
                for batch in file.iter_batches(CHUNK_ROWS, [group], list(fields)):
                    yield batch
                    n_read += batch.num_rows
            except pa.ArrowNotImplementedError:  # nor a dictionary that its writer gave up within the group: few rows at a time instead
                for batch in plain.iter_batches(FEW_ROWS, [group], list(fields)):
                    skipped = min(n_read, batch.num_rows)
                    n_read -= skipped
                    yield batch.slice(skipped)

    return file.schema_arrow, about.num_rows, batches


def _arrow(path: Path) -> Opened:
    refuse_growth(path, ipc_bytes(path))
    file = pa.ipc.open_file(pa.memory_map(str(path)))

    def batches(fields: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from (file.get_batch(i).select(list(fields)) for i in range(file.num_record_batches))

    return file.schema, sum(file.get_batch(i).num_rows for i in range(file.num_record_batches)), batches


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


SOURCE = SourceKind("table", TableSourceSettings, open_rows)
