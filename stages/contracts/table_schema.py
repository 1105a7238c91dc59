"""The columns and metadata of a file that passes between stages, as something that a machine checks: on write and on read.

One module of stages/contracts/tables/ per kind of file ends in a `TableSchema`; the path of a file tells which schema it has.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.contracts.checked import Checked
from stages.contracts.paths import names_in, path_mistakes
from stages.contracts.task import TargetForm


class Metadata(Checked):
    """What the schema metadata of a file holds, under the key `sensorium`; a field that has its default is not written."""


COLUMN_TYPES: Mapping[TargetForm, str] = {"classes": "int32", "labels": "uint8[]", "continuous": "float64[]"}


class Target(Metadata):
    """task: file under tasks/, of which form and scoring are. outputs: names of the classes, labels or targets."""

    name: str
    task: str
    form: TargetForm
    scoring: str
    outputs: tuple[str, ...]

    def column_mistakes(self, table: pa.Table, *names: str) -> Iterable[str]:
        """Return which columns of targets or predictions are not of this form, or not as wide as there are outputs, a line each."""
        for name in names:
            kind = table.schema.field(name).type
            if type_name(kind) != COLUMN_TYPES[self.form]:
                yield f"column {name!r} is {type_name(kind)}; expected {COLUMN_TYPES[self.form]}, as metadata target.form is {self.form}"
            elif self.form != "classes":
                yield from width_mistakes(table, name, len(self.outputs), "there are in metadata target.outputs")


class Rows(Metadata):
    """How many samples are used, of how many there are."""

    used: Annotated[int, Field(ge=0)]
    available: Annotated[int, Field(ge=0)]

    def contradictions(self) -> Iterable[str]:
        if self.used > self.available:
            yield f"used: expected at most available, {self.available}, found {self.used}"


@dataclass(frozen=True)
class Column:
    """types: of which one it has, written as `type_name` returns them, without sizes. required: whether every file has it.

    nullable: whether a value may be missing; numbers in lists never are. least, most: of numbers, the ends of their range; NaN is in none,
    but for one without both.
    """

    name: str
    types: tuple[str, ...]
    meaning: str
    required: bool = True
    nullable: bool = False
    least: float | None = None
    most: float | None = None

    def value_mistakes(self, column: pa.ChunkedArray) -> Iterable[str]:
        """Return which values are missing or out of range, a line; a column of one of its types."""
        if column.null_count and not self.nullable:
            yield f"column {self.name!r}: {column.null_count} of {len(column)} values are missing (null)"
        if (missing := _missing_numbers(column)) > 0:
            yield f"column {self.name!r}: {missing} numbers in its lists are missing (null)"
        if len(column) and (self.least is not None or self.most is not None):
            ends = pc.min_max(column).as_py()
            is_nan = pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py()
            if is_nan or (self.least is not None and ends["min"] < self.least) or (self.most is not None and ends["max"] > self.most):
                found = "NaN" if is_nan else f"{ends['min']:g} to {ends['max']:g}"
                yield f"column {self.name!r}: expected {self.range_text}, found {found}"

    @property
    def range_text(self) -> str:
        """Return its range, for a message."""
        most = "" if self.most is None else f"{self.most:g}"
        return f"at most {most}" if self.least is None else f"{self.least:g} to {most}" if most else f"{self.least:g} or more"


@dataclass(frozen=True)
class TableSchema:
    """path: of the files, a pattern in which {…} is any name, that of the metadata's field or property of the same name if there is one.

    others: what further columns are; empty: there are none. consistent: table, metadata → in what they contradict each other, a line each:
    of types, widths and small columns, as every reader pays for it; validate checks values.
    """

    name: str
    path: str
    meaning: str
    columns: tuple[Column, ...]
    metadata: type[Metadata]
    others: str = ""
    consistent: Callable[[pa.Table, Any], Iterable[str]] = lambda table, about: ()

    def matches(self, path: str) -> bool:
        """Return whether a file, by its path relative to the workspace, is one of these."""
        return names_in(path, self.path) is not None

    def mistakes(self, table: pa.Table, about: Metadata | None, path: str) -> list[str]:
        """Return what is wrong with a file, a line each; `about` are its metadata, None if they are wrong already."""
        found = [] if about is None else [f"metadata {line}" for line in path_mistakes(path, self.path, about)]
        found += self.column_mistakes(table.schema)
        if not found:
            found = [line for c in self.columns if c.name in table.column_names for line in c.value_mistakes(table[c.name])]
        return found if found or about is None else list(self.consistent(table, about))

    def column_mistakes(self, schema: pa.Schema) -> list[str]:
        """Return in what a table's columns differ from this schema's, a line each."""
        found = [f"column {c.name!r} is missing" for c in self.columns if c.required and c.name not in schema.names]
        known = {column.name: column for column in self.columns}
        for field in schema:
            column = known.get(field.name)
            if column is None:
                found += [] if self.others else [f"column {field.name!r} is unknown; known: {', '.join(known)}"]
            elif (kind := type_name(field.type)) not in column.types:
                found.append(f"column {field.name!r} is {kind}; expected {' or '.join(column.types)}")
        return found


def width_mistakes(table: pa.Table, name: str, width: int, as_what: str) -> Iterable[str]:
    """Return that a FixedSizeList column has not the width that metadata say, if so."""
    found = table.schema.field(name).type.list_size
    if found != width:
        yield f"column {name!r} has {found} values a row; expected {width}, as {as_what}"


def _missing_numbers(column: pa.ChunkedArray) -> int:
    """Return how many numbers in a column of lists are null; 0 of another column."""
    kind = column.type
    if not (pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind)) or not pa.types.is_primitive(kind.value_type):
        return 0
    return sum(chunk.flatten().null_count for chunk in column.chunks)


def type_name(kind: pa.DataType) -> str:
    """Return an Arrow type as schemas write it: float32[] is a FixedSizeList of any size, list<int32> a list."""
    if pa.types.is_fixed_size_list(kind):
        return f"{type_name(kind.value_type)}[]"
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
