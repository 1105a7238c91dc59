"""`target.classes`: values of the column are merged, renamed or left out before anything else; an unmapped one is named with its count."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_entries import Entry, ingested, parsed

from stages.checking.check_params import checked_params
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values
from stages.own_data.class_mapping import map_classes

KINDS = ["setosa"] * 4 + ["versicolor"] * 5 + ["virginica"] * 6 + ["unsure"] * 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(cells: list[str], classes: Any, task: str = "multiclass", **more: Any) -> Entry:
    Path("t.csv").write_text("y,x\n" + "".join(f"{cell},{i / 7:.3f}\n" for i, cell in enumerate(cells)), encoding="utf-8")
    return {"source": {"table": "t.csv"}, "target": {"column": "y", "task": task, "classes": classes}, **more,
            "modalities": {"facts": {"modality": "table", "columns": ["x"]}}}  # fmt: skip


def test_values_become_classes_and_null_leaves_samples_out(capsys: pytest.CaptureFixture[str]) -> None:
    classes = {"setosa": "a", "versicolor": "a", "virginica": "b", "unsure": None, "tulip": "b"}
    samples, about = ingested(entry_of(KINDS, classes))
    assert about["target"]["outputs"] == ["a", "b"] and about["target"]["task"] == "binary"
    assert np.bincount(column_values(samples["target"])).tolist() == [9, 6]
    assert about["rows"] == {"used": 15, "available": 17}
    assert [row["x"] for row in samples["facts"].to_pylist()] == [round(i / 7, 3) for i in range(15)]
    said = capsys.readouterr().out
    assert "mine: 2 samples left out, null under target.classes: 'unsure' (2 samples)\n" in said
    assert "mine: no sample has the value 'tulip' of target.classes\n" in said


def test_samples_in_the_middle_are_left_out_with_their_own_rows_and_files() -> None:
    cells = ["a", "no", "b", "no", "a", "b", "", "a", "b", "a", "b"]
    classes = {"a": "x", "b": "y", "no": None}
    samples, _ = ingested(entry_of(cells, classes, on_bad_sample="quarantine", max_bad_share=0.5))
    assert samples["sample_id"].to_pylist() == ["0001", "0003", "0005", "0006", "0008", "0009", "0010", "0011"]
    assert samples["source"][1].as_py() == {"facts": "line 4 of t.csv"}
    with pytest.raises(InputError, match=r"1 of 9 samples .*\n.*'0007': line 8 of t\.csv: the target is missing"):
        ingested(entry_of(cells, classes))


def test_an_unmapped_value_is_named_with_its_count_and_the_key_it_may_be() -> None:
    message = (r"target\.classes: column 'y': 2 values without a class: 'setosa' \(4 samples\), 'unsure' \(2 samples\) "
               r"\(did you mean 'setossa'\?\); name the class of each, or null, which leaves its samples out$")
    with pytest.raises(InputError, match=message):
        ingested(entry_of(KINDS, {"setossa": "a", "versicolor": "a", "virginica": "b"}))


@pytest.mark.parametrize(("values", "classes", "expected"), [
    (["1", "1.0", "2", "02"], {"1": "one", "2": "two", "02": "code"}, ["one", "one", "two", "code"]),
    (["1.0", "2.0"], {"1": "one", "2": "two"}, ["one", "two"]),
    (["1", "2"], {"1.0": "one", "2e0": "two"}, ["one", "two"]),
    (["1", "1.0"], {"1": "int", "1.0": "float"}, ["int", "float"]),
    (["-0", "True", "FALSE"], {"0": "zero", "true": "yes", "false": "no"}, ["zero", "yes", "no"]),
    ([None, "a"], {"a": "b", "b": "a"}, [None, "b"]),
])  # fmt: skip
def test_numbers_and_truth_values_are_found_however_they_are_written(
    values: list[str | None], classes: dict[str, str | None], expected: list[str | None]
) -> None:
    assert map_classes(pa.array(values), classes, "key").target.to_pylist() == expected


@pytest.mark.parametrize(("values", "classes"), [(["01"], {"1": "a"}), (["1.00"], {"1": "a", "1.0": "b"}), (["A"], {"a": "x"})])
def test_a_code_a_doubtful_number_and_another_case_are_not_guessed(values: list[str], classes: dict[str, str | None]) -> None:
    with pytest.raises(InputError, match=rf"key: 1 value without a class: '{values[0]}' \(1 sample\)"):
        map_classes(pa.array(values), classes, "key")


def test_numbers_as_yaml_has_them_are_keys_and_classes() -> None:
    pq.write_table(pa.table({"y": [1.0, 2.0, 3.0, None] * 4, "x": np.arange(16.0)}), "t.parquet")
    entry = {**entry_of(["1"], {1: 0, 2: 1, 3: 1}, on_bad_sample="quarantine", max_bad_share=0.5), "source": {"table": "t.parquet"}}
    samples, about = ingested(entry)
    assert about["target"]["outputs"] == ["0", "1"] and np.bincount(column_values(samples["target"])).tolist() == [4, 8]


def test_the_same_key_as_number_and_as_text_is_refused() -> None:
    Path("params.yaml").write_text("datasets: {mine: {target: {classes: {1: a, '1': b}}}}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"datasets\.mine\.target\.classes: the keys 1 and '1' are one and the same; keep one"):
        checked_params()


def test_labels_are_merged_and_removed_from_their_samples(capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["red;round"] * 4 + ["crimson"] * 3 + ["round;junk"] * 3 + ["junk"] * 2
    samples, about = ingested(entry_of(cells, {"red": "red", "crimson": "red", "round": "round", "junk": None}, "multilabel"))
    assert about["target"]["outputs"] == ["red", "round"] and len(samples) == 12
    assert column_values(samples["target"]).sum(axis=0).tolist() == [7, 7]
    assert "mine: 1 label removed, null under target.classes: 'junk' (5 samples)" in capsys.readouterr().out


def test_the_mapping_goes_before_rare_classes_and_the_hints() -> None:
    cells = ["a"] * 5 + ["A"] + ["b"] * 4 + ["c"]
    _, about = ingested(entry_of(cells, {"a": "a", "A": "a", "b": "b", "c": "c"}, rare_classes="drop"))
    assert about["target"]["outputs"] == ["a", "b"] and about["rows"] == {"used": 10, "available": 11}


@pytest.mark.parametrize(("task", "target", "line"), [
    ("regression", {}, r"mine\.target\.classes: task regression predicts numbers, not classes; remove it, or use task binary or multi"),
    ("multiclass", {"classes": {}}, r"mine\.target\.classes: expected a class for each value of the column, or null .*, found nothing"),
    ("multiclass", {"classes": {"a": " "}}, r"mine\.target\.classes: expected a class .*, found no name for 'a'"),
    ("multiclass", {"classes": {"a": ["b"]}}, r"mine\.target\.classes\.a: expected text, found \['b'\]"),
    ("multiclass", {"classes": ["a"]}, r"mine\.target\.classes: expected a mapping, found \['a'\]"),
])  # fmt: skip
def test_a_mapping_that_cannot_be_is_one_line(task: str, target: Entry, line: str) -> None:
    entry = entry_of(["a"], {"a": "b"}, task)
    entry["target"] |= target
    with pytest.raises(InputError, match=line) as caught:
        parsed(entry)
    assert "\n" not in str(caught.value)
