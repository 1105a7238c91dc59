"""What every kind of source gives: samples with named fields, of which the contents are read in pieces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.contracts.settings import Settings

PIECE = 1024


@dataclass(frozen=True)
class Rows:
    """The samples of a source, opened: names and types of their fields, and how fields of some rows are read.

    root: the folder that paths in fields are relative to.
    ids: what a sample is called where no field says so.
    types: field → Arrow type.
    read(fields, rows) → table of these fields; `rows` ascending int64, or None for all.
    where(row) → where a person finds the row: file and line, without the file's folder.
    content: the field that a modality has which names none (a folder's file, a block's numbers), or None.
    written: whether fields are text in which numbers and dates stand, so that their type is to be told from all of their values.
    declared: field → type, where a person says it (number, truth, date, text).
    files: the source's own files, by the name that the fingerprint knows them under.
    """

    root: Path
    ids: Sequence[str]
    types: Mapping[str, pa.DataType]
    read: Callable[[Sequence[str], np.ndarray | None], pa.Table]
    where: Callable[[int], str]
    content: str | None
    written: bool
    declared: Mapping[str, str]
    files: Mapping[str, Path]


@dataclass(frozen=True)
class SourceKind:
    """A kind of source: `open_rows(settings, key)` reads what is needed to know its rows; `key` is the place in params.yaml."""

    name: str
    settings: type[Settings]
    open_rows: Callable[..., Rows]


class Cursor:
    """Rows of a stream of record batches that can be started anew, asked for in ascending order: one batch in memory at a time."""

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
        parts = []
        while True:
            inside = rows[(rows >= self._first) & (rows < self._first + len(self._batch))] - self._first
            parts.append(self._batch.take(pa.array(inside)))
            if not len(rows) or rows[-1] < self._first + len(self._batch):
                return pa.Table.from_batches(parts)
            self._first, self._batch = self._first + len(self._batch), next(self._batches)


def numbered(n_rows: int) -> list[str]:
    """Return the names of rows that have none: their numbers from 1, as wide as the largest."""
    width = max(4, len(str(n_rows)))
    return [f"{row + 1:0{width}d}" for row in range(n_rows)]
