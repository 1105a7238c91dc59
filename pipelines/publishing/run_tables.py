"""A run's rows of the prediction and sweep tables, as CSV: the dashboard shows that as a table, Arrow not at all."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from stages.foundation.tables import read_table


def write_run_tables(source: Path, subset: str, folder: Path) -> None:
    """Write predictions.csv and sweep.csv with the rows of one subset into `folder`."""
    write_csv(predictions(source / "predictions.arrow", subset), folder / "predictions.csv")
    write_csv(sweep(source / "sweep.arrow", subset), folder / "sweep.csv")


def predictions(path: Path, subset: str) -> pa.Table:
    """Return held-out rows in words: names of classes, lists of labels, or a pair of columns per number; a column per score."""
    table, metadata = read_table(path)
    rows, outputs, task = of_subset(table, subset), metadata["target"]["outputs"], metadata["target"]["task"]
    columns = {column: rows[column] for column in ("repeat", "fold", "sample_id")}
    if task == "regression":
        for place, name in enumerate(outputs):
            columns |= {f"{column} {name}": pc.list_element(rows[column], place) for column in ("target", "prediction")}
        return pa.table(columns)
    if task == "multilabel":
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


def sweep(path: Path, subset: str) -> pa.Table:
    """Return every configuration on every inner fold, one column per setting."""
    rows = of_subset(read_table(path)[0], subset)
    settings = [json.loads(text) for text in rows["settings"].to_pylist()]
    columns = {column: rows[column] for column in ("repeat", "fold", "inner", "config")}
    for name in dict.fromkeys(name for item in settings for name in item):
        columns[name] = pa.array([None if name not in item else str(item[name]) for item in settings], pa.string())
    rest = [column for column in rows.column_names if column not in {*columns, "modalities", "fusion", "seed", "settings"}]
    return pa.table(columns | {column: rows[column] for column in rest})


def of_subset(table: pa.Table, subset: str) -> pa.Table:
    """Return the rows of one subset without that column's chunks."""
    return table.filter(pc.equal(table["modalities"], subset)).combine_chunks()


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a flat table."""
    pyarrow.csv.write_csv(table, path)
