"""Read and write the JSON documents that pass between stages as the objects that stages/contracts/documents/ declares."""

from pathlib import Path
from typing import TypeVar

from stages.contracts.checked import shortened
from stages.contracts.document import Document
from stages.foundation.errors import InputError
from stages.foundation.schemas import document_schema_of, document_schemas
from stages.foundation.tables import write_json

AnyDocument = TypeVar("AnyDocument", bound=Document)


def write_document(path: Path, document: Document) -> None:
    """Write a document; raise ValueError where its path has another kind."""
    _require_kind(path, type(document))
    write_json(path, document.model_dump(mode="json"))


def read_document(path: Path, kind: type[AnyDocument]) -> AnyDocument:
    """Return the document in a file.

    Raises:
        InputError: if the file is missing, is not JSON or is not such a document: file, keys and the way out.
    """
    _require_kind(path, kind)
    if not path.is_file():
        raise InputError(f"{path}: not found; run the stage that writes it (`dvc repro`)")
    schema = next(schema for schema in document_schemas() if kind in schema.kinds)
    document, found = schema.read(path.read_bytes(), kind, path.as_posix())
    if document is None or found:
        raise InputError(f"{path}: {'; '.join(shortened(found))}; {schema.remedy}")
    return document


def _require_kind(path: Path, kind: type[Document]) -> None:
    schema = document_schema_of(path)
    if schema is not None and kind not in schema.kinds:
        raise ValueError(f"{path}: holds {' or '.join(known.__name__ for known in schema.kinds)}, not {kind.__name__}")
