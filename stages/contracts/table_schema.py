"""The columns and metadata of a file that passes between stages, as something that a machine checks: on write and on read.

One module of stages/contracts/tables/ per kind of file ends in a `TableSchema`; the path of a file tells which schema it has.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
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
    """types: of which one it has, written as `type_name` returns them, without sizes. required: whether every file has it."""

    name: str
    types: tuple[str, ...]
    meaning: str
    required: bool = True


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


def type_name(kind: pa.DataType) -> str:
    """Return an Arrow type as schemas write it: float32[] is a FixedSizeList of any size, list<int32> a list."""
    if pa.types.is_fixed_size_list(kind):
        return f"{type_name(kind.value_type)}[]"
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
