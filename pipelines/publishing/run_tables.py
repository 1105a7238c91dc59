"""A run's rows of the prediction and sweep tables, as CSV: the dashboard shows that as a table, Arrow not at all."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from stages.contracts.candidate import Candidate
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.foundation.csv_text import FORMULA, NUMBER, plain_cell
from stages.foundation.tables import read_described, read_table


def write_run_tables(source: Path, candidate: Candidate, folder: Path) -> None:
    """Write predictions.csv and sweep.csv with the rows of one candidate into `folder`."""
    write_csv(predictions(source / "predictions.arrow", candidate), folder / "predictions.csv")
    write_csv(sweep(source / "sweep.arrow", candidate), folder / "sweep.csv")


def predictions(path: Path, candidate: Candidate) -> pa.Table:
    """Return test rows as text: names of classes, lists of labels, or a pair of columns per target; a column per probability."""
    table, metadata = read_described(path, TrainingMetadata)
    rows, outputs, form = rows_of(table, candidate), metadata.target.outputs, metadata.target.form
    seed = ["seed"] if len(pc.unique(rows["seed"])) > 1 else []
    columns = {column: rows[column] for column in (*seed, "repeat", "fold", "sample_id")}
    if form == "continuous":
        for place, name in enumerate(outputs):
            columns |= {f"{column} {name}": pc.list_element(rows[column], place) for column in ("target", "prediction")}
        return pa.table(columns)
    if form == "labels":
        columns |= {column: label_lists(rows[column], outputs) for column in ("target", "prediction")}
    else:
        names = pa.array(outputs, pa.string())
        columns |= {column: names.take(rows[column].combine_chunks()) for column in ("target", "prediction")}
    columns["correct"] = pc.equal(columns["target"], columns["prediction"])
    columns |= {f"probability {name}": pc.list_element(rows["probabilities"], place) for place, name in enumerate(outputs)}
    return pa.table(columns)


def label_lists(column: pa.ChunkedArray, labels: Sequence[str]) -> pa.Array:
    """Return the labels that hold of each row, as one text: "happy; calm"."""
    rows = column.to_pylist()
    return pa.array(["; ".join(label for label, holds in zip(labels, row, strict=True) if holds) for row in rows], pa.string())


def sweep(path: Path, candidate: Candidate) -> pa.Table:
    """Return every configuration on every inner fold, one column per setting."""
    rows = rows_of(read_table(path), candidate)
    settings = [json.loads(text) for text in rows["settings"].to_pylist()]
    columns = {column: rows[column] for column in ("repeat", "fold", "inner", "config")}
    for name in dict.fromkeys(name for item in settings for name in item):
        columns[name] = pa.array([None if name not in item else str(item[name]) for item in settings], pa.string())
    rest = [column for column in rows.column_names if column not in {*columns, "modalities", "fusion", "seed", "settings"}]
    return pa.table(columns | {column: rows[column] for column in rest})


def rows_of(table: pa.Table, candidate: Candidate) -> pa.Table:
    """Return the rows of one candidate, in one chunk."""
    mine = pc.and_(pc.equal(table["modalities"], candidate.combination), pc.equal(table["fusion"], candidate.fusion))
    return table.filter(mine).combine_chunks()


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a flat table; text that a spreadsheet would calculate gets an apostrophe."""
    table = table.rename_columns([plain_cell(name) for name in table.column_names])
    for place, column in enumerate(table.itercolumns()):
        if pa.types.is_string(column.type):
            is_formula = pc.and_not(pc.match_substring_regex(column, FORMULA), pc.match_substring_regex(column, NUMBER))
            escaped = pc.if_else(is_formula, pc.binary_join_element_wise("'", column, ""), column)
            table = table.set_column(place, table.column_names[place], escaped)
    pyarrow.csv.write_csv(table, path)
