"""Find the schema of a file by its path: one module per kind of file of stages/contracts/tables/ and stages/contracts/documents/."""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from stages.contracts.document import DocumentSchema
from stages.contracts.table_schema import TableSchema

CONTRACTS = Path(__file__).parents[1] / "contracts"


@cache
def schemas() -> tuple[TableSchema, ...]:
    """Return the schema of every table, by the names of their modules."""
    return tuple(module.TABLE for module in _modules("table"))


@cache
def document_schemas() -> tuple[DocumentSchema, ...]:
    """Return the schema of every JSON document, by the names of their modules."""
    return tuple(module.DOCUMENT for module in _modules("document"))


def schema_of(path: Path) -> TableSchema | None:
    """Return the schema of a table that passes between stages; None of any other file."""
    return next((schema for schema in schemas() if schema.matches(path.as_posix())), None)


def document_schema_of(path: Path) -> DocumentSchema | None:
    """Return the schema of a JSON document that passes between stages; None of any other file."""
    return next((schema for schema in document_schemas() if schema.matches(path.as_posix())), None)


def _modules(kind: str) -> list[Any]:
    names = sorted(path.stem for path in (CONTRACTS / f"{kind}s").glob(f"*_{kind}.py"))
    return [importlib.import_module(f"stages.contracts.{kind}s.{name}") for name in names]
