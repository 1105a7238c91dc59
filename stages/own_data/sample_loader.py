"""Load samples of own data, a chunk of rows at a time: files, table cells, several columns as one struct."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.tables import column_values
from stages.ingestion.missing_modalities import MissingModalities
from stages.own_data.absent import AbsentError, Faults
from stages.own_data.decoders.decode import ENCODED, column, decode
from stages.own_data.decoders.decoded_columns import ColumnError
from stages.own_data.decoders.decoded_vectors import is_vector_list, list_vectors
from stages.own_data.empty_cells import blank_as_null, is_empty
from stages.own_data.file_names import FileNames, Names, single_names
from stages.own_data.joined_columns import joined_vectors
from stages.own_data.matrix_file import MatrixFile, open_matrix
from stages.own_data.node_graph import open_node_graph
from stages.own_data.paths_inside import MAX_FILE_BYTES
from stages.own_data.roles import OwnModality
from stages.own_data.sample_files import FolderFiles
from stages.own_data.several_files import POOLED, separator_hint
from stages.own_data.source_rows import SourceRows
from stages.samples.pooling import FILES_KEY, SEVERAL

Reasons = dict[str, str]


class SampleLoader:
    """Loads the rows of a source. The first chunk decides a column's Arrow type."""

    def __init__(
        self, dataset: str, rows: SourceRows, ids: Sequence[str], modalities: Sequence[OwnModality], *,
        tables: Mapping[str, pa.StructArray], missing: MissingModalities,
    ) -> None:
        self._missing = missing
        self._dataset, self._rows, self._ids, self._modalities, self._tables = dataset, rows, ids, modalities, tables
        needed = (field for modality in modalities if modality.name not in tables for field in modality.needed)
        self._fields = tuple(dict.fromkeys(field for field in needed if field in rows.types))
        self._types: dict[str, pa.DataType] = {}  # of a modality's values; of several files that of one
        self._names = FileNames(rows.sample_files)
        self._graphs = {modality.name: open_node_graph(dataset, modality, rows, ids) for modality in modalities}
        self._matrices = {modality.name: matrix_of(dataset, modality, rows, ids) for modality in modalities}

    def load(self, chunk: pa.Table, reasons: Reasons) -> pa.Table:
        """Return the chunk of the index with a column per modality, and where each value was found, or looked for (`source`).

        A modality that a sample lacks is null. Unreadable samples, and those that lack what they need, go to `reasons` and are dropped.
        """
        numbers, ids = column_values(chunk["row"]), chunk["sample_id"].to_pylist()
        table = self._rows.read(self._fields, numbers) if self._fields else pa.table({})
        bad: Reasons = {}
        absent: dict[str, Mapping[str, tuple[str, str]]] = {}
        places = dict(zip(ids, map(self._rows.where, map(int, numbers)), strict=True))
        chunk = chunk.drop_columns(["row"])
        for modality in self._modalities:
            faults = Faults(bad)
            values = self._column(modality, table, numbers, ids, faults)
            absent[modality.name] = {name: (_placed(error, name, places[name]), error.looked_for) for name, error in faults.absent.items()}
            about = {b"modality": modality.kind.encode(), **({FILES_KEY: SEVERAL} if modality.several else {})}
            chunk = chunk.append_column(pa.field(modality.name, values.type, metadata=about), values)
        chunk = chunk.append_column("source", self._locations(table, ids, list(places.values())))
        self._missing.judge(ids, absent, bad)
        reasons.update({name: bad[name] for name in ids if name in bad})  # in the order of the rows
        return chunk.filter(pa.array([name not in bad for name in ids], pa.bool_())) if bad else chunk

    def _locations(self, table: pa.Table, ids: Sequence[str], places: Sequence[str]) -> pa.StructArray:
        """Return for every row and modality the file, or the row of the table, that holds the value."""
        columns = []
        for modality in self._modalities:
            named = self._names.of(modality, table, ids) if modality.is_file else [()] * len(places)
            pairs = zip(named, places, strict=True)
            found = [_looked_for(names, place) if isinstance(names, ValueError) or not names else _listed(names) for names, place in pairs]
            columns.append(pa.array(found, pa.string()))
        return pa.StructArray.from_arrays(columns, names=[modality.name for modality in self._modalities])

    def _column(self, modality: OwnModality, table: pa.Table, numbers: np.ndarray, ids: Sequence[str], faults: Faults) -> pa.Array:
        if modality.name in self._tables:
            return self._tables[modality.name].take(pa.array(numbers))
        if modality.several:
            return self._file_lists(modality, table, ids, faults)
        if not modality.is_file and modality.kind in ("text", *ENCODED):
            values = table[modality.fields[0]].combine_chunks()
            is_text = modality.kind == "text" and pa.types.is_string(values.type)
            if is_text or modality.kind != "text":
                found = blank_as_null(values) if is_text else self._encoded(modality, values, ids, faults)
                _note_nulls(found.is_null().to_pylist(), ids, faults, f"column {modality.fields[0]!r} is empty")
                return found
        return self._to_column(modality, self._values(modality, table, numbers, ids, faults), ids, faults.bad)

    def _values(self, modality: OwnModality, table: pa.Table, numbers: np.ndarray, ids: Sequence[str], faults: Faults) -> list[Any]:
        """Return the value of each row; None, with the reason in `faults`, where it cannot be read or is not there."""
        if (graph := self._graphs[modality.name]) is not None:
            return _read_each(ids, ids, faults, lambda name: graph.around(name, modality.hops))
        if modality.is_file:
            return _read_each(single_names(modality, table, ids), ids, faults, lambda name: self._decode(modality, name))
        if modality.matrix is not None:
            return self._of_matrix(modality, numbers, ids, faults)
        if modality.is_joined:
            vectors, reasons = joined_vectors(table, modality.fields, self._rows, self._dataset)
            for place, error in reasons.items():
                faults.add(ids[place], error if isinstance(error, AbsentError) else ValueError(f"{modality.name}: {error}"))
            return vectors
        cells = table[modality.fields[0]].combine_chunks()
        is_list = modality.kind == "vector" and is_vector_list(cells.type)
        values: list[Any] = list_vectors(cells) if is_list else self._python_values(modality, cells)
        empty = [is_empty(modality.kind, value) for value in values]
        _note_nulls(empty, ids, faults, f"column {modality.fields[0]!r} is empty")
        return [None if nothing else value for nothing, value in zip(empty, values, strict=True)]

    def _of_matrix(self, modality: OwnModality, numbers: np.ndarray, ids: Sequence[str], faults: Faults) -> list[Any]:
        """Return the row of a matrix of each sample, by its number or name; a sample without one lacks the modality."""
        matrix = self._matrices[modality.name]
        rows = matrix.rows_of(numbers, ids)
        _note_nulls(list(rows < 0), ids, faults, lambda name: f"{modality.matrix} has no row whose `ids` is {name!r}")
        read = iter(matrix.read(rows[rows >= 0]))
        found = [next(read) if row >= 0 else None for row in rows]
        _note_nulls([vector is None for vector in found], ids, faults, f"its row in {modality.matrix} is null")
        return found

    def _key(self, modality: OwnModality) -> str:
        return f"{PARAMS}: datasets.{self._dataset}.modalities.{modality.name}.column: {modality.fields[0]!r}"

    def _python_values(self, modality: OwnModality, values: pa.Array) -> list[Any]:
        """Return table cells as Python values; some types have none, such as times of an unknown zone."""
        try:
            return list(values.to_pylist())
        except (pa.ArrowException, LookupError, ValueError, OverflowError) as error:
            found = f"{values.type}, which modality {modality.kind} does not read ({error})"
            raise InputError(f"{self._key(modality)} holds {found}") from error

    def _decode(self, modality: OwnModality, name: str) -> Any:
        try:
            return decode(modality.kind, self._rows.sample_files.read(name), name, self._rows.encoding)
        except ValueError as error:
            hint = separator_hint(name) if modality.kind in POOLED and modality.fields and not modality.several else ""
            said = (str(error) if name in str(error) else f"{name}: {error}") + hint
            if isinstance(error, AbsentError) and not (hint and self._names.are_several(name)):
                raise AbsentError(said, name) from error
            raise ValueError(said) from error

    def _file_lists(self, modality: OwnModality, table: pa.Table, ids: Sequence[str], faults: Faults) -> pa.ListArray:
        """Return the values of each row's files as a list, null where it has none; a sample with a file that cannot be read is bad."""
        if modality.is_file:
            decoded = self._decoded_lists(modality, table, ids, faults)
            lengths = [len(values or ()) for values in decoded]
            owners = [name for name, length in zip(ids, lengths, strict=True) for _ in range(length)]
            flat = self._to_column(modality, [value for values in decoded for value in values or ()], owners, faults.bad)
        else:
            lists = bytes_lists(table, modality.fields)
            lengths = [length or 0 for length in lists.value_lengths().to_pylist()]
            owners = [name for name, length in zip(ids, lengths, strict=True) for _ in range(length)]
            of_files = Faults({})
            flat = self._encoded(modality, lists.flatten(), owners, of_files)
            _judge_lists(modality.name, owners, flat.is_null().to_pylist(), of_files, faults)
        has_none = [not length or name in faults.absent for name, length in zip(ids, lengths, strict=True)]
        _note_nulls(has_none, ids, faults, f"{modality.name}: the sample has no file")
        return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *lengths]).astype(np.int32)), flat, mask=pa.array(has_none, pa.bool_()))

    def _decoded_lists(self, modality: OwnModality, table: pa.Table, ids: Sequence[str], faults: Faults) -> list[list[Any] | None]:
        """Return the decoded files of each row; None, with the reason in `faults`, where one of them cannot be read or all are absent."""

        def read(names: Names) -> list[Any]:
            if (size := self._names.n_bytes(names)) > MAX_FILE_BYTES:
                raise ValueError(f"{_listed(names)}: {size:,} bytes, more than {MAX_FILE_BYTES:,} for the files of one sample")
            return [self._decode(modality, name) for name in names]

        return _read_each(self._names.of(modality, table, ids), ids, faults, read)

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
            try:
                if modality.several:
                    value = (self._decoded_lists(modality, table, self._ids[row : row + 1], Faults({}))[0] or [None])[0]
                else:
                    value = self._values(modality, table, np.array([row]), self._ids[row : row + 1], Faults({}))[0]
                if value is not None:
                    return column(modality.kind, [value]).type
            except ValueError:
                continue
        return pa.null()

    def _bytes_or_files(self, values: pa.StructArray, ids: Sequence[str], faults: Faults) -> pa.Array:
        """Return the bytes of structs of `bytes` and `path`, read from the file where there is only a path."""
        fields = dict(zip(values.type.names, values.flatten(), strict=True))
        if "path" not in fields:
            return fields["bytes"]
        both = zip(fields["bytes"].to_pylist(), fields["path"].to_pylist(), strict=True)
        names = [path if raw is None and path else None for raw, path in both]
        wanted = [place for place, name in enumerate(names) if name is not None]
        read = _read_each([str(names[place]) for place in wanted], [ids[place] for place in wanted], faults,
                          self._rows.sample_files.read)  # fmt: skip
        found = dict(zip(wanted, read, strict=True))
        return pa.array([found.get(place, raw) for place, raw in enumerate(fields["bytes"].to_pylist())], pa.binary())

    def _encoded(self, modality: OwnModality, values: pa.Array, ids: Sequence[str], faults: Faults) -> pa.Array:
        if pa.types.is_struct(values.type) and "bytes" in values.type.names:  # as image collections on the web store them
            values = self._bytes_or_files(values, ids, faults)
        if not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
            raise InputError(f"{self._key(modality)} holds {values.type}; modality {modality.kind} reads names of files (text) or their "
                             "bytes (binary)")
        return values.cast(pa.binary())


def matrix_of(dataset: str, modality: OwnModality, rows: SourceRows, ids: Sequence[str]) -> MatrixFile | None:
    """Return the matrix that holds a modality, opened and checked; None: it has none."""
    if modality.matrix is None:
        return None
    key = f"{PARAMS}: datasets.{dataset}.modalities.{modality.name}.matrix"
    if not isinstance(rows.sample_files, FolderFiles):
        raise InputError(f"{key}: {modality.matrix}: a matrix is not read out of an archive; unpack it, and name the folder")
    return open_matrix(rows.sample_files.root, modality.matrix, key, ids, ordered=bool(rows.files))


def bytes_lists(table: pa.Table, fields: Sequence[str]) -> pa.ListArray:
    """Return the bytes of each row's files as a list: those in one column of lists, or in several columns, of which some may be null."""
    if len(fields) == 1 and pa.types.is_list(table[fields[0]].type):
        return table[fields[0]].combine_chunks()
    rows = zip(*(table[field].to_pylist() for field in fields), strict=True)
    return pa.array([[raw for raw in row if raw is not None] for row in rows], pa.list_(pa.binary()))


def _listed(names: Names) -> str:
    """Return where a sample with these files is: its file, or the first one and how many more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _placed(error: AbsentError, name: str, place: str) -> str:
    """Return why a sample lacks a modality, with its row if no file is named and the row is not named like the sample."""
    return str(error) if error.looked_for or place == name else f"{error}, {place}"


def _looked_for(names: ValueError | Names, place: str) -> str:
    """Return where a sample without a file was looked for: the pattern that none fits, else its row."""
    return (names.looked_for if isinstance(names, AbsentError) else "") or place


def _note_nulls(is_null: Sequence[bool], ids: Sequence[str], faults: Faults, why: str | Callable[[str], str]) -> None:
    """Note that samples have no value, unless it is known why."""
    for name, nothing in zip(ids, is_null, strict=True):
        if nothing and name not in faults.bad and name not in faults.absent:
            faults.add(name, AbsentError(why if isinstance(why, str) else why(name)))


def _judge_lists(modality: str, owners: Sequence[str], is_null: Sequence[bool], of_files: Faults, faults: Faults) -> None:
    """Note the samples some of whose files, as bytes, are null or cannot be read; those of which all are null lack the modality."""
    n_files, n_null = Counter(owners), Counter(name for name, nothing in zip(owners, is_null, strict=True) if nothing)
    for name in n_null:
        if name in of_files.bad:
            faults.bad.setdefault(name, of_files.bad[name])
        elif n_null[name] == n_files[name]:
            faults.add(name, of_files.absent.get(name) or AbsentError(f"{modality}: the sample has no file"))
        else:
            faults.bad.setdefault(name, str(of_files.absent.get(name) or f"{modality}: one of its files is missing (null)"))


def _read_each(names: Sequence[Any], ids: Sequence[str], faults: Faults, read: Callable[[Any], Any]) -> list[Any]:
    """Return `read` of each row's name, or names (an error: they are not known); None, with the reason in `faults`, where it fails."""
    values: list[Any] = []
    for name, sample in zip(names, ids, strict=True):
        try:
            if isinstance(name, ValueError):
                raise name
            values.append(read(name))
        except ValueError as error:
            values.append(None)
            faults.add(sample, error)
    return values
