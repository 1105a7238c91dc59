"""Hints on an entry of own data that may need another look: printed at each check, never an error."""

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.registry import component
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.own_data.column_names import is_group
from stages.own_data.guesses import FORMATS
from stages.own_data.official_splits import VALIDATION
from stages.own_data.roles import OwnModality, find_modalities, groups_of
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import WHOLE, text_of

FEWEST_ROWS = 20  # below, whole numbers that all differ are no surprise
NODES = (
    "its samples are nodes of one graph: graphs around test nodes and training nodes overlap (edges and numbers, never targets), so the "
    "score is for nodes of this graph, and its interval is too narrow. If it has parts without edges between them, name them under `group`."
)
MOST = 0.5  # share of a column's values, or of the files, from which a hint is given


def advice(name: str, entry: DataSetEntry, rows: SourceRows) -> list[str]:
    """Return a line per hint."""
    key = f"note: datasets.{name}"
    found = [*(f"note: {note}" for note in rows.notes), *_group(key, entry), *_validation(key, entry, rows)]
    found += [*_labels(key, entry, rows), *_spellings(name, entry, rows)]
    modalities = find_modalities(name, entry, rows)
    found += [f"{key}.modalities.{modality.name}: {NODES}" for modality in modalities if modality.edges]
    for modality in modalities:
        place = f"{key}.modalities.{modality.name}"
        found += _table(place, entry, modality, rows) if modality.kind == "table" else _endings(place, modality, rows)
    return found


def advice_on_folds(name: str, entry: DataSetEntry, rows: SourceRows, n_splits: int) -> list[str]:
    """Return a line if there are fewer groups than outer folds to be drawn: the stage split will refuse that."""
    if entry.group is None or entry.split is not None or entry.folds is not None:
        return []
    table = rows.read(list(groups_of(entry)), None)
    columns = [text_of(table[field], field, name).to_pylist() for field in groups_of(entry)]
    groups = [None if None in names else names for names in zip(*columns, strict=True)]
    n_groups = len({names for names in groups if names is not None}) + groups.count(None)
    if n_groups >= n_splits:
        return []
    return [f"note: datasets.{name}.group: {n_groups} group{'s' * (n_groups != 1)} cannot be split into {n_splits} outer folds. Declare "
            f"fewer, `split: {{datasets: {{{name}: {{n_splits: {max(2, n_groups)}}}}}}}`, or a finer group."]


def _group(key: str, entry: DataSetEntry) -> Iterator[str]:
    if entry.group is None and entry.split is None and entry.folds is None:
        yield (f"{key} declares no `group`, so every sample counts as its own. If several come from one speaker, patient, object or "
               "recording, name that column; otherwise models are tested on speakers, patients or objects that they were trained on.")


def _validation(key: str, entry: DataSetEntry, rows: SourceRows) -> Iterator[str]:
    """Yield a line where an official split has a validation part."""
    if entry.split is not None:
        words = Counter(text_of(rows.read([entry.split], None)[entry.split], entry.split, key).to_pylist())
        found = {word: count for word, count in words.items() if word is not None and word.lower() in VALIDATION}
        for word, count in found.items():
            yield f"{key}.split: the {count} rows of {word!r} join the training part: validation is done on folds inside it."


def _labels(key: str, entry: DataSetEntry, rows: SourceRows) -> Iterator[str]:
    """Yield a line where no cell holds the separator: most likely another one separates the labels."""
    target = entry.target
    if not isinstance(target, TargetEntry) or component("tasks", target.task).form != "labels":
        return
    if target.column and pa.types.is_string(rows.types[target.column]):
        texts = rows.read([target.column], None)[target.column]
        if not pc.any(pc.match_substring(texts, target.separator)).as_py():
            yield (f"{key}.target: no value of column {target.column!r} holds the separator {target.separator!r}, so every sample has one "
                   "label. If another mark separates labels, name it under `separator`; if not, use task multiclass.")


def _spellings(name: str, entry: DataSetEntry, rows: SourceRows) -> Iterator[str]:
    """Yield a line where classes, or groups, differ only in case, blanks or the form of a number: most likely they are one."""
    target = entry.target
    of_classes = isinstance(target, TargetEntry) and target.classes is None and component("tasks", target.task).form == "classes"
    classes = [target.column] if isinstance(target, TargetEntry) and of_classes else []
    for role, field in [*(("class", field) for field in classes), *(("group", field) for field in groups_of(entry))]:
        texts = text_of(rows.read([str(field)], None)[str(field)], str(field), name)
        alike: dict[str, list[str]] = {}
        for text in sorted(texts.unique().drop_null().to_pylist()):
            alike.setdefault(_spelling(text), []).append(text)
        several = [names for names in alike.values() if len(names) > 1]
        if several:
            alike_ones, more = " and ".join(map(repr, several[0][:3])), f" ({len(several)} such)" if len(several) > 1 else ""
            yield (f"note: datasets.{name}: {alike_ones} in column {field!r} differ only in case, blanks or the form of a number{more} and "
                   f"are each a {role} of their own. If they are one, write them in one way.")


def _spelling(text: str) -> str:
    """Return what texts share that differ only in case, blanks or the form of a number."""
    try:
        return repr(float(text))
    except ValueError:
        return "".join(text.casefold().split())


def _table(place: str, entry: DataSetEntry, modality: OwnModality, rows: SourceRows) -> Iterator[str]:
    """Yield a line per column that may not be a feature: identifiers, groups."""
    for field in modality.fields:
        values = rows.read([field], None)[field]
        n_known = len(values) - values.null_count
        if not n_known:
            yield f"{place}: column {field!r} is empty; exclude it: list the table's `columns` without it."
        elif entry.group is None and is_group(field):
            yield (f"{place}: column {field!r} is a feature. If it names who or what a sample comes from, name it under `group` "
                   "instead, so that no model is tested on groups that it was trained on.")
        elif n_known >= FEWEST_ROWS and _is_whole(values) and pc.count_distinct(values, mode="only_valid").as_py() == n_known:
            yield (f"{place}: column {field!r} holds a different whole number in every row, as an identifier does, and is a numeric "
                   "feature. If it names or counts the rows, exclude it: list the table's `columns` without it, or name it under `id`.")


def _is_whole(values: pa.ChunkedArray) -> bool:
    return pa.types.is_integer(values.type) or (pa.types.is_string(values.type) and _share(values, WHOLE) == 1)


def _share(values: pa.ChunkedArray, form: str) -> float:
    """Return the share of the known values that match a regular expression."""
    return float(pc.mean(pc.match_substring_regex(pc.utf8_trim_whitespace(values), form).cast(pa.float64())).as_py() or 0)


def _endings(place: str, modality: OwnModality, rows: SourceRows) -> Iterator[str]:
    """Yield a line where files of a folder have endings that are unusual for images, or for audio."""
    if modality.fields != (rows.content,) or modality.kind not in ("image", "audio"):
        return
    unusual = [name for name in rows.ids if PurePosixPath(name).suffix.lower() not in FORMATS[modality.kind]]
    if unusual:
        endings = sorted({PurePosixPath(name).suffix or PurePosixPath(name).name for name in unusual})[:3]
        patterns = ", ".join(f'"*{ending}"' for ending in endings)
        most = len(unusual) >= MOST * len(rows.ids)
        remedy = "Is it another modality?" if most else f"If they are not samples: `ignore: [{patterns}]` in the source."
        yield (f"{place}: {len(unusual)} of {len(rows.ids)} files end in {', '.join(endings)}, which is not usual for {modality.kind} "
               f"(such as {unusual[0]}). {remedy}")
