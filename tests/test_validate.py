"""Validation with Great Expectations itself: sound files pass, and every kind of broken file is named with its samples."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from toy_columns import MAKERS, Toy
from toy_samples import METADATA, write_leak_levels, write_samples

from stages import validate
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import features_path, samples_path, skipped_path, splits_path, validation_dir, validation_path
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.featurize import featurize_column
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values, fixed_lists, read_described, read_table, write_table
from stages.ingest import target_metadata
from stages.split import split_samples
from stages.splitting.split_settings import SplitEntry
from stages.validation.expectations import MAX_NAMED, run_suites
from stages.validation.leak_findings import not_examined
from stages.validation.suites import CLASS_COUNT, Suite, modality_suite, samples_suite, skipped_suite, splits_suite
from stages.validation.validation_page import validation_page

N = 24
LABELS = list(MAKERS)
TARGET = target_metadata("kind", component("tasks", "binary"), ["no", "yes"])
ABOUT = SamplesMetadata.model_validate(METADATA | {"target": TARGET, "rows": {"used": N, "available": N}, "max_bad_share": 0.1})
NOBODY = pa.table({name: pa.array([], pa.string()) for name in ("sample_id", "modality", "reason")})


def toy_samples() -> pa.Table:
    """24 samples in 12 groups of two, six of each class, with a column of every modality."""
    group = np.arange(N) // 2
    columns = {name: ordinary(MAKERS[name]()) for name in LABELS}
    return pa.table({
        "sample_id": [f"id-{i:02d}" for i in range(N)],
        "group": [f"group {g}" for g in group],
        "target": pa.array(group % 2, pa.int32()),
        **columns,
    })


def ordinary(toy: Toy) -> pa.Array:
    """Return N samples of a toy column, those left out of which validation accepts few."""
    rows = [row for i, row in enumerate(toy.column.to_pylist()) if i not in toy.exotic]
    return pa.array((rows * N)[:N], type=toy.column.type)


def toy_splits(samples: pa.Table, repeats: int = 2) -> tuple[pa.Table, SplitsMetadata]:
    settings = SplitEntry(n_splits=3, n_repeats=repeats, n_inner_splits=2)
    splits = split_samples(samples, settings, "classes", ["no", "yes"], 5)
    return splits, splits_metadata(splits, samples, TARGET)


def splits_metadata(splits: pa.Table, samples: pa.Table, target: Target) -> SplitsMetadata:
    n_folds, n_repeats = splits.schema.field("inner").type.list_size, len(splits) // len(samples)
    rows = Rows(used=len(samples), available=len(samples))
    return SplitsMetadata(dataset="toy", target=target, rows=rows, n_folds=n_folds, n_repeats=n_repeats, n_inner_folds=2)


@pytest.fixture
def toy_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    samples = toy_samples()
    Path("params.yaml").write_text(yaml.safe_dump({"datasets": {"toy": {"modalities": LABELS}}}), encoding="utf-8")
    write_samples(samples_path("toy"), samples, dict(ABOUT))
    write_leak_levels()
    write_table(splits_path("toy"), *toy_splits(samples))
    write_table(skipped_path("toy"), NOBODY, SkippedMetadata(dataset="toy", share=0.0))
    for label in LABELS:
        modality = component("modalities", label)
        features, metadata = featurize_column(samples, label, modality, modality.settings(), dataset="toy")
        write_table(features_path("toy", label), features, metadata)
    return tmp_path


def failed(suite: Suite) -> dict[str, list[str]]:
    """Return the failed columns of a suite with the samples of which they do not hold."""
    (result,) = run_suites([suite])
    found: dict[str, list[str]] = {}
    for expectation in result.expectations:
        if not expectation.success:
            named = [sample.sample_id for sample in expectation.offending]
            found[expectation.column] = sorted({*found.get(expectation.column, []), *named})
    return found


# ---------------------------------------------------------------- the stage
def test_sound_files_pass_and_leave_the_same_bytes_twice(toy_workspace: Path) -> None:
    files = [validation_dir("toy") / name for name in ("validation.json", "leaks.json", "validation.html")]
    validate.main("toy")
    before = [file.read_bytes() for file in files]
    outcome = read_document(files[0], Validation)
    assert outcome.success
    assert [suite.suite for suite in outcome.suites] == ["samples", "splits", *LABELS]
    assert all(suite.expectations for suite in outcome.suites)
    for file in files:
        file.unlink()
    validate.main("toy")
    assert [file.read_bytes() for file in files] == before


def test_a_failure_is_named_and_shown_before_it_stops_the_data_set(toy_workspace: Path) -> None:
    path = features_path("toy", "image")
    table, metadata = read_described(path, FeaturesMetadata)
    vectors = column_values(table["vector"]).copy()
    vectors[7, 3] = np.nan
    vectors[9] = 2
    write_table(path, pa.table({"sample_id": table["sample_id"], "vector": fixed_lists(vectors)}), metadata)
    with pytest.raises(InputError) as caught:
        validate.main("toy")
    message = str(caught.value)
    assert "data set 'toy' failed" in message
    assert "toy / image / finite: expected true, not so for 1 of 24 rows, such as 'id-07'" in message
    wrong = r"toy / image / max: expected at least 0 and at most 1 .*, not so for 1 of 24 rows, such as 'id-09' \(2\.0\)"
    assert re.search(wrong, message), message
    assert not read_document(validation_path("toy"), Validation).success
    assert "id-07" in (validation_dir("toy") / "validation.html").read_text(encoding="utf-8")


def test_the_page_is_self_contained_and_escapes_what_it_shows(toy_workspace: Path) -> None:
    frame = {"sample_id": np.array(["<b>", "fine"], dtype=object), "x": np.array([-1.0, 0.5])}
    positive = ("expect_column_values_to_be_between", {"column": "x", "min_value": 0, "notes": "a <i>"})
    suites = run_suites([Suite("table", frame, [positive])])
    page = validation_page(Validation(dataset="toy", success=False, suites=tuple(suites)), not_examined("toy"))
    assert "&lt;b&gt;" in page
    assert "a &lt;i&gt;" in page
    assert "<b>" not in page
    for outside in ("http:", "https:", "<script", "<link", "src="):
        assert outside not in page


# ---------------------------------------------------------------- samples
def replaced(table: pa.Table, name: str, values: Any, kind: pa.DataType | None = None) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, type=kind or table[name].type))


def first_is(value: Any) -> Callable[[pa.Table, str], pa.Table]:
    return lambda table, name: replaced(table, name, [value, *table[name].to_pylist()[1:]])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("sample_id", "id-01", {"sample_id": ["id-01"]}),
        ("group", None, {"group": ["id-00"]}),
        ("target", 2, {"target": ["id-00"]}),
    ],
)
def test_broken_samples(name: str, value: Any, expected: dict[str, list[str]]) -> None:
    assert failed(samples_suite(toy_samples(), ABOUT, 3, 0)) == {}
    found = failed(samples_suite(first_is(value)(toy_samples(), name), ABOUT, 3, 0))
    assert {column: named for column, named in found.items() if named} == expected


def test_missing_rows_and_scarce_classes() -> None:
    assert "" in failed(samples_suite(toy_samples().slice(1), ABOUT, 3, 0))
    scarce = replaced(toy_samples(), "target", [1, 1] + [0] * (N - 2))
    assert failed(samples_suite(scarce, ABOUT, 3, 0)) == {"class_count": ["id-00", "id-01"], "class_groups": ["id-00", "id-01"]}
    (result,) = run_suites([samples_suite(scarce, ABOUT, 3, 0)])
    said = [validate.failure(expectation) for expectation in result.expectations if expectation.column == "class_count"]
    assert said == [f"expected at least 3 ({CLASS_COUNT}), not so for 2 of 24 rows, such as 'id-00' (2), 'id-01' (2)"]
    assert "`rare_classes: drop` or `merge`" in CLASS_COUNT


# ---------------------------------------------------------------- splits
def broken_fold(splits: pa.Table) -> pa.Table:
    fold = column_values(splits["fold"]).copy()
    fold[0] = (fold[0] + 1) % 3
    return replaced(splits, "fold", fold)


def broken_inner(splits: pa.Table) -> pa.Table:
    inner = column_values(splits["inner"]).copy()
    training = np.flatnonzero(inner[0] >= 0)[0]
    inner[0, training] = 1 - inner[0, training]
    return splits.set_column(splits.column_names.index("inner"), "inner", fixed_lists(inner))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (broken_fold, {"group_folds": ["id-00", "id-01"], "inner_agrees": ["id-00"]}),
        (broken_inner, {"group_inner_folds": ["id-00", "id-01"]}),
        (lambda s: first_is("id-05")(s, "sample_id"), {"sample_id": ["id-05"], "repeat, sample_id": ["id-05"]}),
        (lambda s: first_is("other")(s, "group"), {"group": ["id-00"]}),
        (lambda s: first_is(1)(s, "target"), {"target": ["id-00"]}),
        (lambda s: s.slice(0, 2 * N - 1), {"": []}),
        (lambda s: s.slice(0, N), {"": [], "repeat": []}),
        (lambda s: replaced(s, "fold", np.full(len(s), -1, np.int16)), {"fold": [f"id-{i:02d}" for i in range(MAX_NAMED)]}),
    ],
)
def test_broken_splits(change: Callable[[pa.Table], pa.Table], expected: dict[str, list[str]]) -> None:
    splits, metadata = toy_splits(toy_samples())
    assert failed(splits_suite(splits, metadata, toy_samples())) == {}
    found = failed(splits_suite(change(splits), metadata, toy_samples()))
    for column, named in expected.items():
        assert found.get(column) == named, found


def test_a_class_that_a_training_set_lacks_is_named() -> None:
    samples = toy_samples()
    splits, metadata = toy_splits(samples, repeats=1)
    fold = np.where(column_values(splits["target"]) == 1, 0, column_values(splits["fold"])).astype(np.int16)
    found = failed(splits_suite(replaced(splits, "fold", fold), metadata, samples))
    assert found["class_missing"] == [f"id-{i:02d}" for i in range(N) if (i // 2) % 2 == 1]


def test_an_official_split_is_kept_to() -> None:
    official = ["train"] * 16 + ["test"] * 8
    samples = toy_samples().append_column("split", pa.array(official))
    splits, metadata = toy_splits(samples)
    assert metadata.n_folds == 1
    assert failed(splits_suite(splits, metadata, samples)) == {}
    assert failed(samples_suite(samples, ABOUT, 1, 0)) == {}
    moved = samples.set_column(samples.column_names.index("split"), "split", pa.array(["test", *official[1:]]))
    assert failed(splits_suite(splits, metadata, moved)) == {"as_official": ["id-00"]}
    unknown = samples.set_column(samples.column_names.index("split"), "split", pa.array(["valid", *official[1:]]))
    assert failed(samples_suite(unknown, ABOUT, 1, 0)) == {"split": ["id-00"]}


# ---------------------------------------------------------------- features
@pytest.mark.parametrize("name", LABELS)
def test_features_of_other_samples_are_found(name: str) -> None:
    samples = toy_samples()
    modality = component("modalities", name)
    features, metadata = featurize_column(samples, name, modality, modality.settings(), dataset="toy")
    assert failed(modality_suite(name, features, metadata, samples)) == {}
    order = pa.array([1, 0, *range(2, N)])
    assert failed(modality_suite(name, features.take(order), metadata, samples)) == {"sample_id": ["id-00", "id-01"]}
    assert failed(modality_suite(name, features.slice(0, N - 1), metadata, samples)) == {"": []}


def test_shares_of_missing_values_have_a_limit() -> None:
    samples = toy_samples()
    rest = {"price": 1.0, "member": True, "colour": "red", "size": "M"}
    empty = replaced(samples, "text", [""] * 6 + ["word"] * (N - 6))
    gaps = replaced(samples, "table", [{"age": None if i < 13 else 1} | rest for i in range(N)])
    for table, name, column in ((empty, "text", "term"), (gaps, "table", "column:age")):
        modality = component("modalities", name)
        for share, expected in ((0.2, {column}), (0.6, set())):
            settings = modality.settings(max_null_share=share)
            assert set(failed(modality_suite(name, *featurize_column(table, name, modality, settings, dataset="toy"), samples))) == expected


def test_twenty_offending_samples_are_named_and_all_counted() -> None:
    frame = {"sample_id": np.array([f"id-{i}" for i in range(50)], dtype=object), "x": np.full(50, -1.0)}
    (result,) = run_suites([Suite("x", frame, [("expect_column_values_to_be_between", {"column": "x", "min_value": 0})])])
    (expectation,) = result.expectations
    assert len(expectation.offending) == MAX_NAMED
    assert expectation.unexpected == 50
    assert expectation.range == (-1, -1)


def test_an_expectation_about_no_column_is_a_defect() -> None:
    frame = {"sample_id": np.array(["a"], dtype=object)}
    with pytest.raises(RuntimeError, match="suite 'x': expect_column_values_to_be_unique"):
        run_suites([Suite("x", frame, [("expect_column_values_to_be_unique", {"column": "nowhere"})])])


# ---------------------------------------------------------------- labels, targets, skipped samples
def with_target(task: str, target: np.ndarray) -> tuple[pa.Table, SamplesMetadata]:
    samples = toy_samples()
    samples = samples.set_column(samples.column_names.index("target"), "target", fixed_lists(target))
    return samples, ABOUT.model_copy(update={"target": target_metadata("t", component("tasks", task), ["a", "b"])})


def test_labels_and_numbers_have_suites_of_their_own() -> None:
    numbers = np.random.default_rng(0).standard_normal((N, 2))
    labels = (numbers > 0).astype(np.uint8)
    for task, target in (("multilabel", labels), ("regression", numbers)):
        samples, metadata = with_target(task, target)
        splits = split_samples(samples, SplitEntry(n_splits=3, n_inner_splits=2), component("tasks", task).form, ["a", "b"], 5)
        about = splits_metadata(splits, samples, metadata.target)
        assert failed(samples_suite(samples, metadata, 3, 0)) == {}
        assert failed(splits_suite(splits, about, samples)) == {}
        other = samples.set_column(samples.column_names.index("target"), "target", fixed_lists(np.flip(target, axis=0)))
        assert "target" in failed(splits_suite(splits, about, other))
    rare = labels.copy()
    rare[:, 1] = np.arange(N) == 5
    assert failed(samples_suite(*with_target("multilabel", rare), 3, 0)) == {"class_count": ["id-05"], "class_groups": ["id-05"]}
    unknown = numbers.copy()
    unknown[4], unknown[6, 0] = np.nan, np.inf
    assert failed(samples_suite(*with_target("regression", unknown), 3, 0)) == {"target_known": ["id-04"], "target_finite": ["id-06"]}


def test_skipped_samples_are_counted_and_no_part_of_the_rest(toy_workspace: Path) -> None:
    samples = read_table(samples_path("toy"))
    gone = pa.table({"sample_id": ["id-03", "id-04"], "modality": ["image", ""], "reason": ["cut off", "no target"]})
    write_table(skipped_path("toy"), gone, SkippedMetadata(dataset="toy", share=2 / N))
    write_table(splits_path("toy"), *toy_splits(validate.without(samples, gone)))
    path = features_path("toy", "image")
    table, metadata = read_described(path, FeaturesMetadata)
    write_table(path, table.filter(pa.array([name != "id-03" for name in table["sample_id"].to_pylist()])), metadata)
    validate.main("toy")
    outcome = read_document(validation_path("toy"), Validation)
    (suite,) = [suite for suite in outcome.suites if suite.suite == "skipped"]
    assert suite.expectations[0].observed == 2 and suite.success
    assert failed(skipped_suite(gone, N, 0.05)) == {"": []}
