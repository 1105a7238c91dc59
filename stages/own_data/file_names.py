"""The names of a sample's files: in a column, in several columns, as a list in a cell, or by a pattern."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pyarrow as pa

from stages.foundation.params_file import PARAMS
from stages.own_data.absent import AbsentError
from stages.own_data.file_pattern import fill
from stages.own_data.roles import ID, OwnModality
from stages.own_data.sample_files import SampleFiles
from stages.own_data.several_files import MARKS
from stages.own_data.text_columns import as_written
from stages.own_data.unicode_forms import normal
from stages.own_data.wildcard_files import WildcardFiles

Names = tuple[str, ...]


class FileNames:
    """Names the files of samples; of a source, whose files are listed once if a pattern needs it."""

    def __init__(self, files: SampleFiles) -> None:
        self._files, self._wildcards = files, WildcardFiles(files)

    def are_several(self, cell: str) -> bool:
        """Return whether a cell that names no file is in the form of a list, or names several files of which one is there."""
        return cell.lstrip().startswith("[") or any(map(self._is_there, (part for mark in MARKS for part in cell.split(mark))))

    def _is_there(self, name: str) -> bool:
        with suppress(ValueError):
            return self._files.n_bytes(normal(name)) >= 0
        return False

    def n_bytes(self, names: Names) -> int:
        """Return the size of a sample's files.

        Raises:
            AbsentError: if none of them is there. ValueError: if one is not there, or cannot be read.
        """
        sizes, absent = [], list[AbsentError]()
        for name in names:
            try:
                sizes.append(self._files.n_bytes(name))
            except AbsentError as error:
                absent.append(error)
        if absent and len(absent) == len(names):
            raise absent[0]
        if absent:
            raise ValueError(str(absent[0]))
        return sum(sizes)

    def of(self, modality: OwnModality, table: pa.Table, ids: Sequence[str]) -> list[Names | ValueError]:
        """Return the names of each row's files, at least one, or the error; `table` holds the modality's fields, `ids` names its rows.

        Raises:
            InputError: if a file fits the pattern of several samples.
        """
        if not modality.several:
            return [name if isinstance(name, ValueError) else (name,) for name in single_names(modality, table, ids)]
        if modality.files:
            key = f"{PARAMS}: modalities.{modality.name}.files"
            return self._wildcards.find(modality.files, _fields_of(modality, table, ids), key)
        cells = zip(*(table[field].to_pylist() for field in modality.fields), strict=True)
        return [_checked(row, modality) for row in cells]


def single_names(modality: OwnModality, table: pa.Table, ids: Sequence[str]) -> list[str | ValueError]:
    """Return the name of each row's only file, or the error."""
    if not modality.files:
        column = table[modality.fields[0]].to_pylist()
        return [name if _is_named(name) else AbsentError(f"no file is named ({modality.fields[0]!r} is empty)") for name in column]
    names: list[str | ValueError] = []
    for fields in _fields_of(modality, table, ids):
        try:
            names.append(fill(modality.files, fields))
        except ValueError as error:
            names.append(error)
    return names


def listed(names: Names) -> str:
    """Return where a sample with these files is: its file, or the first one and how many more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _fields_of(modality: OwnModality, table: pa.Table, ids: Sequence[str]) -> list[Mapping[str, str | None]]:
    """Return what each row fills in for the fields of a pattern."""
    where = f"{PARAMS}: modalities.{modality.name}.files: column"
    fields = [field for field in modality.needed if field in table.column_names]
    columns = {field: as_written(table[field], f"{where} {field!r}").to_pylist() for field in fields}
    return [{ID: name, **{field: values[row] for field, values in columns.items()}} for row, name in enumerate(ids)]


def _is_named(name: str | None) -> bool:
    """Return whether a name has more than blanks."""
    return name is not None and normal(name) != ""


def _checked(cells: Sequence[str | list[str | None] | None], modality: OwnModality) -> Names | ValueError:
    """Return the names in a row's cells, in order, or why they are not read."""
    title = " and ".join(map(repr, modality.fields))
    try:
        names = _names_in(cells, modality)
    except ValueError as error:
        return error
    if not any(map(_is_named, names)):
        return AbsentError(f"no file is named ({title} {'is' if len(modality.fields) == 1 else 'are'} empty)")
    if not all(map(_is_named, names)):
        return ValueError(f"a name is missing in the list of {len(names)} files in {title}")
    if len(set(names)) < len(names):
        repeated = next(name for name, count in Counter(names).items() if count > 1)
        return ValueError(f"{repeated} is named twice in {title}")
    return tuple(map(str, names))


def _names_in(cells: Sequence[str | list[str | None] | None], modality: OwnModality) -> list[str | None]:
    """Return the names in the cells; raise ValueError if a cell in the form of a JSON list is none."""
    if modality.separator is None:  # of several columns an empty one is no file: not every sample has as many
        return [name for cell in cells if cell for name in ([cell] if isinstance(cell, str) else cell)]
    cell = str(cells[0] or "")
    if not cell.lstrip().startswith("["):
        return [name for part in cell.split(modality.separator) if (name := normal(part))]
    try:
        names = json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{modality.fields[0]!r}: {cell[:60]!r} begins like a JSON list, and is none; write it as [\"a.jpg\"]") from error
    if any(not isinstance(name, str) for name in names):
        raise ValueError(f"{modality.fields[0]!r}: {cell[:60]!r}: expected a JSON list of names")
    return list(names)
