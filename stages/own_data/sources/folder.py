"""A folder with one file per sample; fields come from the file's name or from the folder that it is in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated

import pyarrow as pa
from pydantic import Field

from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.own_data.file_pattern import TooManyWaysError, parse_pattern
from stages.own_data.paths_inside import existing, walk_files
from stages.own_data.source_rows import SourceKind, SourceRows, table_reader
from stages.own_data.text_encoding import Encoding
from stages.samples.read import MAX_NAMED

FILE = "file"
Fields = dict[str, str]
NamePattern = Annotated[str, Field(max_length=500)]  # fnmatch takes more than 20 s for 10,000 brackets
ReadFields = Callable[[str], Fields | None]  # of a file's name; None: the name does not fit


class FolderSourceSettings(Settings):
    folder: str = Field(min_length=1, description="a folder, relative to the repository's root or absolute; subfolders count")
    label: str = Field("folder", min_length=1, description="'folder' (a field `folder`: the folder that a file is in), 'top_folder' (the "
                       "first folder on its path), or a pattern of the files' names with fields, such as '{digit}_{speaker}_{index}.wav'")
    encoding: Encoding = None
    ignore: tuple[NamePattern, ...] = Field((), description="names, or patterns with * and ?, of files that are not samples")


def open_rows(settings: FolderSourceSettings, key: str) -> SourceRows:
    """Return a row per file, sorted by name, with `file` (its name relative to the folder) and the fields of its label.

    Raises:
        InputError: naming the files that do not fit.
    """
    root = existing(settings.folder, f"{key}.folder", folder=True)
    names = [name for name in walk_files(root) if not any(_matches(name, pattern) for pattern in settings.ignore)]
    if not names:
        what = "`ignore` excludes every file in it" if settings.ignore else "there is no file in it"
        raise InputError(f"{key}.folder: {settings.folder}: {what}; expected one file per sample")
    fields, read = _label_reader(settings.label, key)
    found = _read_fields(names, read, settings.label, key)
    columns = {name: pa.array([values[name] for values in found], pa.string()) for name in fields}
    table = pa.table({**columns, FILE: pa.array(names, pa.string())})
    types = {field.name: field.type for field in table.schema}
    return SourceRows(root, names, types, table_reader(table), lambda row: names[row], FILE, written=True, declared={}, files={},
                      encoding=settings.encoding)


def _label_reader(label: str, key: str) -> tuple[tuple[str, ...], ReadFields]:
    """Return the fields of a label and the function that reads them from a file's name."""
    if label in FOLDERS:
        return (label,), FOLDERS[label]
    try:
        pattern = parse_pattern(label)
    except ValueError as error:
        raise InputError(f"{key}.label: {error}") from error
    if FILE in pattern.fields:
        raise InputError(f"{key}.label: a field called {FILE!r} would hide the file's own name; call it something else")
    return pattern.fields, pattern.match


def _read_fields(names: Sequence[str], read: ReadFields, label: str, key: str) -> list[Fields]:
    """Return the fields of every name; raise InputError naming the files that do not fit the label."""
    found: list[Fields] = []
    misfits: dict[str, str] = {}
    for name in names:
        try:
            values = read(name)
        except ValueError as error:
            misfits[name] = str(error)
            continue
        except TooManyWaysError as error:  # the next name would take as long
            raise InputError(f"{key}.label: {error}") from error
        if values is None:
            misfits[name] = name
        else:
            found.append(values)
    if misfits:
        raise InputError(_misfit_message(misfits, names, label, key))
    return found


def _misfit_message(misfits: Mapping[str, str], names: Sequence[str], label: str, key: str) -> str:
    lines = [f"  {reason}" for reason in list(misfits.values())[:MAX_NAMED]]
    lines += [f"  … and {len(misfits) - MAX_NAMED} more"] if len(misfits) > MAX_NAMED else []
    head = f"{key}: {len(misfits)} of {len(names)} files do not fit label {label!r}{_remedy(label, misfits, names)}"
    return "\n".join([head, *lines])


def _remedy(label: str, misfits: Iterable[str], names: Sequence[str]) -> str:
    if label in FOLDERS:
        wanted = (" (each file must be in a folder named after its class); move them, or read the class from their names with a `label` "
                  "such as '{class}_{number}.png'")
    else:
        wanted = "; fix the names or the label (a field in braces matches text without /)"
    fitting = {PurePosixPath(name).suffix for name in set(names) - set(misfits)}
    if not fitting:
        return wanted
    endings = sorted({PurePosixPath(name).suffix for name in misfits} - fitting)[:3]
    patterns = ", ".join(f'"*{ending}"' for ending in endings if ending) or '"…"'
    return f"{wanted}, or exclude them with `ignore: [{patterns}]`"


def _parent(name: str) -> Fields | None:
    folders = name.split("/")[:-1]
    return {"folder": folders[-1]} if folders else None


def _top(name: str) -> Fields | None:
    folders = name.split("/")[:-1]
    return {"top_folder": folders[0]} if folders else None


# labels that are no pattern: the folder that a file is in, and the first one on its path
FOLDERS: Mapping[str, ReadFields] = {"folder": _parent, "top_folder": _top}


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


SOURCE = SourceKind("folder", FolderSourceSettings, open_rows)
