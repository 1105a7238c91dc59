"""Load samples of own data, a chunk of rows at a time: a column per modality, null where a sample lacks it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.tables import column_values
from stages.ingestion.missing_modalities import MissingModalities
from stages.own_data.absent import AbsentError, Faults
from stages.own_data.decoders.decode import ENCODED, column
from stages.own_data.decoders.decoded_columns import ColumnError
from stages.own_data.empty_cells import blank_as_null
from stages.own_data.file_names import Names, listed
from stages.own_data.roles import OwnModality
from stages.own_data.sample_values import ChunkRows, SampleValues, note_nulls
from stages.own_data.source_rows import SourceRows
from stages.samples.pooling import FILES_KEY, SEVERAL

Reasons = dict[str, str]


class SampleLoader:
    """Loads the rows of a source. The first chunk decides a column's Arrow type."""

    def __init__(
        self, dataset: str, rows: SourceRows, ids: Sequence[str], modalities: Sequence[OwnModality], *,
        tables: Mapping[str, pa.StructArray], missing: MissingModalities,
    ) -> None:
        self._rows, self._ids, self._modalities, self._tables, self._missing = rows, ids, modalities, tables, missing
        needed = (field for modality in modalities if modality.name not in tables for field in modality.needed)
        self._fields = tuple(dict.fromkeys(field for field in needed if field in rows.types))
        self._types: dict[str, pa.DataType] = {}  # of a modality's values; of several files that of one
        self._values = SampleValues(dataset, rows, ids, modalities)

    def load(self, chunk: pa.Table, reasons: Reasons) -> pa.Table:
        """Return the chunk of the index with a column per modality, and where each value was found, or looked for (`source`).

        A modality that a sample lacks is null. Unreadable samples, and those that lack what they need, go to `reasons` and are dropped.
        """
        numbers, ids = column_values(chunk["row"]), chunk["sample_id"].to_pylist()
        table = self._rows.read(self._fields, numbers) if self._fields else pa.table({})
        rows, bad = ChunkRows(table, numbers, ids), Reasons()
        places = dict(zip(ids, map(self._rows.where, map(int, numbers)), strict=True))
        absent: dict[str, Mapping[str, tuple[str, str]]] = {}
        chunk = chunk.drop_columns(["row"])
        for modality in self._modalities:
            faults = Faults(bad)
            values = self._column(modality, rows, faults)
            absent[modality.name] = {name: (_placed(error, name, places[name]), error.looked_for) for name, error in faults.absent.items()}
            about = {b"modality": modality.kind.encode(), **({FILES_KEY: SEVERAL} if modality.several else {})}
            chunk = chunk.append_column(pa.field(modality.name, values.type, metadata=about), values)
        chunk = chunk.append_column("source", self._locations(rows, list(places.values())))
        self._missing.judge(ids, absent, bad)
        reasons.update({name: bad[name] for name in ids if name in bad})  # in the order of the rows
        return chunk.filter(pa.array([name not in bad for name in ids], pa.bool_())) if bad else chunk

    def _locations(self, rows: ChunkRows, places: Sequence[str]) -> pa.StructArray:
        """Return for every row and modality the file, or the row of the table, that holds the value, or would hold it."""
        columns = []
        for modality in self._modalities:
            named = self._values.names.of(modality, rows.table, rows.ids) if modality.is_file else [()] * len(places)
            pairs = zip(named, places, strict=True)
            found = [_looked_for(names, place) if isinstance(names, ValueError) or not names else listed(names) for names, place in pairs]
            columns.append(pa.array(found, pa.string()))
        return pa.StructArray.from_arrays(columns, names=[modality.name for modality in self._modalities])

    def _column(self, modality: OwnModality, rows: ChunkRows, faults: Faults) -> pa.Array:
        if modality.name in self._tables:
            return self._tables[modality.name].take(pa.array(rows.numbers))
        if modality.several:
            return self._file_lists(modality, rows, faults)
        if not modality.is_file and modality.kind in ("text", *ENCODED):
            values = rows.table[modality.fields[0]].combine_chunks()
            is_text = modality.kind == "text" and pa.types.is_string(values.type)
            if is_text or modality.kind != "text":
                found = blank_as_null(values) if is_text else self._values.encoded(modality, values, rows.ids, faults)
                note_nulls(found.is_null().to_pylist(), rows.ids, faults, f"column {modality.fields[0]!r} is empty")
                return found
        return self._to_column(modality, self._values.of(modality, rows, faults), rows.ids, faults.bad)

    def _file_lists(self, modality: OwnModality, rows: ChunkRows, faults: Faults) -> pa.ListArray:
        """Return the values of each row's files as a list, null where it has none; a sample with a file that cannot be read is bad."""
        if modality.is_file:
            decoded = self._values.lists_of(modality, rows, faults)
            lengths = [len(values or ()) for values in decoded]
            owners = [name for name, length in zip(rows.ids, lengths, strict=True) for _ in range(length)]
            flat = self._to_column(modality, [value for values in decoded for value in values or ()], owners, faults.bad)
        else:
            lists = bytes_lists(rows.table, modality.fields)
            lengths = [length or 0 for length in lists.value_lengths().to_pylist()]
            owners = [name for name, length in zip(rows.ids, lengths, strict=True) for _ in range(length)]
            of_files = Faults({})
            flat = self._values.encoded(modality, lists.flatten(), owners, of_files)
            _judge_lists(modality.name, Counter(owners), _counted(owners, flat), of_files, faults)
        has_none = [not length or name in faults.absent for name, length in zip(rows.ids, lengths, strict=True)]
        note_nulls(has_none, rows.ids, faults, f"{modality.name}: the sample has no file")
        return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *lengths]).astype(np.int32)), flat, mask=pa.array(has_none, pa.bool_()))

    def _to_column(self, modality: OwnModality, values: list[Any], ids: Sequence[str], bad: Reasons) -> pa.Array:
        """Return values as the modality's column; values that do not fit the others go to `bad`."""
        kind = self._types.get(modality.name)
        if kind is None and all(value is None for value in values):
            kind = self._types[modality.name] = self._type_of_first_readable(modality)
        if not any(value is not None for value in values):
            return pa.nulls(len(values), kind)
        try:
            array = column(modality.kind, values, kind)
        except ColumnError as error:
            for place, reason in error.reasons.items():
                bad.setdefault(ids[place], f"{modality.name}: {reason}")
            fitting = [None if i in error.reasons else value for i, value in enumerate(values)]
            return self._to_column(modality, fitting, ids, bad)
        self._types.setdefault(modality.name, array.type)
        return array

    def _type_of_first_readable(self, modality: OwnModality) -> pa.DataType:
        """Return the Arrow type of the first readable sample of all; null if there is none."""
        for row in range(len(self._ids)):
            table = self._rows.read([field for field in modality.needed if field in self._rows.types], np.array([row]))
            one = ChunkRows(table, np.array([row]), self._ids[row : row + 1])
            try:
                if modality.several:
                    value = (self._values.lists_of(modality, one, Faults({}))[0] or [None])[0]
                else:
                    value = self._values.of(modality, one, Faults({}))[0]
                if value is not None:
                    return column(modality.kind, [value]).type
            except ValueError:
                continue
        return pa.null()


def bytes_lists(table: pa.Table, fields: Sequence[str]) -> pa.ListArray:
    """Return the bytes of each row's files as a list: those in one column of lists, or in several columns, of which some may be null."""
    if len(fields) == 1 and pa.types.is_list(table[fields[0]].type):
        return table[fields[0]].combine_chunks()
    rows = zip(*(table[field].to_pylist() for field in fields), strict=True)
    return pa.array([[raw for raw in row if raw is not None] for row in rows], pa.list_(pa.binary()))


def _counted(owners: Sequence[str], files: pa.Array) -> Counter[str]:
    """Return how many files of each sample are null."""
    return Counter(name for name, is_null in zip(owners, files.is_null().to_pylist(), strict=True) if is_null)


def _judge_lists(modality: str, n_files: Counter[str], n_null: Counter[str], of_files: Faults, faults: Faults) -> None:
    """Note the samples some of whose files, as bytes, are null or cannot be read; those of which all are null lack the modality."""
    for name in n_null:
        if name in of_files.bad:
            faults.bad.setdefault(name, of_files.bad[name])
        elif n_null[name] == n_files[name]:
            faults.add(name, of_files.absent.get(name) or AbsentError(f"{modality}: the sample has no file"))
        else:
            faults.bad.setdefault(name, str(of_files.absent.get(name) or f"{modality}: one of its files is missing (null)"))


def _placed(error: AbsentError, name: str, place: str) -> str:
    """Return why a sample lacks a modality, with its row if no file is named and the row is not named like the sample."""
    return str(error) if error.looked_for or place == name else f"{error}, {place}"


def _looked_for(names: ValueError | Names, place: str) -> str:
    """Return where a sample without a file was looked for: the pattern that none fits, else its row."""
    return (names.looked_for if isinstance(names, AbsentError) else "") or place
