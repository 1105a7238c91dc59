"""Guess the modality of each column of a table, and which columns are features; every other one gets a note."""

import glob
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.own_data.column_choice import matching
from stages.own_data.column_gaps import gaps_of
from stages.own_data.column_names import is_identifier, is_over_time, numbered_stems
from stages.own_data.date_format import n_written
from stages.own_data.decoders.decoded_vectors import is_vector_list
from stages.own_data.guess_files import guess_files
from stages.own_data.guess_missing import Gaps, no_gaps
from stages.own_data.guess_several import POOL, guess_several, modality_of_bytes
from stages.own_data.guesses import MODALITY_OF, GuessedModality, Values, free_name, modality_of
from stages.own_data.sampling_rate import MOST_CLIPS, rate_settings, readable
from stages.own_data.source_rows import CHUNK_ROWS, SourceRows
from stages.own_data.text_columns import DATE, MIXED, TIMESTAMP

MIN_WORDS_OF_TEXT = 4  # words in a value, on average, from which a column is text
FEWEST_NUMBERED = 16  # columns of numbers with a common stem, from which they are one vector
WIDE = 30  # columns of a table, from which they are not listed
SPREAD = 10.0  # ratio of the standard deviations of a vector's numbers, from which they are standardized
Texts = Mapping[str, list[str | None] | None]


@dataclass
class GuessedColumns:
    """What was guessed of a table's columns. gaps: modality name → which rows have none. plain: columns of the table."""

    modalities: list[GuessedModality] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gaps: dict[str, Gaps] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)


def guess_columns(rows: SourceRows, texts: Texts, counted: Mapping[str, Values], used: Set[str]) -> GuessedColumns:
    """Return the modalities of the columns that have no other role (`used`), and of files that they name; and a note on all others."""
    found, unused = GuessedColumns(), list[str]()
    free = [name for name in rows.types if name not in used]
    files = _add_files(found, rows, {name: texts[name] for name in free})
    unused += files  # they name files, and are no features
    for name in (name for name in free if name not in files):
        is_numbers = name in counted and counted[name].numbers  # neither text nor names of files: a wide table has many
        part = None if is_numbers else _of_column(name, rows, texts[name], found)
        if part is not None:
            modality, gaps = part
            if gaps.are_too_many:
                what = modality.entry["modality"]
                found.notes.append(f"{name} is not used: {gaps.n_have} of {len(gaps.absent)} rows have {what} in it")
                unused.append(name)
                continue
            found.modalities.append(replace(modality, why=modality.why + gaps.about("rows")))
            found.gaps[modality.name] = gaps
        elif reason := _no_feature(name, rows, counted, texts[name]):
            found.notes.append(f"{name} is not used: {reason}")
            unused.append(name)
        else:
            found.plain.append(name)
    taken = {part.entry["column"] for part in found.modalities if "column" in part.entry}
    _join_numbered(found, rows, texts, counted, [name for name in free if name not in taken])
    if found.plain:
        found.modalities.append(_table(found.plain, unused))
    return found


def _add_files(found: GuessedColumns, rows: SourceRows, texts: Texts) -> list[str]:
    """Add the modalities of files next to the table that a column names in part; return these columns."""
    named = {text for values in texts.values() for text in values or () if text}
    of_files, notes, columns = guess_files(rows, texts, named, [])
    found.modalities += [modality for modality, _ in of_files.values()]
    found.gaps |= {name: gaps for name, (_, gaps) in of_files.items()}
    found.notes += notes
    return [name for name in texts if name in columns]


def _of_column(
    name: str, rows: SourceRows, texts: Sequence[str | None] | None, found: GuessedColumns
) -> tuple[GuessedModality, Gaps] | None:
    """Return the modality that a column holds, or names files of, and which rows lack it; None: it is none, or a column of a table."""
    taken = [other.name for other in found.modalities]
    if several := guess_several(name, rows, texts):
        entry = {"modality": several.modality, "column": name, **several.entry}
        settings = {"pool": POOL, **several.settings}
        return GuessedModality(free_name(several.modality, taken), entry, several.why, settings), several.gaps
    content = _content(name, rows, texts)
    if content is None:
        return None
    modality, why = content
    gaps, note = gaps_of(name, rows, texts, modality)
    found.notes += [note] if note else []
    settings, about = rate_settings(modality, _files(name, rows, texts))
    return GuessedModality(free_name(modality, taken), {"modality": modality, "column": name}, why + about, settings), gaps


def _table(plain: Sequence[str], unused: Sequence[str]) -> GuessedModality:
    """Return the table of plain columns: listed, or if there are many, all that are left but the unused ones."""
    entry: dict[str, Any] = {"modality": "table"}
    if len(plain) <= WIDE or len(unused) >= len(plain):
        entry["columns"] = list(plain)
    elif unused:
        entry["without"] = list(unused)
    how = "" if "columns" in entry else f": {len(plain)} columns, all that have no other role" + (" but these" if unused else "")
    return GuessedModality("facts", entry, f"numbers and categories{how}")


def _join_numbered(found: GuessedColumns, rows: SourceRows, texts: Texts, counted: Mapping[str, Values], free: Sequence[str]) -> None:
    """Move columns of numbers that are numbered with a common stem from the table to a vector."""
    for stem, members in numbered_stems(free, FEWEST_NUMBERED).items():
        kept = [name for name in members if name in counted and counted[name].numbers]
        if len(kept) < len(members) and len(kept) < FEWEST_NUMBERED:
            continue
        lacking = sum(counted[name].n_missing > 0 for name in kept)
        title = f"{members[0]} … {members[-1]}"
        if lacking or len(kept) < len(members):
            what = f"{lacking} of them have missing cells" if lacking else f"{len(members) - len(kept)} of them are no numbers"
            found.notes.append(f"{title}: columns of the table, not a vector, as {what}")
            continue
        found.plain[:] = [name for name in found.plain if name not in members]
        found.notes[:] = [note for note in found.notes if note.partition(" is not used: ")[0] not in members]
        entry = {"modality": "vector", "columns": _pattern(stem, members, free)}
        settings, why = _scale(np.array([[float(text or "nan") for text in texts[name] or ()] for name in members]))
        label = free_name("vector", [other.name for other in found.modalities])
        about = f"{len(members)} columns of numbers, {title}{why}"
        found.modalities.append(GuessedModality(label, entry, about, settings))
        found.gaps[label] = no_gaps(len(rows.ids))


def _pattern(stem: str, members: Sequence[str], free: Sequence[str]) -> str | list[str]:
    """Return a pattern that matches the members and no other free column, else the members."""
    for pattern in (f"{glob.escape(stem)}*", f"{glob.escape(stem)}[0-9]*"):
        if list(matching(pattern, free)) == list(members):
            return pattern
    return list(members)


def _scale(values: np.ndarray) -> tuple[dict[str, Any], str]:
    """Return the settings that float64 (d, n) needs, and why: numbers of different spread have no common scale."""
    spreads = values.std(axis=1)
    spreads = spreads[spreads > 0]
    if len(spreads) and np.quantile(spreads, 0.9) > SPREAD * np.quantile(spreads, 0.1):
        low, high = np.quantile(spreads, [0.1, 0.9])
        return {"standardize": True}, f"; standardized, as their standard deviations differ ({low:.2g} to {high:.2g})"
    return {}, ""


def _no_feature(name: str, rows: SourceRows, counted: Mapping[str, Values], texts: Sequence[str | None] | None) -> str | None:
    """Return why a column is no feature of a table; None: it is one."""
    if name not in counted:
        return f"it holds {rows.types[name]}, which no modality reads as it is"
    values = counted[name]
    if not values.numbers and is_dates(texts):
        return None
    if values.n_different < 2:
        return "it has one value" if values.n_different else "it is empty"
    if is_identifier(name) and values.n_different > 0.9 * values.n:
        return "it is an identifier of the rows"
    if not values.numbers and values.n_different > 0.9 * values.n:
        return "nearly every value differs, as in an identifier"
    return None


def is_dates(texts: Iterable[str | None] | None) -> bool:
    """Return whether most values are dates, which may all differ."""
    text = pa.array([text for text in texts or () if text], pa.string())
    iso = pc.sum(pc.match_substring_regex(text, f"({DATE})|({TIMESTAMP})")).as_py() or 0
    return len(text) > 0 and (iso + n_written(text)) / len(text) >= MIXED and len(text.unique()) > 1


def _content(name: str, rows: SourceRows, texts: Sequence[str | None] | None) -> tuple[str, str] | None:
    """Return the modality of a column, and why; None for numbers and categories."""
    kind = rows.types[name]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or (pa.types.is_struct(kind) and "bytes" in [f.name for f in kind]):
        first = rows.read([name], np.array([0]))[name][0].as_py()
        raw = (first.get("bytes") if isinstance(first, dict) else first) or b""
        return modality_of_bytes(raw), f"bytes that begin with {raw[:4]!r}"
    if pa.types.is_struct(kind) and {part.name for part in kind} == {"indices", "values"}:
        return "vector", "objects of indices and values, as of sparse vectors"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _list_content(name, rows)
    if texts is None or not pa.types.is_string(kind) or rows.declared.get(name) in ("number", "date", "truth"):
        return None
    known = [text for text in texts if text]
    files = [text for text in known if Path(text).suffix.lower() in MODALITY_OF and " " not in text.rpartition("/")[2].strip()]
    if known and len(files) > 0.9 * len(known):
        found = modality_of(files, rows.sample_files)
        return (found[0], f"its values are names of files ({found[1]})") if found else None
    n_words = sum(len(text.split()) for text in known) / max(len(known), 1)
    if n_words >= MIN_WORDS_OF_TEXT and len(set(known)) > len(known) / 2:
        return "text", f"{n_words:.0f} words a row, {len(set(known))} of {len(known)} differ"
    return None


def _files(name: str, rows: SourceRows, texts: Sequence[str | None] | None) -> Iterable[bytes]:
    """Yield the first files of a column: those that its texts name, or its bytes."""
    if texts is not None:
        yield from readable([text.strip() for text in texts if text][:MOST_CLIPS], rows.sample_files.read)
        return
    for value in rows.read([name], np.arange(min(MOST_CLIPS, len(rows.ids))))[name].to_pylist():
        yield (value.get("bytes") if isinstance(value, dict) else value) or b""


def _list_content(name: str, rows: SourceRows) -> tuple[str, str] | None:
    depth, inner = 0, rows.types[name]
    while pa.types.is_nested(inner) and not pa.types.is_struct(inner):
        depth, inner = depth + 1, inner.value_type
    if not (pa.types.is_integer(inner) or pa.types.is_floating(inner)):
        return None
    if is_vector_list(rows.types[name]):
        sizes = _sizes(name, rows)
        if len(sizes) > 1:
            return "series", f"lists of numbers of different lengths, {min(sizes)} to {max(sizes)}"
        same = f"{next(iter(sizes), 0)} numbers in each row"
        if is_over_time(name):
            return "series", f"{same}, named like a measurement over time; if their order has no meaning: vector"
        return "vector", f"{same}, as in an embedding; if they are in order of time: series"
    return {2: ("series", "lists of lists of numbers"), 3: ("tactile", "lists of frames of numbers")}.get(depth)


def _sizes(name: str, rows: SourceRows) -> set[int]:
    """Return the lengths of a column's lists, read in chunks."""
    found: set[int] = set()
    for start in range(0, len(rows.ids), CHUNK_ROWS):
        column = rows.read([name], np.arange(start, min(start + CHUNK_ROWS, len(rows.ids))))[name]
        found |= {size for size in pc.list_value_length(column).unique().to_pylist() if size is not None}
    return found
