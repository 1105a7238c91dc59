"""Guess whether the cells of a column name, or hold, several files of a modality."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.own_data.absent import AbsentError
from stages.own_data.file_names import FileNames, Names
from stages.own_data.guess_missing import Gaps, no_gaps
from stages.own_data.guesses import MODALITY_OF, modality_of
from stages.own_data.roles import OwnModality
from stages.own_data.sampling_rate import MOST_CLIPS, rate_settings, readable
from stages.own_data.several_files import MARKS, POOLED
from stages.own_data.source_rows import CHUNK_ROWS, SourceRows

POOL = "mean"  # of the guesses: it uses every file, and does not depend on their order
FILES_SHARE = 0.9  # of the names in a column that have the ending of a modality's files, at least
AUDIO_MAGIC = (b"RIFF", b"fLaC", b"OggS", b"ID3")


@dataclass(frozen=True)
class SeveralFiles:
    """A column of several files per sample. entry: more of its entry. gaps: which rows have no file, or one that is not there.

    settings: of its line under `features`.
    """

    modality: str
    entry: dict[str, Any]
    why: str
    gaps: Gaps
    settings: dict[str, Any]


def guess_several(name: str, rows: SourceRows, texts: Sequence[str | None] | None) -> SeveralFiles | None:
    """Return what a column of several files per sample holds; None if it is none."""
    kind = rows.types[name]
    if pa.types.is_list(kind) and (pa.types.is_binary(kind.value_type) or pa.types.is_struct(kind.value_type)):
        return _bytes(name, rows)
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return _names(name, rows, None)
    mark = None if texts is None or not pa.types.is_string(kind) else _mark(texts)
    return None if mark is None else _names(name, rows, mark)


def modality_of_bytes(raw: bytes) -> str:
    """Return the modality of an encoded file by its first bytes."""
    return "audio" if raw.startswith(AUDIO_MAGIC) else "image"


def _mark(texts: Sequence[str | None]) -> str | None:
    """Return the mark that separates names of files in some cells."""
    known = [text for text in texts if text]
    if any(text.lstrip().startswith("[") and text.rstrip().endswith("]") for text in known):
        return MARKS[0]
    return next((mark for mark in MARKS if any(_is_separated(text, mark) for text in known)), None)


def _is_separated(text: str, mark: str) -> bool:
    parts = [part.strip() for part in text.split(mark) if part.strip()]
    return len(parts) > 1 and all(_is_named(part) for part in parts)


def _is_named(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in MODALITY_OF


def _names(name: str, rows: SourceRows, mark: str | None) -> SeveralFiles | None:
    # the kind does not matter for the names
    column = OwnModality(name, POOLED[0], (name,), is_file=True, several=True, separator=mark)
    named = FileNames(rows.sample_files)
    found = named.of(column, rows.read([name], None), rows.ids)
    lists = [names for names in found if not isinstance(names, ValueError)]
    every = [one for names in lists for one in names]
    n_named = sum(map(_is_named, every))
    if not n_named or n_named < FILES_SHARE * len(every) or not (of := modality_of(every, rows.sample_files)) or of[0] not in POOLED:
        return None
    counts = sorted(map(len, lists))
    states = [_state_of(names, rows, named) for names in found]
    gaps = Gaps(*(np.array([state == wanted for state in states], dtype=bool) for wanted in ("absent", "broken")))
    why = f"its values are lists of {counts[0]} to {counts[-1]} names of files ({of[1]}), whose features are pooled (pool: {POOL})"
    settings, about = rate_settings(of[0], readable(every[:MOST_CLIPS], rows.sample_files.read))
    return SeveralFiles(of[0], {} if mark is None else {"separator": mark}, why + about, gaps, settings)


def _state_of(names: Names | ValueError, rows: SourceRows, named: FileNames) -> str:
    """Return whether the files of a row are absent (all of them), broken (one is not there or has no bytes) or there."""
    try:
        if isinstance(names, ValueError):
            raise names
        named.n_bytes(names)
        return "there" if all(rows.sample_files.n_bytes(name) > 0 for name in names) else "broken"
    except AbsentError:
        return "absent"
    except ValueError:
        return "broken"


def _bytes(name: str, rows: SourceRows) -> SeveralFiles | None:
    kind = rows.types[name].value_type
    if pa.types.is_struct(kind) and "bytes" not in kind.names:
        return None
    heads = rows.read([name], np.arange(min(MOST_CLIPS, len(rows.ids))))[name].to_pylist()
    firsts = [(first.get("bytes") if isinstance(first, dict) else first) or b"" for first in ((files or [b""])[0] for files in heads)]
    raw = firsts[0]
    n_files: list[int] = []
    for start in range(0, len(rows.ids), CHUNK_ROWS):  # bytes of all rows are not held in memory
        column = rows.read([name], np.arange(start, min(start + CHUNK_ROWS, len(rows.ids))))[name]
        n_files += [length or 0 for length in pc.list_value_length(column).to_pylist()]
    why = f"lists of {min(n_files)} to {max(n_files)} files that begin with {raw[:4]!r}, whose features are pooled (pool: {POOL})"
    settings, about = rate_settings(modality_of_bytes(raw), firsts)
    gaps = replace(no_gaps(len(n_files)), absent=np.array(n_files) == 0)
    return SeveralFiles(modality_of_bytes(raw), {}, why + about, gaps, settings)
