"""The rows that a query finds in an SQLite database, which is opened for reading alone.

One statement, which may only read; its steps, rows and cells are bounded, so that a query without end stops.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.own_data.json_lines import table_of_objects
from stages.own_data.paths_inside import MAX_FILE_BYTES, existing
from stages.own_data.sample_files import FolderFiles
from stages.own_data.source_rows import MAX_ROWS, Kind, SourceKind, SourceRows, numbered, table_reader
from stages.own_data.unicode_forms import normal

MAX_STEPS = 5_000_000_000  # of SQLite's virtual machine, about a minute
STEPS_AT_ONCE = 1_000_000  # between looks at the limit
READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_FUNCTION)
DIFFERING = ("random", "randomblob", "current_date", "current_time", "current_timestamp", "load_extension")  # functions; each run differs


class SqliteSourceSettings(Settings):
    sqlite: str = Field(min_length=1, description="an SQLite database, relative to the repository's root or absolute")
    query: str = Field(min_length=1, description="a `select` whose rows are the samples; `order by` fixes their numbers")
    missing: tuple[str, ...] = Field((), description="texts that count as missing, in addition to null, such as [NA, '-']")
    types: dict[str, Kind] = Field(default_factory=dict, description="column: number, truth, date or text, where its cells are ambiguous")


def open_rows(settings: SqliteSourceSettings, key: str) -> SourceRows:
    """Return a row per row of the query: whole and other numbers, text, and blobs as bytes.

    Raises:
        InputError: if the file is no database, the query is wrong, does more than read, or does not end, or a column mixes kinds of values.
    """
    path = existing(settings.sqlite, f"{key}.sqlite", folder=False)
    with closing(opened(path, settings.sqlite)) as database:
        rows = _found(database, settings.query, f"{key}.query: {settings.sqlite}")
        table, _ = table_of_objects(rows, settings.sqlite, frozenset(settings.missing), settings.types, "row")
    types = {field.name: field.type for field in table.schema}
    if unknown := [name for name in settings.types if name not in types]:
        raise InputError(f"{key}.types: the query has no column {unknown[0]!r}; there are: {', '.join(types)}")
    return SourceRows(FolderFiles(path.parent), numbered(len(table)), types, table_reader(table),
                      where=lambda row: f"row {row + 1} of the query on {path.name}", content=None, written=False,
                      declared=settings.types, files={path.name: path})


def opened(path: Path, name: str) -> sqlite3.Connection:
    """Return a connection that only reads; raise InputError if the database has changes that are not in its file yet."""
    for ending in ("-wal", "-journal"):
        other = path.with_name(path.name + ending)
        if other.is_file() and other.stat().st_size:
            raise InputError(f"{name}: {other.name} next to it holds changes that are not in the database yet; close the program that uses "
                             f"it, or run `sqlite3 {name} 'pragma wal_checkpoint(truncate)'`")
    # immutable: no lock and no file next to it, also in a folder that cannot be written
    database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    database.set_authorizer(_allowed)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_FILE_BYTES)
    return database


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    is_reading = action in READING and not (action == sqlite3.SQLITE_FUNCTION and str(second).lower() in DIFFERING)
    return sqlite3.SQLITE_OK if is_reading else sqlite3.SQLITE_DENY


def _found(database: sqlite3.Connection, query: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the fields of each row."""
    n_looks = 0

    def is_too_long() -> bool:
        nonlocal n_looks
        n_looks += 1
        return n_looks * STEPS_AT_ONCE > MAX_STEPS

    database.set_progress_handler(is_too_long, STEPS_AT_ONCE)
    number = 0
    try:
        cursor = database.execute(query)
        names = _names(cursor, where)
        for number, cells in enumerate(cursor, 1):
            if number > MAX_ROWS:
                raise InputError(f"{where}: more than {MAX_ROWS:,} rows; does the query end? Add a `limit`, or split the data")
            yield number, dict(zip(names, cells, strict=True))
    except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
        raise InputError(f"{where}: {_why(error, is_stopped=n_looks * STEPS_AT_ONCE > MAX_STEPS)}") from error
    if not number:
        raise InputError(f"{where}: the query finds no row; expected one per sample")


def _names(cursor: sqlite3.Cursor, where: str) -> list[str]:
    names = [normal(column[0]) for column in cursor.description or ()]
    if not names:
        raise InputError(f"{where}: finds no columns; expected a `select`")
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"{where}: column {repeated[0]!r} occurs {names.count(repeated[0])} times; name each with `as`")
    return names


def _why(error: Exception, *, is_stopped: bool) -> str:
    if is_stopped:
        return f"stopped after {MAX_STEPS:,} steps of SQLite; does the query end? Index the columns that it joins by, or save its rows"
    found = str(error)
    if any(word in found for word in ("not authorized", "prohibited", "authorization denied")):
        return (f"{found}; a query may only read, from this database alone, and have the same rows in each run (no pragma, attach, "
                "random() or current time)")
    if "one statement" in found:
        return "several statements; expected one `select`"
    return f"{found}; expected an SQLite database and one `select` from its tables"


SOURCE = SourceKind("sqlite", SqliteSourceSettings, open_rows)
