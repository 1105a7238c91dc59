"""The target of own samples, in the form that every data set returns (contracts/data_set.py)."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.ingestion.data_set_entry import TargetEntry
from stages.own_data.source_rows import SourceRows
from stages.own_data.text_columns import numbers_of, text_of
from stages.own_data.unicode_forms import normal

TRUE, FALSE = ("1", "true", "1.0"), ("0", "false", "0.0")


def read_target(table: pa.Table, target: TargetEntry, rows: SourceRows, dataset: str) -> pa.Array:
    """Return classes as string, labels as list<string>, regression targets as a struct of float64; null where missing.

    Raises:
        InputError: naming the first row whose value does not fit the task.
    """
    fields = target.columns or (str(target.column),)
    form = component("tasks", target.task).form
    if form == "continuous":
        numbers = [numbers_of(table[field], field, rows, dataset) for field in fields]
        return pa.StructArray.from_arrays(numbers, names=list(fields))
    if form == "classes":
        return text_of(table[fields[0]], fields[0], dataset)
    return _several_columns(table, fields, rows, dataset) if target.columns else _one_column(table[fields[0]], target, dataset)


def read_persistence(table: pa.Table, columns: Mapping[str, str], target: TargetEntry, rows: SourceRows, dataset: str) -> pa.Array:
    """Return what each target (a key of `columns`) is if nothing changes, in the form of `read_target`; null where not known."""
    if component("tasks", target.task).form == "continuous":
        numbers = [numbers_of(table[field], field, rows, dataset) for field in columns.values()]
        return pa.StructArray.from_arrays(numbers, names=list(columns))
    (field,) = columns.values()
    return text_of(table[field], field, dataset)


def _one_column(values: pa.ChunkedArray, target: TargetEntry, dataset: str) -> pa.Array:
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        lists = values.to_pylist()
        if any(not isinstance(label, str | int) for labels in lists for label in labels or ()):
            raise InputError(f"{PARAMS}: datasets.{dataset}.target.column: {target.column!r} holds {values.type}; expected lists of text")
        return pa.array([None if labels is None else [normal(str(label)) for label in labels] for labels in lists], pa.list_(pa.string()))
    none: list[str] | None = [] if target.empty == "none" else None
    texts = text_of(values, str(target.column), dataset).to_pylist()
    labels_of = [none if text is None else [name for label in text.split(target.separator) if (name := normal(label))] for text in texts]
    return pa.array(labels_of, pa.list_(pa.string()))


def _several_columns(table: pa.Table, fields: tuple[str, ...], rows: SourceRows, dataset: str) -> pa.Array:
    columns = []
    for field in fields:
        text = pc.utf8_lower(text_of(table[field], field, dataset))
        wrong = next((row for row, value in enumerate(text.to_pylist()) if value not in (*TRUE, *FALSE, None)), None)
        if wrong is not None:
            raise InputError(f"{PARAMS}: datasets.{dataset}.target.columns: {field!r}, {rows.where(wrong)}: expected 0 or 1, found "
                             f"{text[wrong].as_py()[:40]!r}")
        columns.append(text.to_pylist())
    marks = zip(*columns, strict=True)
    holds = [None if None in row else [field for field, mark in zip(fields, row, strict=True) if mark in TRUE] for row in marks]
    return pa.array(holds, pa.list_(pa.string()))
