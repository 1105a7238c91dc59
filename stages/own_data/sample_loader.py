"""Load samples of own data, a chunk of rows at a time: files, table cells, several columns as one struct."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.tables import column_values
from stages.own_data.decoders.decode import ENCODED, column, decode
from stages.own_data.decoders.decoded_columns import ColumnError
from stages.own_data.decoders.decoded_vectors import is_vector_list, list_vectors
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
        self, dataset: str, rows: SourceRows, ids: Sequence[str], modalities: Sequence[OwnModality], tables: Mapping[str, pa.StructArray]
    ) -> None:
        self._dataset, self._rows, self._ids, self._modalities, self._tables = dataset, rows, ids, modalities, tables
        needed = (field for modality in modalities if modality.name not in tables for field in modality.needed)
        self._fields = tuple(dict.fromkeys(field for field in needed if field in rows.types))
        self._types: dict[str, pa.DataType] = {}  # of a modality's values; of several files that of one
        self._names = FileNames(rows.sample_files)
        self._graphs = {modality.name: open_node_graph(dataset, modality, rows, ids) for modality in modalities}
        self._matrices = {modality.name: matrix_of(dataset, modality, rows, ids) for modality in modalities}

    def load(self, chunk: pa.Table, reasons: Reasons) -> pa.Table:
        """Return the chunk of the index with a column per modality, and where each value was found (`source`).

        Unreadable samples go to `reasons` and are dropped.
        """
        numbers, ids = column_values(chunk["row"]), chunk["sample_id"].to_pylist()
        table = self._rows.read(self._fields, numbers) if self._fields else pa.table({})
        bad: Reasons = {}
        chunk = chunk.drop_columns(["row"])
        for modality in self._modalities:
            values = self._column(modality, table, numbers, ids, bad)
            about = {b"modality": modality.kind.encode(), **({FILES_KEY: SEVERAL} if modality.several else {})}
            chunk = chunk.append_column(pa.field(modality.name, values.type, metadata=about), values)
        chunk = chunk.append_column("source", self._locations(table, numbers, ids))
        reasons.update(bad)
        return chunk.filter(pa.array([name not in bad for name in ids], pa.bool_())) if bad else chunk

    def _locations(self, table: pa.Table, numbers: np.ndarray, ids: Sequence[str]) -> pa.StructArray:
        """Return for every row and modality the file, or the row of the table, that holds the value."""
        places = [self._rows.where(int(row)) for row in numbers]
        columns = []
        for modality in self._modalities:
            named = self._names.of(modality, table, ids) if modality.is_file else [()] * len(places)
            pairs = zip(named, places, strict=True)
            found = [place if isinstance(names, ValueError) or not names else _listed(names) for names, place in pairs]
            columns.append(pa.array(found, pa.string()))
        return pa.StructArray.from_arrays(columns, names=[modality.name for modality in self._modalities])

    def _column(self, modality: OwnModality, table: pa.Table, numbers: np.ndarray, ids: Sequence[str], bad: Reasons) -> pa.Array:
        if modality.name in self._tables:
            return self._tables[modality.name].take(pa.array(numbers))
        if modality.several:
            return self._file_lists(modality, table, ids, bad)
        if (graph := self._graphs[modality.name]) is not None:
            around = _read_each(ids, ids, bad, lambda name: graph.around(name, modality.hops))
            return self._to_column(modality, around, ids, bad)
        if modality.is_file or modality.kind == "vector":
            return self._to_column(modality, self._decoded(modality, table, numbers, ids, bad), ids, bad)
        values = table[modality.fields[0]].combine_chunks()
        if modality.kind in ENCODED:
            return self._encoded(modality, values, ids, bad)
        if modality.kind == "text" and pa.types.is_string(values.type):
            return values
        return self._to_column(modality, self._python_values(modality, values), ids, bad)

    def _decoded(self, modality: OwnModality, table: pa.Table, numbers: np.ndarray, ids: Sequence[str], bad: Reasons) -> list[Any]:
        """Return the decoded file of each row, or its vector; None, with the reason in `bad`, where it cannot be read."""
        if modality.is_file:
            return _read_each(single_names(modality, table, ids), ids, bad, lambda name: self._decode(modality, name))
        if (matrix := self._matrices[modality.name]) is not None:
            rows = matrix.rows_of(numbers, ids)
            for place in map(int, np.flatnonzero(rows < 0)):
                bad.setdefault(ids[place], f"{modality.matrix} has no row whose `ids` is {ids[place]!r}")
            found = iter(matrix.read(rows[rows >= 0]))
            return [next(found) if row >= 0 else None for row in rows]
        if modality.is_joined:
            vectors, reasons = joined_vectors(table, modality.fields, self._rows, self._dataset)
            bad.update({ids[place]: f"{modality.name}: {reason}" for place, reason in reasons.items() if ids[place] not in bad})
            return vectors
        values = table[modality.fields[0]].combine_chunks()
        return list_vectors(values) if is_vector_list(values.type) else self._python_values(modality, values)

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
            raise ValueError((str(error) if name in str(error) else f"{name}: {error}") + hint) from error

    def _file_lists(self, modality: OwnModality, table: pa.Table, ids: Sequence[str], bad: Reasons) -> pa.ListArray:
        """Return the values of each row's files as a list; a sample with a file that cannot be read goes to `bad`."""
        if modality.is_file:
            decoded = self._decoded_lists(modality, table, ids, bad)
            lengths = [len(values or ()) for values in decoded]
            owners = [name for name, length in zip(ids, lengths, strict=True) for _ in range(length)]
            flat = self._to_column(modality, [value for values in decoded for value in values or ()], owners, bad)
        else:
            lists = bytes_lists(table, modality.fields)
            lengths = [length or 0 for length in lists.value_lengths().to_pylist()]
            owners = [name for name, length in zip(ids, lengths, strict=True) for _ in range(length)]
            flat = self._encoded(modality, lists.flatten(), owners, bad)
            for name, is_missing in zip(owners, flat.is_null().to_pylist(), strict=True):
                if is_missing:
                    bad.setdefault(name, f"{modality.name}: one of its files is missing (null)")
        for name, length in zip(ids, lengths, strict=True):
            if not length:
                bad.setdefault(name, f"{modality.name}: the sample has no file")
        return pa.ListArray.from_arrays(pa.array(np.cumsum([0, *lengths]).astype(np.int32)), flat)

    def _decoded_lists(self, modality: OwnModality, table: pa.Table, ids: Sequence[str], bad: Reasons) -> list[list[Any] | None]:
        """Return the decoded files of each row; None, with the reason in `bad`, where one of them cannot be read."""

        def read(names: Names) -> list[Any]:
            if (size := sum(self._rows.sample_files.n_bytes(name) for name in names)) > MAX_FILE_BYTES:
                raise ValueError(f"{_listed(names)}: {size:,} bytes, more than {MAX_FILE_BYTES:,} for the files of one sample")
            return [self._decode(modality, name) for name in names]

        return _read_each(self._names.of(modality, table, ids), ids, bad, read)

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
                    value = (self._decoded_lists(modality, table, self._ids[row : row + 1], {})[0] or [None])[0]
                elif (graph := self._graphs[modality.name]) is not None:
                    value = graph.around(self._ids[row], modality.hops)
                elif modality.is_file or modality.kind == "vector":
                    value = self._decoded(modality, table, np.array([row]), self._ids[row : row + 1], {})[0]
                else:
                    value = table[modality.fields[0]][0].as_py()
                if value is not None:
                    return column(modality.kind, [value]).type
            except ValueError:
                continue
        return pa.null()

    def _bytes_or_files(self, values: pa.StructArray, ids: Sequence[str], bad: Reasons) -> pa.Array:
        """Return the bytes of structs of `bytes` and `path`, read from the file where there is only a path."""
        fields = dict(zip(values.type.names, values.flatten(), strict=True))
        if "path" not in fields:
            return fields["bytes"]
        both = zip(fields["bytes"].to_pylist(), fields["path"].to_pylist(), strict=True)
        names = [path if raw is None and path else None for raw, path in both]
        wanted = [place for place, name in enumerate(names) if name is not None]
        read = _read_each([str(names[place]) for place in wanted], [ids[place] for place in wanted], bad,
                          self._rows.sample_files.read)  # fmt: skip
        found = dict(zip(wanted, read, strict=True))
        return pa.array([found.get(place, raw) for place, raw in enumerate(fields["bytes"].to_pylist())], pa.binary())

    def _encoded(self, modality: OwnModality, values: pa.Array, ids: Sequence[str], bad: Reasons) -> pa.Array:
        if pa.types.is_struct(values.type) and "bytes" in values.type.names:  # as image collections on the web store them
            values = self._bytes_or_files(values, ids, bad)
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


def _read_each(names: Sequence[Any], ids: Sequence[str], bad: Reasons, read: Callable[[Any], Any]) -> list[Any]:
    """Return `read` of each row's name, or names (an error: they are not known); None, with the reason in `bad`, where it fails."""
    values: list[Any] = []
    for name, sample in zip(names, ids, strict=True):
        try:
            if isinstance(name, ValueError):
                raise name
            values.append(read(name))
        except ValueError as error:
            values.append(None)
            bad.setdefault(sample, str(error))
    return values
