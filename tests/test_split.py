"""Splits: groups are never split, every row is a test row once per repeat, folds are balanced, and impossible requests raise errors."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_samples import write_fold_numbers, write_samples

from stages import check, ingest
from stages.contracts.paths import quarantine_path, samples_path, skipped_path, splits_path
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists, read_described, write_table
from stages.model_selection.folds import read_folds
from stages.model_selection.target_forms import FORMS
from stages.samples.read import quarantine_table
from stages.split import checked_inner_folds, main, official_fold, split_samples
from stages.splitting.assign_folds import assign_folds
from stages.splitting.split_settings import SplitEntry
from stages.validate import dataset_suites

CLASSES = ("a", "b", "c")


def grouped(sizes: Sequence[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return target and groups: groups of these sizes, classes 0 to 2 in turn over the groups with some strays, rows shuffled."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    target = np.where(random.random(len(groups)) < 0.2, random.integers(0, 3, len(groups)), groups % 3)
    order = random.permutation(len(groups))
    return target[order].astype(np.int32), groups[order]


def one_hot(target: np.ndarray) -> np.ndarray:
    return FORMS["classes"].strata(target, int(target.max()) + 1)


def metadata_of(n_folds: int, n_repeats: int, n_inner_folds: int) -> SplitsMetadata:
    return SplitsMetadata(dataset="toy", target=Target(**TARGET), rows=Rows(used=1, available=1),
                          n_folds=n_folds, n_repeats=n_repeats, n_inner_folds=n_inner_folds)  # fmt: skip


def samples(target: np.ndarray, groups: np.ndarray, official: Sequence[str] | None = None) -> pa.Table:
    columns = {
        "sample_id": [f"{row:05d}" for row in range(len(target))],
        "group": [f"g{group}" for group in groups],
        "target": pa.array(target, pa.int32()),
    }
    return pa.table(columns if official is None else {**columns, "split": official})


sizes_of_groups = st.lists(st.integers(1, 12), min_size=30, max_size=90)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(sizes_of_groups, st.integers(2, 6), seeds)
def test_groups_are_whole_no_fold_is_empty_and_the_assignment_is_repeatable(sizes: list[int], n_folds: int, seed: int) -> None:
    target, groups = grouped(sizes, seed)
    fold = assign_folds(one_hot(target), groups, n_folds, seed)
    assert fold.dtype == np.int16 and set(fold) == set(range(n_folds))
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    assert (fold == assign_folds(one_hot(target), groups, n_folds, seed)).all()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(sizes_of_groups, st.integers(2, 6), seeds)
def test_folds_are_equal_to_within_a_group(sizes: list[int], n_folds: int, seed: int) -> None:
    target, groups = grouped(sizes, seed)
    fold = assign_folds(one_hot(target), groups, n_folds, seed)
    counts = np.bincount(fold, minlength=n_folds)
    assert np.ptp(counts) <= 2 * max(sizes)
    for label in set(target):
        assert np.ptp(np.bincount(fold[target == label], minlength=n_folds)) <= 2 * max(sizes)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(2, 60), min_size=2, max_size=5), st.integers(2, 6), seeds)
def test_without_groups_every_class_is_assigned_evenly(counts: list[int], n_folds: int, seed: int) -> None:
    target = np.repeat(np.arange(len(counts)), counts)
    fold = assign_folds(one_hot(target), np.arange(len(target)), min(n_folds, len(target)), seed)
    for label in range(len(counts)):
        assert np.ptp(np.bincount(fold[target == label], minlength=min(n_folds, len(target)))) <= 1


def test_another_seed_assigns_otherwise_even_if_all_groups_differ_in_size() -> None:
    target, groups = grouped(range(1, 40), 0)
    first, second = (assign_folds(one_hot(target), groups, 4, seed) for seed in (1, 2))
    together = [(fold[:, None] == fold[None, :]) for fold in (first, second)]
    assert (together[0] != together[1]).mean() > 0.1


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seeds, st.integers(1, 3), st.integers(2, 4), st.integers(2, 4))
def test_every_row_is_held_out_once_per_repeat(seed: int, repeats: int, folds: int, inner_folds: int) -> None:
    target, groups = grouped([1, 2, 3] * 16, seed)
    entry = SplitEntry(n_splits=folds, n_repeats=repeats, n_inner_splits=inner_folds)
    table = split_samples(samples(target, groups), entry, "classes", CLASSES, seed)
    result = read_folds(table, metadata_of(folds, repeats, inner_folds))
    assert [(fold.repeat, fold.index) for fold in result] == [(repeat, index) for repeat in range(repeats) for index in range(folds)]
    for repeat in range(repeats):
        held_out = np.concatenate([fold.test for fold in result if fold.repeat == repeat])
        assert sorted(held_out) == list(range(len(target)))
    for fold in result:
        assert sorted([*fold.train, *fold.test]) == list(range(len(target)))
        assert set(groups[fold.train]).isdisjoint(groups[fold.test])
        assert fold.inner.dtype == np.int16 and set(fold.inner) == set(range(inner_folds))
        for inner in range(inner_folds):
            kept, left = fold.train[fold.inner != inner], fold.train[fold.inner == inner]
            assert set(groups[kept]).isdisjoint(groups[left])
            assert set(target[kept]) == set(target)


def test_the_table_satisfies_the_contract() -> None:
    target, groups = grouped([2] * 60, 0)
    entry = SplitEntry(n_splits=4, n_repeats=2, n_inner_splits=3)
    table = split_samples(samples(target, groups), entry, "classes", CLASSES, 0)
    assert table.schema.equals(
        pa.schema({"sample_id": pa.string(), "group": pa.string(), "target": pa.int32(), "repeat": pa.int16(), "fold": pa.int16(),
                   "inner": pa.list_(pa.int16(), 4)})
    )  # fmt: skip
    assert table["sample_id"].to_pylist() == 2 * [f"{row:05d}" for row in range(120)]
    fold, inner = column_values(table["fold"]), column_values(table["inner"])
    assert ((inner == -1) == (fold[:, None] == np.arange(4))).all()
    assert not (fold[:120] == fold[120:]).all()


def test_an_official_split_is_one_fold_whatever_params_say() -> None:
    target, groups = grouped([1] * 90, 0)
    official = ["test" if row % 3 == 0 else "train" for row in range(90)]
    entry = SplitEntry(n_splits=5, n_repeats=3, n_inner_splits=3)
    table = split_samples(samples(target, groups, official), entry, "classes", CLASSES, 0)
    (fold,) = read_folds(table, metadata_of(1, 1, 3))
    assert list(fold.test) == list(range(0, 90, 3)) and len(fold.train) == 60
    assert set(column_values(table["fold"])) == {0, -1}


@pytest.mark.parametrize(
    ("official", "message"),
    [
        (["train", "test", "valid", "train"], "found test, train, valid"),
        (["train", "test", None, "train"], "found None, test, train"),
        (["train"] * 4, "both must occur; found train"),
        (["train", "train", "test", "test"], r"1 group\(s\) are in both parts of the official split: 'mill'; a group"),
    ],
)
def test_a_wrong_official_split_is_named(official: list[str | None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        official_fold(official, np.array([0, 1, 1, 2]), np.array(["farm", "mill", "yard"]))


def test_fewer_groups_than_folds_are_named() -> None:
    target, groups = grouped([9] * 4, 0)
    with pytest.raises(InputError, match="4 groups cannot be split into 5 folds; at most 4 can be"):
        split_samples(samples(target, groups), SplitEntry(n_splits=5), "classes", CLASSES, 0)
    with pytest.raises(InputError, match="inner folds of outer fold 0: 2 groups cannot be split into 3 folds"):
        entry = SplitEntry(n_splits=3, n_inner_splits=3)
        split_samples(samples(np.tile([0, 1], 18), np.repeat([0, 1, 2], 12)), entry, "classes", CLASSES, 0)


def test_a_class_that_a_training_set_lacks_is_named() -> None:
    target, groups = np.repeat([0, 0, 0, 0, 0, 1], 5), np.repeat(np.arange(6), 5)
    with pytest.raises(InputError, match=r"^class 'b' \(5 rows\) is in 1 group \('g5'\)\. Each needs 3 groups or more, .* finer `group`"):
        split_samples(samples(target, groups), SplitEntry(n_splits=2, n_inner_splits=2), "classes", CLASSES, 0)
    target = np.repeat([0, 0, 0, 0, 1, 1], 5)
    with pytest.raises(InputError, match=r"^class 'b' \(10 rows\) is in 2 groups \('g4', 'g5'\)\. Each needs 3 groups"):
        split_samples(samples(target, groups), SplitEntry(n_splits=2, n_inner_splits=2), "classes", CLASSES, 0)


def test_a_class_that_the_training_set_of_an_inner_fold_lacks_is_named() -> None:
    """Class 'b' is one group, which one of the inner folds holds out."""
    codes, groups = np.repeat([0, 0, 0, 1], 5), np.repeat(np.arange(4), 5)
    strata = (codes[:, None] == np.arange(2)).astype(np.float64)
    with pytest.raises(InputError, match=r"'b' \(5 rows in 1 groups?\) is absent from the training set of inner fold \d of outer fold 0"):
        checked_inner_folds(strata, groups, np.ones(20, bool), 2, names=["class 'a'", "class 'b'"], where="outer fold 0", seed=0)


NUMBERS = {"n_splits": 3, "n_repeats": 2, "n_inner_splits": 2}
TARGET = {"name": "t", "task": "multiclass", "form": "classes", "scoring": "accuracy", "outputs": list(CLASSES)}
POLICY = {"on_bad_sample": "quarantine", "max_bad_share": 0.1}


def test_the_stage_writes_the_same_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    splits = splits_path("toy")
    about = {"dataset": "toy", "target": TARGET, "rows": {"used": 60, "available": 60}}
    write_samples(samples_path("toy"), samples(*grouped([2] * 30, 0)), {**about, **POLICY, "title": "Toy"})
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    write_fold_numbers(**NUMBERS)
    main("toy")
    first = splits.read_bytes()
    main("toy")
    assert splits.read_bytes() == first
    table, metadata = read_described(splits, SplitsMetadata)
    numbers = {"n_folds": 3, "n_repeats": 2, "n_inner_folds": 2}
    assert metadata.model_dump(mode="json") == {**about, **numbers, "fold_names": [], "time_ordered": False, "incomplete": []}
    assert b"time_ordered" not in first  # what is false is not written
    assert len(read_folds(table, metadata)) == 6


def test_an_impossible_split_names_data_set_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    about = {"dataset": "toy", "target": TARGET, "rows": {"used": 6, "available": 6}}
    write_samples(samples_path("toy"), samples(*grouped([3, 3], 0)), about | POLICY)
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    write_fold_numbers(**NUMBERS)
    with pytest.raises(InputError, match=r"^toy: 2 groups cannot be split into 3 folds.*params\.yaml: split"):
        main("toy")
    assert not splits_path("toy").exists()


# ---------------------------------------------------------------- labels, continuous targets, unreadable samples
def test_every_fold_has_its_share_of_every_label_and_of_every_quartile_of_a_target() -> None:
    random = np.random.default_rng(0)
    labels = (random.random((400, 5)) < [0.5, 0.3, 0.2, 0.1, 0.05]).astype(np.uint8)
    fold = assign_folds(FORMS["labels"].strata(labels, 5), np.arange(400), 4, 0)
    for column in labels.T:
        assert np.ptp(np.bincount(fold[column == 1], minlength=4)) <= 2
    targets = random.lognormal(size=(400, 2))
    targets[:40, 0] = np.nan
    fold = assign_folds(FORMS["continuous"].strata(targets, 2), np.arange(400), 4, 0)
    for column in targets.T:
        top = column >= np.nanquantile(column, 0.75)
        assert np.ptp(np.bincount(fold[top], minlength=4)) <= 4


def test_every_class_that_no_folds_can_learn_and_test_is_named_at_once() -> None:
    target, groups = np.array([0] * 10 + [1] * 5 + [2] * 3), np.array([*range(10), 10, 10, 10, 10, 10, 11, 11, 12])
    message = r"^class 'b' \(5 rows\) is in 1 group \('g10'\); class 'c' \(3 rows\) is in 2 groups \('g11', 'g12'\)\. "
    with pytest.raises(InputError, match=message):
        split_samples(samples(target, groups), SplitEntry(n_splits=2, n_inner_splits=2), "classes", ["a", "b", "c"], 0)
    parts = np.array(["train"] * 8 + ["test"] * 2 + ["test"] * 5 + ["train"] * 3)
    table = samples(target, np.arange(18)).append_column("split", pa.array(parts))
    message = r"^class 'b' \(5 rows\) has no row in the training part of the official split\. Each needs 2 groups of the tr"
    with pytest.raises(InputError, match=message):
        split_samples(table, SplitEntry(n_inner_splits=2), "classes", ["a", "b", "c"], 0)


def test_labels_and_continuous_targets_have_splits() -> None:
    random = np.random.default_rng(0)
    table = samples(np.zeros(80, dtype=np.int32), np.arange(80))
    for form, values in (("labels", (random.random((80, 3)) < 0.4).astype(np.uint8)), ("continuous", random.standard_normal((80, 3)))):
        with_target = table.set_column(2, "target", fixed_lists(values))
        splits = split_samples(with_target, SplitEntry(n_splits=4), form, CLASSES, 0)
        assert sorted(set(column_values(splits["fold"]))) == [0, 1, 2, 3]
        assert column_values(splits["target"]).tolist() == values.tolist()


def test_a_label_that_a_training_set_lacks_is_named() -> None:
    labels = np.zeros((30, 2), dtype=np.uint8)
    labels[:, 0], labels[:5, 1] = 1, 1
    table = samples(np.zeros(30, dtype=np.int32), np.repeat(np.arange(6), 5)).set_column(2, "target", fixed_lists(labels))
    with pytest.raises(InputError, match=r"^label 'b' \(5 rows\) is in 1 group \('g0'\)\. Each needs 3 groups or more"):
        split_samples(table, SplitEntry(n_splits=2, n_inner_splits=2), "labels", ("a", "b"), 0)


@pytest.mark.parametrize(("n_bad", "fails"), [(6, False), (7, True)])
def test_unreadable_samples_are_skipped_and_listed(
    n_bad: int, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = samples(*grouped([2] * 30, 0))
    about = {"dataset": "toy", "target": TARGET, "rows": {"used": 60, "available": 90}}
    write_samples(samples_path("toy"), table, about | POLICY)
    ids = table["sample_id"].to_pylist()
    write_table(quarantine_path("toy"), quarantine_table({ids[3]: "no target"}), QuarantineMetadata(dataset="toy"))
    bad = {name: "broken" for name in ids[3 : 3 + n_bad]}
    write_table(quarantine_path("toy", "photo"), quarantine_table(bad), QuarantineMetadata(dataset="toy", modality_name="photo"))
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    write_fold_numbers(**NUMBERS)
    if fails:
        with pytest.raises(InputError, match=r"toy: 7 of 60 samples cannot be read .* 11\.7%, above datasets\.toy\.max_bad_share 10\.0%"):
            main("toy")
        assert not splits_path("toy").exists()
        return
    main("toy")
    splits, metadata = read_described(splits_path("toy"), SplitsMetadata)
    assert not set(bad) & set(splits["sample_id"].to_pylist()) and metadata.rows == Rows(used=54, available=90)
    skipped, about = read_described(skipped_path("toy"), SkippedMetadata)
    assert about == SkippedMetadata(dataset="toy", share=0.1)
    assert skipped.to_pylist()[:2] == [
        {"sample_id": ids[3], "modality": "", "reason": "no target"},
        {"sample_id": ids[4], "modality": "photo", "reason": "broken"},
    ]


def test_samples_without_target_count_among_those_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """4 of 100 have none: 4 % whether all rows are used or 40, and validation expects as many rows as there are."""
    monkeypatch.chdir(tmp_path)
    Path("data/raw").mkdir(parents=True)
    Path("data/raw/t.csv").write_text("kind,x\n" + "".join(f"{'' if i % 25 == 3 else 'ab'[i % 2]},{i}\n" for i in range(100)))
    for rows, used, n_missing in (("all", 100, 4), (40, 42, 2)):
        (tmp_path / "params.yaml").write_text(
            f"seed: 1\nsplit: {json.dumps(NUMBERS)}\n"
            f"datasets: {{mine: {{rows: {rows}, source: {{table: data/raw/t.csv}}, target: {{column: kind, task: binary}}, "
            "on_bad_sample: quarantine, modalities: {facts: {modality: table, columns: [x]}}}}\n"
            "features: {mine-facts: {dataset: mine, modality: table}}\ncontrols: {constant: {}}\nmodels: {knn: {n_neighbors: [1]}}\n"
            "train: {}\nevaluate: {}\npublish: {}\nflow: {}\n"
        )
        check.main()
        ingest.main("mine")
        main("mine")
        about = read_described(samples_path("mine"), SamplesMetadata)[1]
        skipped, skipping = read_described(skipped_path("mine"), SkippedMetadata)
        assert about.rows == Rows(used=used, available=100)
        assert skipped.num_rows == n_missing and skipping.share == n_missing / used
        (suite, *_) = dataset_suites("mine", [])
        assert suite.expectations[0] == ("expect_table_row_count_to_equal", {"value": len(suite.frame["sample_id"])})


def test_a_target_without_a_known_value_in_a_training_set_is_named() -> None:
    targets = np.random.default_rng(0).standard_normal((30, 2))
    targets[5:, 1] = np.nan
    table = samples(np.zeros(30, dtype=np.int32), np.repeat(np.arange(6), 5)).set_column(2, "target", fixed_lists(targets))
    with pytest.raises(InputError, match=r"^target 'b' \(5 rows\) is in 1 group \('g0'\)\. Each needs 3 groups or more"):
        split_samples(table, SplitEntry(n_splits=2, n_inner_splits=2), "continuous", ("a", "b"), 0)
