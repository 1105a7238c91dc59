"""Find the schema of a file by its path: one module of stages/contracts/tables/ per kind of file."""

import importlib
from functools import cache
from pathlib import Path

from stages.contracts.table_schema import TableSchema

FOLDER = Path(__file__).parents[1] / "contracts" / "tables"


@cache
def schemas() -> tuple[TableSchema, ...]:
    """Return every schema, sorted by module name."""
    names = sorted(path.stem for path in FOLDER.glob("*_table.py"))
    return tuple(importlib.import_module(f"stages.contracts.tables.{name}").TABLE for name in names)


def schema_of(path: Path) -> TableSchema | None:
    """Return the schema of a file that passes between stages; None for any other file."""
    return next((schema for schema in schemas() if schema.matches(path.as_posix())), None)
