"""What every kind of source provides: samples with named fields, read in chunks of rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from stages.contracts.settings import Settings
from stages.foundation.taken_rows import rows_at
from stages.own_data.date_format import DateOrder
from stages.own_data.number_format import PLAIN, NumberFormat
from stages.own_data.sample_files import SampleFiles

CHUNK_ROWS = 1024
MAX_ROWS = 10_000_000  # names of all rows are kept in memory
Kind = Literal["number", "truth", "date", "text"]  # of a column, where the entry declares it

AnySettings = TypeVar("AnySettings", bound=Settings)
Accepted = TypeVar("Accepted", bound=Settings, contravariant=True)
ReadRows = Callable[[Sequence[str], np.ndarray | None], pa.Table]  # fields, rows (ascending int64; None: all) → table of these fields


@dataclass(frozen=True)
class SourceRows:
    """The samples of an opened source: names and types of their fields, and how to read the fields of some rows.

    sample_files: where the files are that fields name.
    ids: names of the samples, unless the entry's `id` names a field.
    types: field → Arrow type.
    where(row) → where a person finds the row: file and line, without the file's folder.
    content: the field that a modality reads by default (a folder's file, a block's numbers), or None.
    written: whether fields are text that holds numbers and dates, so that their type is inferred from all of their values.
    declared: field → type, where the entry declares it (number, truth, date, text).
    files: the source's own files, by their name in the fingerprint.
    number_format: how numbers in fields of text are written. encoding: of files of text that are not UTF-8.
    dates: the order of day and month in dates that are not ISO dates.
    notes: what was left out.
    """

    sample_files: SampleFiles
    ids: Sequence[str]
    types: Mapping[str, pa.DataType]
    read: ReadRows
    where: Callable[[int], str]
    content: str | None
    written: bool
    declared: Mapping[str, str]
    files: Mapping[str, Path]
    number_format: NumberFormat = PLAIN
    encoding: str | None = None
    dates: DateOrder | None = None
    notes: tuple[str, ...] = ()


class OpenRows(Protocol[Accepted]):
    """Opens a source: reads what its rows' names and fields depend on; `key` is the place in params.yaml."""

    def __call__(self, settings: Accepted, key: str, /) -> SourceRows: ...


@dataclass(frozen=True)
class SourceKind(Generic[AnySettings]):
    """A kind of source, with its settings."""

    name: str
    settings: type[AnySettings]
    open_rows: OpenRows[AnySettings]


class Cursor:
    """Reads ascending rows of a stream of record batches that can be restarted; holds one batch in memory at a time."""

    def __init__(self, start: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]) -> None:
        self._start = start
        self._fields: tuple[str, ...] = ()
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._first = 0
        self._batch: pa.RecordBatch = None  # none yet

    def take(self, fields: Sequence[str], rows: np.ndarray | None) -> pa.Table:
        """Return the rows (all: None) of some fields."""
        if rows is None:
            return pa.Table.from_batches(list(self._start(fields)))
        if self._batch is None or tuple(fields) != self._fields or (len(rows) and rows[0] < self._first):
            self._fields, self._batches = tuple(fields), self._start(fields)
            self._first, self._batch = 0, next(self._batches)
        taken = []
        while True:
            inside = rows[(rows >= self._first) & (rows < self._first + len(self._batch))] - self._first
            taken.append(rows_at(pa.Table.from_batches([self._batch]), inside))
            if not len(rows) or rows[-1] < self._first + len(self._batch):
                return pa.concat_tables(taken)
            self._first, self._batch = self._first + len(self._batch), next(self._batches)


def table_reader(table: pa.Table) -> ReadRows:
    """Return the function that reads fields and rows of a table in memory."""

    def read(fields: Sequence[str], rows: np.ndarray | None) -> pa.Table:
        chosen = table.select(list(fields))
        return chosen if rows is None else rows_at(chosen, rows)

    return read


def numbered(n_rows: int) -> list[str]:
    """Return names for rows that have none: their numbers from 1, zero-padded to one width."""
    width = max(4, len(str(n_rows)))
    return [f"{row + 1:0{width}d}" for row in range(n_rows)]
