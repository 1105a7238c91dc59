"""Targets: what becomes of classes, labels and numbers, and which cannot be learned."""

import numpy as np
import pyarrow as pa
import pytest

from stages.foundation.errors import InputError
from stages.ingest import check_sample
from stages.ingestion.encode_target import MAX_CLASSES, check_target, described, encode_target, missing_targets, sorted_outputs


def column(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def numbers(**values: list) -> pa.ChunkedArray:
    return column([dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)])


LABELS = [["red", "round"], [], ["red"], ["round"]]


@pytest.mark.parametrize(
    ("labels", "outputs"),
    [
        ({"10", "9", "-1", "2.5"}, ["-1", "2.5", "9", "10"]),
        ({"b", "a", "10", "9"}, ["10", "9", "a", "b"]),
        ({"nan", "infinity"}, ["infinity", "nan"]),
    ],
)
def test_names_are_in_the_order_of_numbers_or_of_words(labels: set[str], outputs: list[str]) -> None:
    assert sorted_outputs(labels) == outputs


def test_classes_become_codes() -> None:
    codes, outputs = encode_target(column(["10", "9", "9", "10"]), "binary")
    assert (codes.type, codes.to_pylist(), outputs) == (pa.int32(), [1, 0, 0, 1], ["9", "10"])


def test_labels_become_columns_of_zeros_and_ones() -> None:
    holds, outputs = encode_target(column(LABELS), "multilabel")
    assert holds.type == pa.list_(pa.uint8(), 2) and outputs == ["red", "round"]
    assert holds.to_pylist() == [[1, 1], [0, 0], [1, 0], [0, 1]]


def test_numbers_become_columns_with_nan_where_unknown() -> None:
    target, outputs = encode_target(numbers(width=[1.0, None, 3.0], mass=[0.5, 0.25, float("nan")]), "regression")
    assert target.type == pa.list_(pa.float64(), 2) and outputs == ["width", "mass"]
    assert np.isnan(target.to_pylist()[1][0]) and np.isnan(target.to_pylist()[2][1])


def test_a_row_is_without_target_where_nothing_is_known() -> None:
    assert missing_targets(column(["a", None]), "multiclass").tolist() == [False, True]
    assert missing_targets(numbers(width=[1.0, None, None], mass=[None, 2.0, None]), "regression").tolist() == [False, False, True]
    assert missing_targets(column(LABELS), "multilabel").tolist() == [False] * 4  # no label holds: known


@pytest.mark.parametrize(
    ("target", "task", "message"),
    [
        (column(["a", "a", "b"]), "binary", "class 'b' has one sample .*mend it"),
        (column(["a", "a", "a"]), "multiclass", "1 class in the target"),
        (column(list("aabbcc")), "binary", "3 classes in a binary target"),
        (column([[], [], []], pa.list_(pa.string())), "multilabel", "0 label in the target"),
        (column([["x"], ["y"], ["y"]]), "multilabel", "label 'x' has one sample"),
        (column([str(i // 2) for i in range(2 * MAX_CLASSES + 2)]), "multiclass", "1001 different values in the target.*regression"),
        (numbers(width=[1.0, None, 3.0]), "regression", "target 'width' is not known in 1 of 3 rows, the first is row 1; .*mask"),
        (numbers(width=[2.0, 2.0, 2.0]), "regression", "target 'width' has one value in all rows"),
        (numbers(width=[2.0, float("inf"), 2.0]), "regression", "target 'width' is infinite in row 1"),
    ],
)
def test_what_cannot_be_learned_is_named(target: pa.ChunkedArray, task: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_target(target, task, "mend it")


def test_unknown_numbers_may_be_masked() -> None:
    check_target(numbers(width=[1.0, None, 3.0]), "regression", "mend it", unknown="mask")


def test_two_classes_are_binary_whatever_was_declared() -> None:
    assert described("t", "multiclass", ["a", "b"])["task"] == "binary"
    assert described("t", "binary", ["a", "b", "c"])["task"] == "multiclass"
    assert described("t", "multilabel", ["a", "b"])["task"] == "multilabel"


def test_a_sample_of_rows_that_loses_a_label_or_a_number_is_named() -> None:
    whole, without = column([["x"], ["x", "y"], ["x", "y"], ["x"]]), column([["x"], ["x"]])
    with pytest.raises(InputError, match=r"k: 2 rows are too few: label 'y' \(2 of 4 rows\) would be left with 0"):
        check_sample(whole, without, "multilabel", "k")
    with pytest.raises(InputError, match=r"k: 2 rows are too few: target 'width' would not vary"):
        check_sample(numbers(width=[1.0, 2.0, 1.0]), numbers(width=[1.0, None]), "regression", "k")
    check_sample(whole, whole, "multilabel", "k")
    check_sample(whole, column([["x"], ["x", "y"], ["y"]]), "multilabel", "k")
