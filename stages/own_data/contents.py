"""Load what the samples hold, a piece of them at a time: files, values of the table, columns side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.tables import column_values
from stages.own_data.decoders.decode import ENCODED, column, decode
from stages.own_data.decoders.decoded_columns import ColumnError
from stages.own_data.file_pattern import fill
from stages.own_data.paths_inside import read_inside
from stages.own_data.roles import ID, Part
from stages.own_data.source_rows import Rows
from stages.own_data.text_columns import as_written

Reasons = dict[str, str]


class Contents:
    """The contents of the rows of a source. A column's Arrow type is that of its first piece."""

    def __init__(self, dataset: str, rows: Rows, ids: Sequence[str], parts: Sequence[Part], tables: Mapping[str, pa.StructArray]) -> None:
        self._dataset, self._rows, self._ids, self._parts, self._tables = dataset, rows, ids, parts, tables
        needed = (field for part in parts if part.label not in tables for field in part.needed)
        self._fields = tuple(dict.fromkeys(field for field in needed if field in rows.types))
        self._kinds: dict[str, pa.DataType] = {}

    def load(self, piece: pa.Table, reasons: Reasons) -> pa.Table:
        """Return the piece of the index with a column per modality, and where each was found (`source`).

        Samples that cannot be read go to `reasons` and are left out.
        """
        numbers, ids = column_values(piece["row"]), piece["sample_id"].to_pylist()
        table = self._rows.read(self._fields, numbers) if self._fields else pa.table({})
        bad: Reasons = {}
        piece = piece.drop_columns(["row"])
        for part in self._parts:
            values = self._values(part, table, numbers, ids, bad)
            piece = piece.append_column(pa.field(part.label, values.type, metadata={"modality": part.modality}), values)
        piece = piece.append_column("source", self._found(table, numbers, ids))
        reasons.update(bad)
        return piece.filter(pa.array([name not in bad for name in ids], pa.bool_())) if bad else piece

    def _found(self, table: pa.Table, numbers: np.ndarray, ids: Sequence[str]) -> pa.StructArray:
        """Return of every row by modality the file that holds it, or the row of the table that does."""
        places = [self._rows.where(int(row)) for row in numbers]
        columns = []
        for part in self._parts:
            names = file_names(part, table, ids) if part.is_file else places
            found = [name if isinstance(name, str) else place for name, place in zip(names, places, strict=True)]
            columns.append(pa.array(found, pa.string()))
        return pa.StructArray.from_arrays(columns, names=[part.label for part in self._parts])

    def _values(self, part: Part, table: pa.Table, numbers: np.ndarray, ids: Sequence[str], bad: Reasons) -> pa.Array:
        if part.label in self._tables:
            return self._tables[part.label].take(pa.array(numbers))
        if part.is_file:
            return self._made(part, _each(file_names(part, table, ids), ids, bad, lambda name: self._decoded(part, name)), ids, bad)
        values = table[part.fields[0]].combine_chunks()
        if part.modality in ENCODED:
            return self._bytes(part, values)
        if part.modality == "text" and pa.types.is_string(values.type):
            return values
        return self._made(part, self._listed(part, values), ids, bad)

    def _listed(self, part: Part, values: pa.Array) -> list[Any]:
        """Return values that stand in the table; those of some types cannot be had, such as times of an unknown zone."""
        try:
            return list(values.to_pylist())
        except (pa.ArrowException, LookupError, ValueError, OverflowError) as error:
            raise InputError(f"{PARAMS}: datasets.{self._dataset}.modalities.{part.label}.column: {part.fields[0]!r} holds {values.type}, "
                             f"which modality {part.modality} does not read ({error})") from error

    def _decoded(self, part: Part, name: str) -> Any:
        try:
            return decode(part.modality, read_inside(self._rows.root, name), name)
        except ValueError as error:
            raise ValueError(str(error) if name in str(error) else f"{name}: {error}") from error

    def _made(self, part: Part, values: list[Any], ids: Sequence[str], bad: Reasons) -> pa.Array:
        """Return values as the modality's column; those that do not fit the others are bad."""
        kind = self._kinds.get(part.label)
        if kind is None and all(value is None for value in values):
            kind = self._kinds[part.label] = self._first_kind(part)
        if not any(value is not None for value in values):
            return pa.nulls(len(values), kind)
        try:
            made = column(part.modality, values, kind)
        except ColumnError as error:
            for place, reason in error.reasons.items():
                bad.setdefault(ids[place], f"{part.label}: {reason}")
            fitting = [None if i in error.reasons else value for i, value in enumerate(values)]
            return self._made(part, fitting, ids, bad)
        self._kinds.setdefault(part.label, made.type)
        return made

    def _first_kind(self, part: Part) -> pa.DataType:
        """Return the Arrow type of the first of all samples that can be read; null if none can."""
        for row in range(len(self._ids)):
            table = self._rows.read([field for field in part.needed if field in self._rows.types], np.array([row]))
            try:
                if part.is_file:
                    name = file_names(part, table, self._ids[row : row + 1])[0]
                    value = self._decoded(part, name) if isinstance(name, str) else None
                else:
                    value = table[part.fields[0]][0].as_py()
                if value is not None:
                    return column(part.modality, [value]).type
            except ValueError:
                continue
        return pa.null()

    def _bytes(self, part: Part, values: pa.Array) -> pa.Array:
        if pa.types.is_struct(values.type) and "bytes" in values.type.names:  # as picture collections on the web write them
            values = values.field("bytes") if not values.null_count else values.flatten()[values.type.get_field_index("bytes")]
        if not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
            raise InputError(f"{PARAMS}: datasets.{self._dataset}.modalities.{part.label}.column: {part.fields[0]!r} holds {values.type}; "
                             f"modality {part.modality} reads names of files (text) or their bytes (binary)")
        return values.cast(pa.binary())


def file_names(part: Part, table: pa.Table, ids: Sequence[str]) -> list[str | ValueError]:
    """Return the name of each row's file, or why there is none; `table` holds the part's fields, of the rows called `ids`."""
    if not part.files:
        return [name or ValueError(f"no file is named ({part.fields[0]!r} is empty)") for name in table[part.fields[0]].to_pylist()]
    fields = [field for field in part.needed if field in table.column_names]
    where = f"{PARAMS}: modalities.{part.label}.files: column"
    columns = {field: as_written(table[field], f"{where} {field!r}").to_pylist() for field in fields}
    names: list[str | ValueError] = []
    for row, name in enumerate(ids):
        try:
            names.append(fill(part.files, {ID: name, **{field: values[row] for field, values in columns.items()}}))
        except ValueError as error:
            names.append(error)
    return names


def _each(names: Sequence[str | ValueError], ids: Sequence[str], bad: Reasons, read: Callable[[str], Any]) -> list[Any]:
    """Return what is read of each name, None where it cannot be: why goes to `bad`."""
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
