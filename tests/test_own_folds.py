"""Folds that a data set gives itself, and numbers of folds of single data sets: exactly these, or one clear line."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import Entry, ingested, parsed
from ruamel.yaml import YAML
from test_graph import declared

from pipelines.publishing.descriptions import protocol
from stages import check, control, evaluate, featurize, ingest, split, train
from stages.checking.check_params import problems
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.paths import evaluation_path, fold_numbers_path, leaks_path, predictions_dir, samples_path, splits_path
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, read_described, read_json
from stages.model_selection.folds import read_folds
from stages.reporting.report_page import render
from stages.splitting.own_folds import fold_names, own_folds

SITES = ["site 10", "site 2", "site 1"]  # of row i: SITES[i // 2 % 3]
N = 36


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(cells_of: Mapping[int, str] | None = None, **more: Any) -> Entry:
    """Return an entry with a column of folds; `cells_of` has the cells that differ."""
    cells = {i: SITES[i // 2 % 3] for i in range(N)} | dict(cells_of or {})
    lines = [f"{'ab'[i % 2]},{cells[i]},p{i // 2},{i % 2 + i / 100}" for i in range(N)]
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    Path("data/raw/t.csv").write_text("y,site,person,x\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return {"source": {"table": "data/raw/t.csv"}, "target": {"column": "y", "task": "binary"}, "group": "person", "folds": "site",
            "modalities": {"facts": {"modality": "table", "columns": ["x"]}}, **more}  # fmt: skip


def params_of(entries: Mapping[str, Entry], **numbers: Any) -> dict[str, Any]:
    """Write params.yaml with these data sets, and return it."""
    features = {f"{name}-facts": {"dataset": name, "modality": "table"} for name in entries}
    params = {"seed": 1, "datasets": dict(entries), "features": features,
              "controls": {"constant": {}}, "models": {"knn": {"n_neighbors": [1, 3]}},
              "split": {"n_splits": 4, "n_inner_splits": 2, **numbers},
              "train": {}, "evaluate": {}, "publish": {}, "flow": {}}  # fmt: skip
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(params, file)
    return params


# ---------------------------------------------------------------- own folds
def test_folds_are_in_natural_order() -> None:
    assert fold_names(["f10", "f9", "f10", "F", "f1a"]) == ("F", "f1a", "f9", "f10")
    assert fold_names(["10", "9", "1"]) == ("1", "9", "10")


def test_every_row_is_in_the_fold_that_is_named() -> None:
    folds = own_folds(["b", "a", "b", "c"], np.array([0, 1, 0, 2]), np.array(["x", "y", "z"]))
    assert folds.tolist() == [1, 0, 1, 2] and folds.dtype == np.int16


def test_a_group_in_two_folds_is_named_with_both() -> None:
    message = r"^group 'x' is in fold 'a' and in fold 'c' \(2 such groups\); a group is never split"
    with pytest.raises(InputError, match=message):
        own_folds(["a", "b", "c", "b", "c"], np.array([0, 1, 0, 2, 2]), np.array(["x", "y", "z"]))


@pytest.mark.parametrize(("n", "found"), [(1, r"found 1 \('0'\)"), (101, "found 101$")])
def test_one_fold_or_as_many_as_rows_are_none(n: int, found: str) -> None:
    with pytest.raises(InputError, match=f"expected 2 to 100 names of folds, {found}"):
        fold_names([str(i) for i in range(n)])


def test_from_the_files_to_the_evaluation_the_folds_are_those_of_the_column() -> None:
    params_of({"mine": entry_of()}, n_repeats=3)
    check.main()
    ingest.main("mine")
    featurize.main("mine-facts")
    split.main("mine")
    table, about = read_described(splits_path("mine"), SplitsMetadata)
    assert (about.fold_names, about.n_folds, about.n_repeats) == (("site 1", "site 2", "site 10"), 3, 1)
    given = read_described(samples_path("mine"), SamplesMetadata)[0]["fold"].to_pylist()
    assert [about.fold_names[number] for number in column_values(table["fold"])] == given == [SITES[i // 2 % 3] for i in range(N)]
    groups = np.asarray(table["group"].to_pylist())
    for fold in read_folds(table, about):
        assert len(fold.train) == 24 and len(fold.test) == 12 and fold.n_inner == 2
        assert set(groups[fold.train[fold.inner == 0]]).isdisjoint(groups[fold.train[fold.inner == 1]])
    control.main("mine")
    train.main("mine", "knn")
    predictions, trained = read_described(predictions_dir("mine", "knn") / "predictions.arrow", TrainingMetadata)
    assert trained.fold_names == about.fold_names and len(predictions) == N
    write_document(leaks_path("mine"), Leaks(dataset="mine", examined=False, success=True, open=(), findings=(), suite=None))
    evaluate.main("mine")
    evaluation = read_document(evaluation_path("mine"), Evaluation)
    assert evaluation.fold_names == about.fold_names and len(evaluation.candidates[1].scores["accuracy"].folds) == 3
    given_folds = "3 outer folds given by the data set (site 1, site 2, site 10)"
    assert f"<dd>{given_folds}, 2 inner folds</dd>" in render([evaluation], {})
    assert protocol(evaluation) == f"{given_folds}, configuration chosen on 2 inner folds"
    assert evaluation.result(evaluation.best).scores["accuracy"].folds == (1.0, 1.0, 1.0)


def test_validation_finds_a_row_in_another_fold_than_named() -> None:
    from stages.validation.expectations import run_suites
    from stages.validation.suites import splits_suite

    samples, _ = ingested(entry_of())
    write_numbers()
    split.main("mine")
    table, about = read_described(splits_path("mine"), SplitsMetadata)
    assert run_suites([splits_suite(table, about, samples)])[0].success
    renamed = about.model_copy(update={"fold_names": ("site 2", "site 1", "site 10")})
    (found,) = run_suites([splits_suite(table, renamed, samples)])
    assert [result.column for result in found.expectations if not result.success] == ["as_given"]


def write_numbers(name: str = "mine") -> None:
    fold_numbers_path(name).parent.mkdir(parents=True, exist_ok=True)
    fold_numbers_path(name).write_text(json.dumps({"n_splits": 4, "n_inner_splits": 2}), encoding="utf-8")


def test_a_missing_fold_is_named_with_its_line() -> None:
    with pytest.raises(InputError, match=r"mine\.folds: line 5 of t\.csv: the fold is missing \(2 such\); every sample needs the name of"):
        ingested(entry_of({3: "", 9: ""}))


def test_a_group_in_two_folds_stops_the_split() -> None:
    ingested(entry_of({1: "site 2"}))
    write_numbers()
    with pytest.raises(InputError, match=r"^mine: group 'p0' is in fold 'site 2' and in fold 'site 10' \(1 such group\)"):
        split.main("mine")
    assert not splits_path("mine").exists()


def test_a_sample_of_rows_keeps_every_fold() -> None:
    alone = {0: "alone", 1: "alone"}
    with pytest.raises(InputError, match=r"datasets\.mine\.rows: 4 rows are too few: fold '\w+( \d+)?' would be left without one"):
        ingested(entry_of(alone, rows=4))


@pytest.mark.parametrize(("more", "line"), [
    ({"split": "person"}, r"mine\.folds: `split` names an official split, which is the only outer fold; keep one of the two"),
    ({"folds": 5}, r"mine\.folds: expected text, found 5; 'folds' is own files: column .*numbers of folds: split\.datasets\.<name>"),
    ({"folds": {"n_splits": 5}}, r"mine\.folds: expected text, found .*numbers of folds: split\.datasets\.<name>"),
    ({"n_splits": 7}, r"mine\.n_splits: numbers of folds of one data set belong in .* `split: \{datasets: \{mine: \{n_splits: 7\}\}\}`"),
    ({"repeats": 2}, r"mine\.repeats: numbers .* `split: \{datasets: \{mine: \{n_repeats: 2\}\}\}`"),
    ({"fold": "site"}, r"mine\.fold: unknown key \(did you mean 'folds'\?\)"),
])  # fmt: skip
def test_other_words_and_contradictions_of_an_entry_are_one_line(more: Entry, line: str) -> None:
    with pytest.raises(InputError, match=line) as caught:
        parsed(entry_of(**more))
    assert "\n" not in str(caught.value)


def test_the_column_of_the_folds_is_no_feature_and_must_exist() -> None:
    everything = {"facts": {"modality": "table"}}
    samples, _ = ingested(entry_of(modalities=everything))
    assert samples["facts"].type.names == ["x"]
    with pytest.raises(InputError, match=r"mine\.folds: no column 'sites' \(did you mean 'site'\?\)"):
        ingested(entry_of(folds="sites"))


# ---------------------------------------------------------------- numbers of folds of one data set
def test_a_data_set_has_its_own_numbers_and_the_sections_for_the_others() -> None:
    entries = {"mine": entry_of(folds=None), "other": entry_of(folds=None)}
    del entries["mine"]["folds"], entries["other"]["folds"]
    params_of(entries, datasets={"other": {"n_splits": 6, "n_repeats": 2}})
    check.main()
    assert read_json(fold_numbers_path("mine")) == {"n_splits": 4, "n_repeats": 1, "n_inner_splits": 2}
    assert read_json(fold_numbers_path("other")) == {"n_splits": 6, "n_repeats": 2, "n_inner_splits": 2}
    ingest.main("other")
    split.main("other")
    about = read_described(splits_path("other"), SplitsMetadata)[1]
    assert (about.n_folds, about.n_repeats, about.n_inner_folds, about.fold_names) == (6, 2, 2, ())


def test_a_change_for_one_data_set_reruns_its_split_alone() -> None:
    """By the files that change, and who depends on them in dvc.yaml."""
    entries = {name: {key: value for key, value in entry_of().items() if key != "folds"} for name in ("emoji", "reviews")}
    entries = {f"my_{name}": entry for name, entry in entries.items()}
    params_of(entries)
    check.main()
    before = {path: path.read_bytes() for path in Path("data/check").rglob("*.json")}
    params_of(entries, datasets={"my_emoji": {"n_splits": 3}})
    check.main()
    changed = [path.as_posix() for path in Path("data/check").rglob("*.json") if path.read_bytes() != before.pop(path)]
    assert changed == ["data/check/split/my_emoji.json"] and before == {}
    readers = {name for name, (_, deps, _) in declared().items() if "data/check/split/emoji.json" in deps}
    assert readers == {"split@emoji"}


def test_a_data_set_that_is_gone_leaves_no_numbers() -> None:
    entry = {key: value for key, value in entry_of().items() if key != "folds"}
    params_of({"mine": entry, "other": entry})
    check.main()
    params_of({"mine": entry})
    check.main()
    written = [path for path in Path("data/check").rglob("*.json") if path.parent.name != "settings" and "train" not in path.parts]
    assert [path.name for path in written] == ["mine.json"] * 5
    assert {path.parent.name for path in Path("data/check/train").rglob("*.json")} == {"mine"}
    of_data_sets = {path.name for path in Path("data/check/settings").glob("datasets.*")}
    assert of_data_sets == {"datasets.mine.json", "datasets.mine.modalities.json"}


@pytest.mark.parametrize(("numbers", "line"), [
    ({"minne": {"n_splits": 3}}, r"split\.datasets: no entry under datasets 'minne' \(did you mean 'mine'\?\)"),
    ({"mine": {"n_split": 3}}, r"datasets\.mine\.n_split: unknown key \(did you mean 'n_splits'\?\); allowed: n_splits, n_repeats, n_i"),
    ({"mine": {"folds": 3}}, r"split\.datasets\.mine\.folds: this key was renamed to 'n_splits'; allowed: n_splits, n_repeats, n_inn"),
    ({"mine": {"n_splits": 1}}, r"datasets\.mine\.n_splits: expected at least 2, found 1; 'n_splits' is outer folds of this data set"),
    ({"mine": {"n_splits": 3, "n_repeats": 2, "n_inner_splits": 3}},
     r"split\.datasets\.mine: remove n_splits and n_repeats: column 'site' \(datasets\.mine\.folds\) gives the outer folds, once each"),
    ({"mine": {"n_inner_splits": 3}}, ""),
])  # fmt: skip
def test_numbers_that_cannot_be_are_one_line(numbers: dict[str, Any], line: str) -> None:
    found = problems(params_of({"mine": entry_of()}, datasets=numbers))
    assert (len(found) == 1 and re.search(line, found[0])) if line else found == [], found


def test_an_official_split_has_no_numbers_of_outer_folds() -> None:
    entry = {**entry_of(), "split": "person"}
    del entry["folds"]
    (found,) = problems(params_of({"mine": entry}, datasets={"mine": {"n_splits": 3}}))
    assert "split.datasets.mine: remove n_splits: column 'person' (datasets.mine.split) is an official split" in found
