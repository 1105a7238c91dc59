"""The columns and metadata of a file that passes between stages, as something that a machine checks: on write and on read.

One module of stages/contracts/tables/ per kind of file ends in a `TableSchema`; the path of a file tells which schema it has.
"""

from dataclasses import dataclass

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from stages.contracts.paths import fits
from stages.contracts.task import TargetForm


class Metadata(BaseModel):
    """What the schema metadata of a file holds, under the key `sensorium`; a field that has its default is not written."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(Metadata):
    """task: file under tasks/, of which form and scoring are. outputs: names of the classes, labels or targets."""

    name: str
    task: str
    form: TargetForm
    scoring: str
    outputs: tuple[str, ...]


class Rows(Metadata):
    """How many samples are used, of how many there are."""

    used: int
    available: int


@dataclass(frozen=True)
class Column:
    """types: of which one it has, written as `type_name` returns them, without sizes. required: whether every file has it."""

    name: str
    types: tuple[str, ...]
    meaning: str
    required: bool = True


@dataclass(frozen=True)
class TableSchema:
    """path: of the files, a pattern in which {…} is any name. others: what further columns are; empty: there are none."""

    name: str
    path: str
    meaning: str
    columns: tuple[Column, ...]
    metadata: type[Metadata]
    others: str = ""

    def matches(self, path: str) -> bool:
        """Return whether a file, by its path relative to the workspace, is one of these."""
        return fits(path, self.path)

    def mistakes(self, schema: pa.Schema) -> list[str]:
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


def metadata_mistakes(error: ValidationError) -> list[str]:
    """Return in what metadata differ from their class, a line each."""
    return [f"metadata {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]


def type_name(kind: pa.DataType) -> str:
    """Return an Arrow type as schemas write it: float32[] is a FixedSizeList of any size, list<int32> a list."""
    if pa.types.is_fixed_size_list(kind):
        return f"{type_name(kind.value_type)}[]"
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))
