"""Predictions that do not answer the splits are refused before anything is written."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy_predictions import TOYS, Toy, change_predictions, write_params, write_toy

from stages.contracts.paths import evaluation_dir, predictions_dir
from stages.evaluate import main
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists

TOY = Toy()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds the toy's predictions."""
    monkeypatch.chdir(tmp_path)
    write_params([TOY])
    write_toy(TOY)


def drop_a_row(table: pa.Table, metadata: Any) -> Any:
    return table.slice(1), metadata


def repeat_a_row(table: pa.Table, metadata: Any) -> Any:
    return pa.concat_tables([table, table.slice(0, 1)]), metadata


def replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def rename_a_row(table: pa.Table, metadata: Any) -> Any:
    return replaced(table, "sample_id", pa.array(["stranger", *table["sample_id"].to_pylist()[1:]])), metadata


def change_a_target(table: pa.Table, metadata: Any) -> Any:
    target = table["target"].to_pylist()
    return replaced(table, "target", pa.array([(target[0] + 1) % 3, *target[1:]], pa.int32())), metadata


def predict_an_unknown_class(table: pa.Table, metadata: Any) -> Any:
    return replaced(table, "prediction", pa.array([3, *table["prediction"].to_pylist()[1:]], pa.int32())), metadata


@pytest.mark.parametrize(("change", "message"), [
    (drop_a_row, r"modalities 'image', repeat 0, fold 0: 1 of 48 test rows have no prediction, first 'toy-"),
    (repeat_a_row, "a row has two predictions"),
    (rename_a_row, "test rows have no prediction"),
    (change_a_target, "1 targets differ from those of the splits"),
    (predict_an_unknown_class, "class codes 0 to 2"),
])
def test_predictions_that_do_not_fit_the_splits_are_refused(change: Any, message: str) -> None:
    change_predictions(TOY, "knn", change)
    with pytest.raises(InputError, match=message):
        main("toy")
    assert not evaluation_dir("toy").exists()


def test_missing_predictions_name_the_file() -> None:
    (predictions_dir("toy", "mlp") / "sweep.arrow").unlink()
    with pytest.raises(InputError, match=r"mlp/sweep\.arrow: not found"):
        main("toy")


TAGS, SIZES = TOYS[2], TOYS[3]


def with_first(column: str, value: float) -> Any:
    """Return a change of the first entry of a column of lists."""
    def change(table: pa.Table, metadata: Any) -> Any:
        values = np.array(column_values(table[column]))
        values[0, 0] = value
        return table.set_column(table.schema.get_field_index(column), column, fixed_lists(values)), metadata
    return change


def drop_an_output(table: pa.Table, metadata: Any) -> Any:
    """Return predictions of another target, of one output less: a table that only the splits contradict."""
    for index, name in enumerate(table.column_names):
        if pa.types.is_fixed_size_list(table.schema.field(name).type):
            table = table.set_column(index, name, fixed_lists(np.array(column_values(table[name]))[:, 1:]))
    target = metadata.target.model_copy(update={"outputs": metadata.target.outputs[1:]})
    return table, metadata.model_copy(update={"target": target})


@pytest.mark.parametrize(("toy", "change", "message"), [
    (TAGS, with_first("prediction", 2), "predictions must be 0 or 1 for each label, found 0 to 2"),
    (TAGS, with_first("probabilities", np.nan), "1 probabilities are not finite numbers"),
    (TAGS, with_first("probabilities", 7.0), "probabilities must be from 0 to 1, found .* to 7; fix the model"),
    (TOY, with_first("probabilities", -3.0), "probabilities must be from 0 to 1, found -3 to "),
    (TAGS, drop_an_output, r"targets have the shape \(\d+, 4\), those of the splits \(\d+, 5\)"),
    (TOY, drop_an_output, "probabilities are not of 3 classes"),
    (SIZES, with_first("prediction", np.inf), "1 predictions are not finite numbers"),
    (SIZES, with_first("target", 17.0), "1 targets differ from those of the splits"),
    (SIZES, with_first("target", np.nan), "1 targets differ from those of the splits"),
    (SIZES, drop_an_output, r"targets have the shape \(\d+, 2\), those of the splits \(\d+, 3\)"),
])
def test_labels_and_numbers_that_cannot_be_are_refused(toy: Toy, change: Any, message: str) -> None:
    write_params([toy])
    write_toy(toy)
    change_predictions(toy, "knn", change)
    with pytest.raises(InputError, match=message):
        main(toy.dataset)
    assert not evaluation_dir(toy.dataset).exists()
