"""What an entry of own data leaves open, and a person may not have thought of: said at each check, never an error."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.registry import component
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.own_data.guess_table import GROUPS
from stages.own_data.guesses import FORMATS
from stages.own_data.roles import Part, find_parts
from stages.own_data.source_rows import Rows
from stages.own_data.text_columns import COMMA, WHOLE

FEWEST_ROWS = 20  # below, whole numbers that all differ are no surprise
MOST = 0.5  # share of a column's values, or of the files, from which something is said of it


def advice(name: str, entry: DataSetEntry, rows: Rows) -> list[str]:
    """Return a line for each thing to look at again."""
    key = f"note: datasets.{name}"
    found = [*_group(key, entry), *_labels(key, entry, rows)]
    for part in find_parts(name, entry, rows):
        place = f"{key}.modalities.{part.label}"
        found += _table(place, entry, part, rows) if part.modality == "table" else _endings(place, part, rows)
    return found


def _group(key: str, entry: DataSetEntry) -> Iterator[str]:
    if entry.group is None and entry.split is None:
        yield (f"{key} declares no `group`, so every sample counts as its own. If several come from one speaker, patient, object or "
               "recording, name that column: else models are tested on what they have seen.")


def _labels(key: str, entry: DataSetEntry, rows: Rows) -> Iterator[str]:
    """Yield a line where labels of one column are never parted: most likely another mark stands between them."""
    target = entry.target
    if not isinstance(target, TargetEntry) or component("tasks", target.task).form != "labels":
        return
    if target.column and pa.types.is_string(rows.types[target.column]):
        texts = rows.read([target.column], None)[target.column]
        if not pc.any(pc.match_substring(texts, target.separator)).as_py():
            yield (f"{key}.target: no value of column {target.column!r} holds the separator {target.separator!r}, so every sample has one "
                   "label. If another mark stands between labels, name it under `separator`; if not, use task multiclass.")


def _table(place: str, entry: DataSetEntry, part: Part, rows: Rows) -> Iterator[str]:
    """Yield a line per column that is learned from as it should perhaps not be: identifiers, groups, decimal commas."""
    for field in part.fields:
        values = rows.read([field], None)[field]
        n_known = len(values) - values.null_count
        if not n_known:
            yield f"{place}: column {field!r} is empty; list the table's `columns` without it."
        elif entry.group is None and GROUPS.fullmatch(field):
            yield (f"{place}: column {field!r} is learned from. If it names who or what a sample comes from, name it under `group` "
                   "instead, so that no model is tested on those that it has seen.")
        elif n_known >= FEWEST_ROWS and _is_whole(values) and pc.count_distinct(values, mode="only_valid").as_py() == n_known:
            yield (f"{place}: column {field!r} holds another whole number in every row, as names of rows do, and is learned from as a "
                   "number. If it names or counts the rows, leave it out: list the table's `columns` without it, or name it under `id`.")
        elif rows.written and pa.types.is_string(values.type) and n_known and _share(values, COMMA) >= MOST:
            yield (f"{place}: column {field!r} holds numbers with a decimal comma, which are read as categories. Write them with a decimal "
                   "point.")


def _is_whole(values: pa.ChunkedArray) -> bool:
    return pa.types.is_integer(values.type) or (pa.types.is_string(values.type) and _share(values, WHOLE) == 1)


def _share(values: pa.ChunkedArray, form: str) -> float:
    """Return the share of the known values that have a form."""
    return float(pc.mean(pc.match_substring_regex(pc.utf8_trim_whitespace(values), form).cast(pa.float64())).as_py() or 0)


def _endings(place: str, part: Part, rows: Rows) -> Iterator[str]:
    """Yield a line where files of a folder have endings that no picture, or no sound, has."""
    if part.fields != (rows.content,) or part.modality not in ("image", "audio"):
        return
    strange = [name for name in rows.ids if PurePosixPath(name).suffix.lower() not in FORMATS[part.modality]]
    if strange:
        endings = sorted({PurePosixPath(name).suffix or PurePosixPath(name).name for name in strange})[:3]
        patterns = ", ".join(f'"*{ending}"' for ending in endings)
        most = len(strange) >= MOST * len(rows.ids)
        remedy = "Is it another modality?" if most else f"If they are no samples: `ignore: [{patterns}]` in the source."
        yield (f"{place}: {len(strange)} of {len(rows.ids)} files end in {', '.join(endings)}, which is not usual for {part.modality} "
               f"(such as {strange[0]}). {remedy}")
