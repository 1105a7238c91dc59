"""Tasks and target forms: encoding of classes, labels and continuous targets, and errors for targets that cannot be predicted."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from stages.checking.check_models import check_scoring
from stages.contracts.table_schema import type_name
from stages.contracts.task import TARGET_FORMS, Task
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.ingest import target_metadata
from stages.scoring.stacked_scores import stacked
from stages.targets.classes import CLASSES
from stages.targets.continuous import CONTINUOUS
from stages.targets.labels import LABELS
from stages.targets.output_names import MAX_OUTPUTS, sorted_outputs

TASKS: dict[str, Task] = {name: component("tasks", name) for name in names("tasks")}


def column(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def continuous(**values: list) -> pa.ChunkedArray:
    return column([dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)])


MARKS = [["red", "round"], [], ["red"], ["round"]]
# the smallest valid target of each form
LEARNABLE = {"classes": column(["b", "a", "a", "b"]), "labels": column(MARKS), "continuous": continuous(width=[1.0, 2.0, 3.0, 4.0])}


# ---------------------------------------------------------------- every task
def test_a_task_of_every_form_is_found() -> None:
    assert {task.form for task in TASKS.values()} == set(TARGET_FORMS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_named_as_its_file(name: str) -> None:
    assert TASKS[name].name == name


@pytest.mark.parametrize("name", TASKS)
def test_its_metric_scores_its_form_and_can_choose(name: str) -> None:
    metric = component("metrics", TASKS[name].scoring)
    assert TASKS[name].form in metric.forms and not metric.needs_scores and stacked(metric.name) is not None


@pytest.mark.parametrize("name", TASKS)
def test_it_encodes_a_learnable_target_in_its_arrow_type(name: str) -> None:
    encoding, target = TASKS[name].encoding, LEARNABLE[TASKS[name].form]
    encoding.check(target, "fix it", "refuse")
    encoded, outputs = encoding.encode(target)
    assert type_name(encoded.type) == encoding.arrow_type and len(encoded) == 4 and len(outputs) == len(set(outputs)) >= 1
    assert not encoding.missing(target).any()
    strata = encoding.sampling_strata(target)
    assert strata is None or len(strata) == 4
    encoding.check_sample(target, target, "here")


@pytest.mark.parametrize("name", TASKS)
def test_the_order_of_rows_changes_no_code(name: str) -> None:
    encoding, target = TASKS[name].encoding, LEARNABLE[TASKS[name].form]
    encoded, outputs = encoding.encode(target)
    turned, same = encoding.encode(pa.chunked_array([target.combine_chunks()[::-1]]))
    assert turned.to_pylist() == encoded.to_pylist()[::-1] and same == outputs


@pytest.mark.parametrize("name", TASKS)
def test_nothing_to_predict_is_refused(name: str) -> None:
    nothing = {"classes": column(["a"] * 4), "labels": column([[]] * 4, pa.list_(pa.string())), "continuous": continuous(width=[1.0] * 4)}
    with pytest.raises(InputError, match="nothing to predict; fix it"):
        TASKS[name].encoding.check(nothing[TASKS[name].form], "fix it", "refuse")


@pytest.mark.parametrize("name", TASKS)
def test_the_exact_task_is_a_task_of_the_same_form(name: str) -> None:
    for outputs in (["a", "b"], ["a", "b", "c"]):
        about = target_metadata("t", TASKS[name], outputs)
        assert about.form == TASKS[name].form == TASKS[about.task].form and about.scoring == TASKS[about.task].scoring


# ---------------------------------------------------------------- the forms
@pytest.mark.parametrize(
    ("labels", "outputs"),
    [
        ({"10", "9", "-1", "2.5"}, ["-1", "2.5", "9", "10"]),
        ({"b", "a", "10", "9"}, ["10", "9", "a", "b"]),
        ({"nan", "infinity"}, ["infinity", "nan"]),
    ],
)
def test_names_are_sorted_numerically_or_as_strings(labels: set[str], outputs: list[str]) -> None:
    assert sorted_outputs(labels) == outputs


def test_classes_become_codes() -> None:
    codes, outputs = CLASSES.encode(column(["10", "9", "9", "10"]))
    assert (codes.type, codes.to_pylist(), outputs) == (pa.int32(), [1, 0, 0, 1], ["9", "10"])


def test_labels_become_columns_of_zeros_and_ones() -> None:
    holds, outputs = LABELS.encode(column(MARKS))
    assert holds.type == pa.list_(pa.uint8(), 2) and outputs == ["red", "round"]
    assert holds.to_pylist() == [[1, 1], [0, 0], [1, 0], [0, 1]]


def test_continuous_targets_are_columns_with_nan_where_unknown() -> None:
    target, outputs = CONTINUOUS.encode(continuous(width=[1.0, None, 3.0], mass=[0.5, 0.25, float("nan")]))
    assert target.type == pa.list_(pa.float64(), 2) and outputs == ["width", "mass"]
    assert np.isnan(target.to_pylist()[1][0]) and np.isnan(target.to_pylist()[2][1])


def test_a_row_is_without_target_where_nothing_is_known() -> None:
    assert CLASSES.missing(column(["a", None])).tolist() == [False, True]
    assert CONTINUOUS.missing(continuous(width=[1.0, None, None], mass=[None, 2.0, None])).tolist() == [False, False, True]
    assert LABELS.missing(column(MARKS)).tolist() == [False] * 4  # no label holds: known


@pytest.mark.parametrize(
    ("target", "task", "message"),
    [
        (column(["a", "a", "b"]), "binary", "class 'b' has one sample .*fix it"),
        (column(["a", "a", "a"]), "multiclass", "1 class in the target"),
        (column(list("aabbcc")), "binary", "3 classes in a binary target"),
        (column([[], [], []], pa.list_(pa.string())), "multilabel", "0 label in the target"),
        (column([["x"], ["y"], ["y"]]), "multilabel", "label 'x' has one sample"),
        (column([str(i // 2) for i in range(2 * MAX_OUTPUTS + 2)]), "multiclass", "1001 different values in the target.*regression"),
        (continuous(width=[1.0, None, 3.0]), "regression", "target 'width' is not known in 1 of 3 rows, the first is row 1; .*mask"),
        (continuous(width=[2.0, 2.0, 2.0]), "regression", "target 'width' has one value in all rows"),
        (continuous(width=[2.0, float("inf"), 2.0]), "regression", "target 'width' is infinite in row 1"),
    ],
)
def test_what_cannot_be_learned_is_named(target: pa.ChunkedArray, task: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TASKS[task].encoding.check(target, "fix it", "refuse")


def test_unknown_targets_may_be_masked() -> None:
    CONTINUOUS.check(continuous(width=[1.0, None, 3.0]), "fix it", "mask")


def test_two_classes_are_binary_whatever_was_declared() -> None:
    assert target_metadata("t", TASKS["multiclass"], ["a", "b"]).task == "binary"
    assert target_metadata("t", TASKS["multiclass"], ["a", "b", "c"]).task == "multiclass"
    assert target_metadata("t", TASKS["multilabel"], ["a", "b"]).task == "multilabel"


def test_a_sample_of_rows_that_loses_a_label_or_a_target_is_named() -> None:
    whole, without = column([["x"], ["x", "y"], ["x", "y"], ["x"]]), column([["x"], ["x"]])
    with pytest.raises(InputError, match=r"k: label 'y' \(2 of 4 rows\) would be left with 0"):
        LABELS.check_sample(whole, without, "k")
    with pytest.raises(InputError, match=r"k: target 'width' would not vary"):
        CONTINUOUS.check_sample(continuous(width=[1.0, 2.0, 1.0]), continuous(width=[1.0, None]), "k")
    LABELS.check_sample(whole, column([["x"], ["x", "y"], ["y"]]), "k")


# ---------------------------------------------------------------- what check says of a task's file
@pytest.mark.parametrize(("change", "message"), [
    ({"scoring": "rmse"}, "stages/tasks/binary.py: scoring: 'rmse' cannot choose a configuration for classes targets; allowed: accuracy"),
    ({"scoring": "nope"}, "stages/tasks/binary.py: scoring: no metric 'nope'"),
    ({"name": "other"}, "stages/tasks/binary.py: name: expected 'binary'"),
])  # fmt: skip
def test_a_task_that_cannot_be_scored_or_is_misnamed_is_found_before_anything_runs(
    change: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"train": {}, "datasets": {"reviews": {"target": "recommended", "modalities": ["text"]}}}
    monkeypatch.setattr("stages.tasks.binary.TASK", replace(TASKS["binary"], **change))
    with pytest.raises(InputError, match=message):
        check_scoring(params)
