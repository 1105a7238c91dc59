"""Guess which files next to a table are its samples': those named by a column, as in `image/{id}.png`."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from stages.foundation.errors import InputError
from stages.own_data.guess_missing import Gaps
from stages.own_data.guesses import MODALITY_OF, GuessedModality, free_name, modality_of
from stages.own_data.sample_files import FolderFiles
from stages.own_data.sampling_rate import rate_settings, readable
from stages.own_data.source_rows import SourceRows

OWN_FILES = 0.5  # share of the files of one folder and ending that belong to rows, at least
DIFFERENT = 0.9  # share of a column's values that differ, from which it names rows
PLAIN = re.compile(r"[^{}*]*")  # parts of a pattern as they are
Texts = Mapping[str, Sequence[str | None] | None]


def guess_files(
    rows: SourceRows, texts: Texts, named: set[str], taken: Sequence[str]
) -> tuple[dict[str, tuple[GuessedModality, Gaps]], list[str], set[str]]:
    """Return the modalities of files that a column names, with which rows lack them; a note per pattern that few rows have; the columns.

    Args:
        texts: column → its values as text; None: it holds something else.
        named: files that a column names in full. taken: names of modalities.
    """
    found: dict[str, tuple[GuessedModality, Gaps]] = {}
    notes, columns = list[str](), set[str]()
    keys = {name: values for name, values in texts.items() if values is not None and _names_rows(name, values)}
    for (folder, ending), stems in _groups(rows, named).items() if keys else ():
        before, after = _ends(stems)
        fits = {(name, ends): _matching(values, stems, ends) for name, values in keys.items() for ends in {("", ""), (before, after)}}
        (column, (start, end)), has = max(fits.items(), key=lambda item: int(item[1].sum()))
        if has.sum() < OWN_FILES * len(stems):
            continue
        pattern = f"{folder}{start}{{{column}}}{end}{ending}"
        files = [f"{folder}{stem}{ending}" for stem in sorted(stems)]
        kind, _ = modality_of(files, rows.sample_files) or ("", "")
        empty = _are_empty(rows, texts[column] or (), has, f"{folder}{start}", f"{end}{ending}")
        gaps = Gaps(~has, empty)
        if gaps.are_too_many:
            notes.append(f"{pattern} is not used: {gaps.n_have} of {len(has)} rows have such a file")
            continue
        label = free_name(kind, [*taken, *found])
        settings, about = rate_settings(kind, readable(files, rows.sample_files.read))
        why = f"{has.sum()} of {len(stems)} files there are named by {column!r}{about}{gaps.about('rows')}"
        found[label] = GuessedModality(label, {"modality": kind, "files": pattern}, why, settings), gaps
        columns.add(column)
    return found, notes, columns


def _names_rows(name: str, values: Sequence[str | None]) -> bool:
    known = [value for value in values if value]
    return bool(known) and PLAIN.fullmatch(name) is not None and name.isidentifier() and len(set(known)) > DIFFERENT * len(values)


def _groups(rows: SourceRows, named: set[str]) -> dict[tuple[str, str], set[str]]:
    """Return the files next to the table that a modality reads: (folder with /, ending) → their names without both."""
    found: dict[tuple[str, str], set[str]] = {}
    if not isinstance(rows.sample_files, FolderFiles):
        return found
    try:
        names = rows.sample_files.names()
    except InputError:  # a folder that may not be listed, or a name that is no text: nothing is guessed of it
        return found
    for name in names:
        folder, last = os.path.split(name)
        ending = PurePosixPath(last).suffix
        place = f"{folder}/" if folder else ""
        if ending.lower() in MODALITY_OF and name not in named and name not in rows.files and PLAIN.fullmatch(place):
            found.setdefault((place, ending), set()).add(last.removesuffix(ending))
    return found


def _ends(stems: set[str]) -> tuple[str, str]:
    """Return how all names begin and end, up to a mark that is no letter or digit: img_ of img_1, img_2."""
    start, end = _common_start(stems), _common_start({stem[::-1] for stem in stems})[::-1]
    begins, ends = re.match(r"(?s).*[\W_]", start), re.search(r"[\W_].*\Z", end)
    before, after = begins[0] if begins else "", ends[0] if ends else ""
    if len(stems) < 2 or any(len(stem) <= len(before) + len(after) for stem in stems) or not PLAIN.fullmatch(before + after):
        return "", ""
    return before, after


def _common_start(texts: set[str]) -> str:
    """Return the text that all begin with: the first and the last in order differ where any two do."""
    first, last = min(texts), max(texts)
    return first[: next((place for place, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))]


def _matching(values: Sequence[str | None], stems: set[str], ends: tuple[str, str]) -> np.ndarray:
    """Return whether there is a file of each row, bool (n,)."""
    return np.array([bool(value) and f"{ends[0]}{value}{ends[1]}" in stems for value in values], dtype=bool)


def _are_empty(rows: SourceRows, values: Sequence[str | None], has: np.ndarray, start: str, end: str) -> np.ndarray:
    """Return whether the file of each row is there and has no bytes, or cannot be read, bool (n,)."""
    return np.array([bool(there) and not _has_bytes(rows, f"{start}{value}{end}") for value, there in zip(values, has, strict=True)],
                    dtype=bool)  # fmt: skip


def _has_bytes(rows: SourceRows, name: str) -> bool:
    try:
        return rows.sample_files.n_bytes(name) > 0
    except ValueError:
        return False
