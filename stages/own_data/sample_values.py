"""Values of one modality in some rows of a source: decoded files, rows of a matrix, cells, or several files per sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.own_data.absent import AbsentError, Faults
from stages.own_data.decoders.decode import decode
from stages.own_data.decoders.decoded_vectors import is_vector_list, list_vectors
from stages.own_data.empty_cells import is_empty
from stages.own_data.file_names import FileNames, Names, listed, single_names
from stages.own_data.joined_columns import joined_vectors
from stages.own_data.matrix_file import MatrixFile, open_matrix
from stages.own_data.node_graph import open_node_graph
from stages.own_data.paths_inside import MAX_FILE_BYTES
from stages.own_data.roles import OwnModality
from stages.own_data.sample_files import FolderFiles
from stages.own_data.several_files import POOLED, separator_hint
from stages.own_data.source_rows import SourceRows


@dataclass(frozen=True)
class ChunkRows:
    """Some rows of a source. table: the fields that are read. numbers: of the rows, int64 (n,). ids: names of the samples."""

    table: pa.Table
    numbers: np.ndarray
    ids: Sequence[str]


class SampleValues:
    """Reads the values of a source's samples; where there is none, the reason goes to `faults`."""

    def __init__(self, dataset: str, rows: SourceRows, ids: Sequence[str], modalities: Sequence[OwnModality]) -> None:
        self._dataset, self._rows = dataset, rows
        self.names = FileNames(rows.sample_files)
        self._graphs = {modality.name: open_node_graph(dataset, modality, rows, ids) for modality in modalities}
        self._matrices = {modality.name: matrix_of(dataset, modality, rows, ids) for modality in modalities}

    def of(self, modality: OwnModality, rows: ChunkRows, faults: Faults) -> list[Any]:
        """Return the value of each row; None where it cannot be read, or the sample lacks it."""
        if (graph := self._graphs[modality.name]) is not None:
            return _read_each(rows.ids, rows.ids, faults, lambda name: graph.around(name, modality.hops))
        if modality.is_file:
            return _read_each(single_names(modality, rows.table, rows.ids), rows.ids, faults, lambda name: self._decode(modality, name))
        if (matrix := self._matrices[modality.name]) is not None:
            return _of_matrix(matrix, str(modality.matrix), rows, faults)
        if modality.is_joined:
            vectors, reasons = joined_vectors(rows.table, modality.fields, self._rows, self._dataset)
            for place, error in reasons.items():
                faults.add(rows.ids[place], error if isinstance(error, AbsentError) else ValueError(f"{modality.name}: {error}"))
            return vectors
        cells = rows.table[modality.fields[0]].combine_chunks()
        is_list = modality.kind == "vector" and is_vector_list(cells.type)
        values: list[Any] = list_vectors(cells) if is_list else self._python_values(modality, cells)
        empty = [is_empty(modality.kind, value) for value in values]
        note_nulls(empty, rows.ids, faults, f"column {modality.fields[0]!r} is empty")
        return [None if nothing else value for nothing, value in zip(empty, values, strict=True)]

    def lists_of(self, modality: OwnModality, rows: ChunkRows, faults: Faults) -> list[list[Any] | None]:
        """Return the decoded files of each row; None where one of them cannot be read, or none is there."""

        def read(names: Names) -> list[Any]:
            if (size := self.names.n_bytes(names)) > MAX_FILE_BYTES:
                raise ValueError(f"{listed(names)}: {size:,} bytes, more than {MAX_FILE_BYTES:,} for the files of one sample")
            return [self._decode(modality, name) for name in names]

        return _read_each(self.names.of(modality, rows.table, rows.ids), rows.ids, faults, read)

    def encoded(self, modality: OwnModality, values: pa.Array, ids: Sequence[str], faults: Faults) -> pa.Array:
        """Return cells that hold encoded files as their bytes; null where a cell is.

        Raises:
            InputError: if the column holds something else.
        """
        if pa.types.is_struct(values.type) and "bytes" in values.type.names:  # as image collections on the web store them
            values = self._bytes_or_files(values, ids, faults)
        if not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
            raise InputError(f"{self._key(modality)} holds {values.type}; modality {modality.kind} reads names of files (text) or their "
                             "bytes (binary)")
        return values.cast(pa.binary())

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
            if isinstance(error, AbsentError) and not (hint and self.names.are_several(name)):
                raise AbsentError(said, name) from error
            raise ValueError(said) from error


def matrix_of(dataset: str, modality: OwnModality, rows: SourceRows, ids: Sequence[str]) -> MatrixFile | None:
    """Return the matrix that holds a modality, opened and checked; None: it has none."""
    if modality.matrix is None:
        return None
    key = f"{PARAMS}: datasets.{dataset}.modalities.{modality.name}.matrix"
    if not isinstance(rows.sample_files, FolderFiles):
        raise InputError(f"{key}: {modality.matrix}: a matrix is not read out of an archive; unpack it, and name the folder")
    return open_matrix(rows.sample_files.root, modality.matrix, key, ids, ordered=bool(rows.files))


def note_nulls(is_null: Sequence[bool], ids: Sequence[str], faults: Faults, why: str | Callable[[str], str]) -> None:
    """Note that samples lack a value, unless another reason is known."""
    for name, nothing in zip(ids, is_null, strict=True):
        if nothing and name not in faults.bad and name not in faults.absent:
            faults.add(name, AbsentError(why if isinstance(why, str) else why(name)))


def _of_matrix(matrix: MatrixFile, file: str, rows: ChunkRows, faults: Faults) -> list[Any]:
    """Return the row of a matrix of each sample, by its number or name; None where there is none."""
    places = matrix.rows_of(rows.numbers, rows.ids)
    note_nulls(list(places < 0), rows.ids, faults, lambda name: f"{file} has no row whose `ids` is {name!r}")
    read = iter(matrix.read(places[places >= 0]))
    found = [next(read) if place >= 0 else None for place in places]
    note_nulls([vector is None for vector in found], rows.ids, faults, f"its row in {file} is null")
    return found


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
