"""Guess what an SQLite database holds: the table with most rows, and what its columns are."""

import sqlite3
from contextlib import closing
from pathlib import Path

from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.own_data.guess_table import guess_rows
from stages.own_data.guesses import Guess, Hints
from stages.own_data.paths_inside import existing
from stages.own_data.sources.sqlite import SqliteSourceSettings, open_rows, opened

MAGIC = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    """Return whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def guess_sqlite(path: str, hints: Hints) -> Guess:
    """Return the entry for the table or view of a database with most rows.

    Raises:
        InputError: if there is none, it cannot be read, or no column can be a target.
    """
    try:
        with closing(opened(existing(path, "PATH", folder=False), path)) as database:
            query = "select name from sqlite_master where type in ('table', 'view') order by name"
            names = [name for (name,) in database.execute(query) if not name.startswith("sqlite_")]
            sizes = {name: database.execute(f"select count(*) from {_quoted(name)}").fetchone()[0] for name in names}
    except (sqlite3.Error, UnicodeError) as error:
        raise InputError(f"{path}: {error}; expected an SQLite database") from error
    if not names:
        raise InputError(f"{path}: there is no table in it")
    chosen = max(names, key=lambda name: sizes[name])
    source = {"sqlite": path, "query": f"select * from {_quoted(chosen)}"}
    listed = ", ".join(f"{name} ({size} rows)" for name, size in sizes.items() if name != chosen)
    notes = [f"other tables: {listed}; a `join` in the query adds their columns"] if listed else []
    return guess_rows(source, open_rows(parse(source, "PATH", SqliteSourceSettings), "PATH"), path, hints, notes)


def _quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else '"' + name.replace('"', '""') + '"'
