"""Read and write the files that pass between stages: Arrow IPC tables and JSON.

Every writer writes to a temporary name in the same folder and renames, so that a reader never sees a partial file.
The bytes are a function of the content alone: one record batch, no compression, sorted JSON keys.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from stages.contracts.checked import checked
from stages.contracts.table_schema import Metadata
from stages.foundation.errors import InputError
from stages.foundation.schemas import document_schema_of, schema_of

AnyMetadata = TypeVar("AnyMetadata", bound=Metadata)
METADATA_KEY = b"sensorium"
BATCH_BYTES = 2**28


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder; rename it to `path` if the block succeeds, else remove it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(path: Path, table: pa.Table, metadata: Metadata) -> None:
    """Write `table` as one Arrow IPC record batch, with `metadata` as JSON in its schema.

    Field metadata (such as a samples column's modality) is kept.
    """
    schema = _written_schema(path, table, metadata)
    batches = table.combine_chunks().cast(schema).to_batches()
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


@contextmanager
def writing_chunks(path: Path, metadata: Metadata) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that appends a chunk of a table; the file gets its name when the block succeeds.

    Chunks are combined to record batches of about BATCH_BYTES: usually one, several for a larger table, so that memory stays bounded. Every
    chunk must have the first one's columns, and there must be at least one.
    """
    pending: list[pa.Table] = []
    writer: pa.RecordBatchFileWriter | None = None
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink:

        def flush() -> None:
            nonlocal writer
            chunk = pa.concat_tables(pending)
            schema = _written_schema(path, chunk, metadata)
            writer = writer or pa.ipc.new_file(sink, schema)
            for batch in chunk.combine_chunks().cast(schema).to_batches():
                writer.write_batch(batch)
            pending.clear()

        def append(chunk: pa.Table) -> None:
            pending.append(chunk)
            if sum(table.nbytes for table in pending) >= BATCH_BYTES:
                flush()

        yield append
        if pending:
            flush()
        if writer is None:
            raise ValueError(f"{path}: expected at least one chunk")
        writer.close()


def _written_schema(path: Path, table: pa.Table, metadata: Metadata) -> pa.Schema:
    """Return a table's Arrow schema with its metadata; raise ValueError if it differs from stages/contracts/tables/."""
    _require_kind(path, type(metadata))
    expected = schema_of(path)
    mistakes = expected.mistakes(table, metadata, path.as_posix()) if expected else []
    if mistakes:
        raise ValueError(f"{path}: is not written: {'; '.join(mistakes)}")
    text = json.dumps(metadata.model_dump(mode="json", exclude_defaults=True), sort_keys=True, ensure_ascii=False)
    return table.schema.with_metadata({METADATA_KEY: text})


def read_table(path: Path) -> pa.Table:
    """Return a memory-mapped table whose metadata are not needed; they are checked as `read_described` does.

    Raises:
        InputError: if the file is missing, not written by a stage, or is not as its schema has it.
    """
    schema = schema_of(path)
    return _opened(path)[0] if schema is None else read_described(path, schema.metadata)[0]


def read_described(path: Path, kind: type[AnyMetadata]) -> tuple[pa.Table, AnyMetadata]:
    """Return a memory-mapped table and the metadata it was written with, an object of the class that its schema has.

    Raises:
        InputError: if the file is missing, not written by a stage, or is not as its schema has it.
    """
    _require_kind(path, kind)
    table, text = _opened(path)
    metadata, found = checked(kind, text)
    expected = schema_of(path)
    mistakes = [*(expected.mistakes(table, metadata, path.as_posix()) if expected else []), *(f"metadata {line}" for line in found)]
    if metadata is None or mistakes:
        raise InputError(f"{path}: {'; '.join(mistakes)}; delete it and run `dvc repro`")
    return table, metadata


def _require_kind(path: Path, kind: type[Metadata]) -> None:
    """Raise ValueError if the file's schema has metadata of another class."""
    schema = schema_of(path)
    if schema is not None and kind is not schema.metadata:
        raise ValueError(f"{path}: its metadata are {schema.metadata.__name__}, not {kind.__name__}")


def _opened(path: Path) -> tuple[pa.Table, bytes]:
    """Return a memory-mapped table and its metadata as JSON, which is not checked."""
    if not path.is_file():
        raise InputError(f"{path}: not found; run the stage that writes it (`dvc repro`)")
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)  # else an offset that points outside of the file ends the process without a word
        str(table.schema)  # names that are not text
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:  # what Arrow raises depends on the byte that is wrong
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not an Arrow IPC file, or damaged ({reason}); delete it and run `dvc repro`") from error
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        raise InputError(f"{path}: has no '{METADATA_KEY.decode()}' metadata, so no stage wrote it; delete it and run `dvc repro`")
    return table, raw


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON with sorted keys; NaN is refused, as JSON has none (write null).

    Raises:
        ValueError: if it is not as stages/contracts/documents/ has the file.
    """
    expected = document_schema_of(path)
    mistakes = expected.mistakes(value, path.as_posix()) if expected else []
    if mistakes:
        raise ValueError(f"{path}: is not written: {'; '.join(mistakes)}")
    write_text(path, json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value in a JSON file; raise InputError if it is missing or not JSON."""
    if not path.is_file():
        raise InputError(f"{path}: not found; run the stage that writes it (`dvc repro`)")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); delete it and run `dvc repro`") from error


def fixed_lists(values: np.ndarray) -> pa.FixedSizeListArray:
    """Return a (n, d) array as n Arrow lists of fixed size d, without a copy where `values` is C-contiguous."""
    values = np.ascontiguousarray(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def target_array(values: np.ndarray) -> pa.Array:
    """Return class codes (n,), or labels or regression targets (n, n_outputs), as a target column."""
    return pa.array(values) if values.ndim == 1 else fixed_lists(values)


def column_values(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return a null-free primitive column (n,), or a FixedSizeList one (n, d), as a read-only view.

    `np.from_dlpack` avoids importing pandas, which `pa.Array.to_numpy` does if it is installed (0.6 s).
    """
    array = column
    if isinstance(array, pa.ChunkedArray):  # combining copies, even a single chunk
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if pa.types.is_fixed_size_list(array.type):
        width = array.type.list_size
        return np.from_dlpack(array.flatten()).reshape(len(array), width)
    return np.from_dlpack(array)
