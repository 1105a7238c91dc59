"""A folder with one file per sample; its name, or the folder that it is in, tells what is known of it."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.own_data.file_pattern import parse_pattern
from stages.own_data.paths_inside import existing, walk_files
from stages.own_data.source_rows import Rows, SourceKind
from stages.samples.read import MAX_NAMED

FILE = "file"


class FolderSettings(Settings):
    folder: str = Field(min_length=1, description="a folder, relative to the repository's root or absolute; all folders in it count")
    label: str = Field("folder", min_length=1, description="'folder' (a field `folder`: the folder that a file is in), or a pattern of the "
                                                           "files' names with fields, such as '{digit}_{speaker}_{index}.wav'")
    ignore: tuple[str, ...] = Field((), description="names, or patterns with * and ?, of files that are no samples")


def open_rows(settings: FolderSettings, key: str) -> Rows:
    """Return a row per file, sorted by name, with `file` (its name relative to the folder) and what the label says of it.

    Raises:
        InputError: naming the files that do not fit.
    """
    root = existing(settings.folder, f"{key}.folder", folder=True)
    names = [name for name in walk_files(root) if not any(_is(name, pattern) for pattern in settings.ignore)]
    if not names:
        what = "every file in it is left out by `ignore`" if settings.ignore else "there is no file in it"
        raise InputError(f"{key}.folder: {settings.folder}: {what}; expected one file per sample")
    fields: tuple[str, ...] = ("folder",)
    read: Callable[[str], dict[str, str] | None] = _parent
    if settings.label != "folder":
        try:
            pattern = parse_pattern(settings.label)
        except ValueError as error:
            raise InputError(f"{key}.label: {error}") from error
        if FILE in pattern.fields:
            raise InputError(f"{key}.label: a field called {FILE!r} would hide the file's own name; call it something else")
        fields, read = pattern.fields, pattern.match
    found, strange = [], {}
    for name in names:
        try:
            values = read(name)
            found.append(values)
            if values is None:
                strange[name] = name
        except ValueError as error:
            strange[name] = str(error)
    if strange:
        lines = [f"  {name}" for name in list(strange.values())[:MAX_NAMED]]
        lines += [f"  … and {len(strange) - MAX_NAMED} more"] if len(strange) > MAX_NAMED else []
        raise InputError(f"{key}: {len(strange)} of {len(names)} files do not fit label {settings.label!r}"
                         f"{_remedy(settings.label, strange, names)}\n" + "\n".join(lines))
    columns = {name: pa.array([values[name] for values in found if values], pa.string()) for name in fields}
    table = pa.table({**columns, FILE: pa.array(names, pa.string())})

    def fields_of(wanted: Sequence[str], rows: np.ndarray | None) -> pa.Table:
        chosen = table.select(list(wanted))
        return chosen if rows is None else chosen.take(pa.array(rows))

    types = {field.name: field.type for field in table.schema}
    return Rows(root, names, types, fields_of, lambda row: names[row], FILE, written=True, declared={}, files={})


def _remedy(label: str, strange: Iterable[str], names: Sequence[str]) -> str:
    if label == "folder":
        wanted = (" (each file stands in a folder that is called like its class); move them, or read the class from their names with a "
                  "`label` such as '{class}_{number}.png'")
    else:
        wanted = "; mend the names or the label (a field in braces stands for a part of a name, / parts folders)"
    fitting = {PurePosixPath(name).suffix for name in set(names) - set(strange)}
    if not fitting:
        return wanted
    endings = sorted({PurePosixPath(name).suffix for name in strange} - fitting)[:3]
    patterns = ", ".join(f'"*{ending}"' for ending in endings if ending) or '"…"'
    return f"{wanted}, or leave them out with `ignore: [{patterns}]`"


def _parent(name: str) -> dict[str, str] | None:
    parts = name.split("/")
    return {"folder": parts[-2]} if len(parts) > 1 else None


def _is(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


SOURCE = SourceKind("folder", FolderSettings, open_rows)
