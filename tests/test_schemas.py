"""Every file that passes between stages has a schema, which is checked when it is written and when it is read."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy_predictions import SKILL, Toy, write_params, write_toy
from toy_samples import METADATA, features_metadata, write_samples

from stages.contracts.checked import checked
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.model_document import NotApplicable
from stages.contracts.documents.results_document import MeanScore, Results
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import (
    accepted_path,
    bias_variance_path,
    comparison_path,
    controls_dir,
    evaluation_path,
    features_path,
    gallery_path,
    kept_results_path,
    leaks_path,
    learning_curve_path,
    lesson_path,
    models_dir,
    predictions_dir,
    quarantine_path,
    representation_path,
    samples_path,
    skipped_path,
    splits_path,
    summary_path,
    support_vectors_path,
    validation_path,
    weights_document_path,
    weights_table_path,
)
from stages.contracts.table_schema import type_name
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluate import main as evaluate
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.schemas import document_schema_of, document_schemas, schema_of, schemas
from stages.foundation.tables import METADATA_KEY, fixed_lists, read_described, read_table, write_json, write_table, writing_chunks
from stages.samples.read import quarantine_table
from stages.training.read_problem import scoring_form

ABOUT = SamplesMetadata.model_validate(METADATA)
TRAINED = ("predictions", "sweep", "curves", "notes", "critical_points", "out_of_fold")
SAMPLES = pa.table({"sample_id": ["a", "b"], "words": ["x", "y"]})


@pytest.mark.parametrize(("path", "name"), [
    (samples_path("toy"), "samples"), (splits_path("toy"), "splits"), (skipped_path("toy"), "skipped"),
    (quarantine_path("toy"), "quarantine"),
    (quarantine_path("toy", "text"), "quarantine"), (features_path("toy", "text"), "features"),
    *((predictions_dir("toy", "knn") / f"{name}.arrow", name) for name in TRAINED),
    (learning_curve_path("toy", "knn"), "learning_curve"), (representation_path("toy", "mlp"), "representation"),
    (weights_table_path("toy", "svm"), "weights"), (support_vectors_path("toy", "svm"), "support_vectors"),
])  # fmt: skip
def test_a_path_tells_its_schema(path: Path, name: str) -> None:
    for place in (path, Path("/elsewhere") / path):
        found = schema_of(place)
        assert found is not None and found.name == name
    assert sum(schema.matches(path.as_posix()) for schema in schemas()) == 1


def test_a_file_of_another_path_has_none() -> None:
    assert schema_of(Path("data/raw/mine.arrow")) is None and schema_of(Path("samples.arrow")) is None


@pytest.mark.parametrize(("kind", "name"), [
    (pa.list_(pa.float32(), 7), "float32[]"), (pa.list_(pa.int32()), "list<int32>"), (pa.float64(), "float64"),
    (pa.list_(pa.list_(pa.float32(), 2)), "list<float32[]>"), (pa.struct({"a": pa.string()}), "struct"), (pa.bool_(), "bool"),
])  # fmt: skip
def test_types_are_named_without_sizes(kind: pa.DataType, name: str) -> None:
    assert type_name(kind) == name


@pytest.mark.parametrize(("table", "metadata", "message"), [
    (SAMPLES.drop_columns("sample_id").append_column("group", pa.array(["g", "g"])), {}, "column 'sample_id' is missing"),
    (SAMPLES.append_column("target", pa.array(["no", "yes"])), {}, r"column 'target' is string; expected int32 or uint8"),
    (SAMPLES, {"rows": {"used": 2}}, r"rows\.available\s+Field required"),
    (SAMPLES, {"colour": "red"}, r"colour\s+Extra inputs are not permitted"),
])
def test_what_is_not_as_the_schema_has_it_is_not_written(
    table: pa.Table, metadata: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "sample_id" not in table.column_names:
        table = table.append_column("target", pa.array([0, 1], pa.int32()))
        with pytest.raises(ValueError, match=message):
            write_table(samples_path("toy"), table, ABOUT)
        return
    with pytest.raises(ValueError, match=message):
        write_samples(samples_path("toy"), table, metadata)
    assert not samples_path("toy").exists()


def test_pieces_are_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="column 'group' is missing"), writing_chunks(samples_path("toy"), ABOUT) as append:
        append(SAMPLES)
    assert not samples_path("toy").exists()


def test_metadata_of_another_kind_of_file_are_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"splits\.arrow: its metadata are SplitsMetadata, not SamplesMetadata"):
        write_table(splits_path("toy"), SAMPLES, ABOUT)
    with pytest.raises(ValueError, match=r"splits\.arrow: its metadata are SplitsMetadata, not SamplesMetadata"):
        read_described(splits_path("toy"), SamplesMetadata)
    assert not splits_path("toy").exists()


def test_a_file_of_another_version_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = splits_path("toy")
    path.parent.mkdir(parents=True)
    old = pa.table({"sample_id": ["a"], "row": [1]}).replace_schema_metadata({METADATA_KEY: '{"dataset": "toy"}'})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, old.schema) as writer:
        writer.write_table(old)
    message = r"splits\.arrow: .*column 'row' is unknown.*metadata n_folds: missing.*; delete it and run `dvc repro`"
    with pytest.raises(InputError, match=message):
        read_table(path)
    with pytest.raises(InputError, match=message):
        read_described(path, SplitsMetadata)


# ---------------------------------------------------------------- JSON documents
VALIDATION = Validation(dataset="toy", success=True, suites=())


@pytest.mark.parametrize(("path", "name"), [
    (evaluation_path("toy"), "evaluation"), (summary_path("toy"), "summary"), (validation_path("toy"), "validation"),
    (leaks_path("toy"), "leaks"), (gallery_path("toy"), "gallery"),
    (models_dir("toy", "knn") / "model.json", "model"), (kept_results_path("toy"), "results"), (comparison_path(), "version_comparison"),
    (accepted_path(), "accepted"), (bias_variance_path("toy", "knn"), "bias_variance"),
    (weights_document_path("toy", "svm"), "linear_weights"), (lesson_path("xor"), "lesson"),
])
def test_the_path_of_a_document_tells_its_schema(path: Path, name: str) -> None:
    found = document_schema_of(path)
    assert found is not None and found.name == name
    assert sum(schema.matches(path.as_posix()) for schema in document_schemas()) == 1
    assert document_schema_of(Path("/elsewhere") / path) == found


def test_a_json_file_of_another_path_has_none() -> None:
    assert document_schema_of(Path("data/check/toy.json")) is None


def test_every_document_is_found_and_says_what_its_keys_are() -> None:
    assert {schema.name for schema in document_schemas()} == {
        "evaluation", "summary", "validation", "leaks", "model", "results", "version_comparison", "accepted",
        "randomised", "gallery", "bias_variance", "linear_weights", "lesson",
    }  # fmt: skip
    for kind in (kind for schema in document_schemas() for kind in schema.kinds):
        assert kind.__doc__ and kind.model_config["extra"] == "forbid" and kind.model_config["frozen"]


def test_a_document_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_document(validation_path("toy"), VALIDATION)
    assert read_document(validation_path("toy"), Validation) == VALIDATION


@pytest.mark.parametrize("value", [{"success": True}, VALIDATION.model_dump() | {"colour": "red"}, [1]])
def test_what_is_not_as_the_document_has_it_is_not_written(value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"validation\.json: is not written: "):
        write_json(validation_path("toy"), value)
    with pytest.raises(ValueError, match="holds Validation, not NotApplicable"):
        write_document(validation_path("toy"), NotApplicable(dataset="toy", model="knn", not_applicable="no"))
    assert not validation_path("toy").exists()


@pytest.mark.parametrize(("text", "message"), [
    ('{"dataset": "toy", "success": "yes", "suites": []}', r"success: expected true or false, found 'yes'; delete it and run `dvc repro`"),
    ('{"dataset": "toy", "success": true}', "suites: missing; delete it and run `dvc repro`"),
    ('{"dataset": "toy", "success": true, "suites": [], "old": 1}', "old: unknown key"),
    ('{"dataset"', "not JSON"),
])
def test_a_document_of_another_version_is_refused_with_file_key_and_the_way_out(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = validation_path("toy")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"data/validation/toy/validation\.json: .*{message}"):
        read_document(path, Validation)


def test_a_missing_document_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"validation\.json: not found; run the stage that writes it"):
        read_document(validation_path("toy"), Validation)


def test_an_undefined_number_is_null() -> None:
    assert MeanScore(mean=float("nan"), lo=float("-inf"), hi=0.5).model_dump() == {"mean": None, "lo": None, "hi": 0.5}


# ---------------------------------------------------------------- files that contradict themselves or their path
CONTINUOUS = Toy(dataset="sizes", outputs=("length", "mass"), kind="regression", n_samples=60, skill={"knn": SKILL["knn"]})
TOYS = (Toy(n_samples=60, skill={model: SKILL[model] for model in ("constant", "knn")}), CONTINUOUS)
FEATURES = {
    "photo": (features_metadata("photo", shape=(2, 2)), {"vector": fixed_lists(np.zeros((2, 4), np.float32))}),
    "words": (features_metadata("words", encoding="sparse", shape=(9,)), {
        "indices": pa.array([[1], [2, 3]], pa.list_(pa.int32())), "values": pa.array([[1], [2, 3]], pa.list_(pa.float32())),
    }),
    "facts": (features_metadata("facts", encoding="table", shape=(2, 1)), {
        "numeric": fixed_lists(np.zeros((2, 2), np.float64)), "categorical": pa.array([["a"], [None]], pa.list_(pa.string(), 1)),
    }),
}  # fmt: skip
OF_KNN = predictions_dir("toy", "knn")
CONSTANT = controls_dir("toy") / "constant" / "predictions.arrow"
PREDICTIONS, SWEEP, SPLITS = OF_KNN / "predictions.arrow", OF_KNN / "sweep.arrow", splits_path("toy")
PHOTO, WORDS, FACTS = (features_path("toy", name) for name in FEATURES)
Table = tuple[pa.Table, dict[str, Any]]
Change = Callable[[pa.Table, dict[str, Any]], Table]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with sound files of two evaluated data sets, for all tests that only copy them."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_params(TOYS)
        for toy in TOYS:
            write_toy(toy)
            evaluate(toy.dataset)
        for name, (about, columns) in FEATURES.items():
            write_table(features_path("toy", name), pa.table({"sample_id": ["a", "b"], **columns}), about)
        write_table(quarantine_path("toy", "photo"), quarantine_table({}), QuarantineMetadata(dataset="toy", modality_name="photo"))
    return folder


@pytest.fixture
def copied(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a copy of that folder."""
    shutil.copytree(sound, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")


def renamed(old: str, new: str) -> Change:
    return lambda table, about: (table.rename_columns([new if name == old else name for name in table.column_names]), about)


def told(**changes: Any) -> Change:
    """Return a change of metadata; `target_form` is form in target."""
    def change(table: pa.Table, about: dict[str, Any]) -> Table:
        of_target = {name.removeprefix("target_"): value for name, value in changes.items() if name.startswith("target_")}
        rest = {name: value for name, value in changes.items() if not name.startswith("target_")}
        return table, about | rest | ({"target": about["target"] | of_target} if of_target else {})

    return change


def replaced(name: str, values: pa.Array | Callable[[pa.Table], pa.Array]) -> Change:
    def change(table: pa.Table, about: dict[str, Any]) -> Table:
        found = values(table) if callable(values) else values
        return table.set_column(table.column_names.index(name), name, found), about

    return change


def swapped(other: Path) -> Change:
    return lambda table, about: content(other)


def content(path: Path) -> Table:
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    return table, json.loads(table.schema.metadata[METADATA_KEY])


def forge(path: Path, table: pa.Table, about: Any) -> None:
    """Write a table past all checks."""
    described = table.replace_schema_metadata({METADATA_KEY: about if isinstance(about, str) else json.dumps(about)})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, described.schema) as writer:
        writer.write_table(described)


AS_IN_PATH = "expected '{}', as in the path, found '{}'"
TABLES: list[tuple[Path, Change, str]] = [
    (PREDICTIONS, swapped(CONSTANT), "metadata model: " + AS_IN_PATH.format("knn", "constant")),
    (PREDICTIONS, swapped(predictions_dir("sizes", "knn") / "predictions.arrow"), "metadata dataset: " + AS_IN_PATH.format("toy", "sizes")),
    (SPLITS, told(dataset="other"), "metadata dataset: " + AS_IN_PATH.format("toy", "other")),
    (samples_path("toy"), told(dataset="other"), "metadata dataset: " + AS_IN_PATH.format("toy", "other")),
    (skipped_path("toy"), told(dataset="other"), "metadata dataset: " + AS_IN_PATH.format("toy", "other")),
    (PHOTO, told(modality_name="words"), "metadata key: " + AS_IN_PATH.format("toy-photo", "toy-words")),
    (quarantine_path("toy", "photo"), told(modality_name="words"), "metadata key: " + AS_IN_PATH.format("toy-photo", "toy-words")),
    (PHOTO, told(encoding="foo"), "metadata encoding: expected 'dense', 'sparse' or 'table', found 'foo'"),
    (PHOTO, told(encoding="sparse"), "column 'indices' is missing; expected, as metadata encoding is sparse"),
    (PHOTO, renamed("vector", "pixels"), "column 'vector' is missing; expected, as metadata encoding is dense"),
    (PHOTO, told(shape=[2, 3]), r"column 'vector' has 4 values a row; expected 6, as metadata shape is \[2, 3\]"),
    (WORDS, renamed("values", "counts"), "column 'values' is missing; expected, as metadata encoding is sparse"),
    (FACTS, renamed("numeric", "n"), "column 'numeric' is missing; expected, as metadata encoding is table"),
    (FACTS, told(shape=[2, 2]), r"column 'categorical' has 1 values a row; expected 2, as metadata shape is \[2, 2\]"),
    (SPLITS, told(n_folds=7), "column 'inner' has 5 values a row; expected 7, as metadata n_folds is"),
    (SPLITS, told(n_repeats=2), "60 rows; expected 60 · 2, metadata rows.used times n_repeats"),
    (SPLITS, told(n_folds="5"), "metadata n_folds: expected a whole number, found '5'"),
    (SPLITS, told(target_form="foo"), "metadata target.form: expected 'classes', 'labels' or 'continuous', found 'foo'"),
    (SPLITS, told(target_form="labels"), r"column 'target' is int32; expected uint8\[\], as metadata target.form is labels"),
    (samples_path("sizes"), told(target_outputs=["a"]), "column 'target' has 2 values a row; expected 1, as there are in metadata"),
    (PREDICTIONS, replaced("prediction", lambda t: fixed_lists(np.zeros((len(t), 3), np.uint8))),
     r"column 'prediction' is uint8\[\]; expected int32, as metadata target.form is classes"),
    (PREDICTIONS, renamed("probabilities", "p"), "column 'p' is unknown"),
    (PREDICTIONS, lambda t, about: (t.drop_columns("probabilities"), about), "column 'probabilities' is missing; expected, as metadata"),
    (PREDICTIONS, replaced("probabilities", lambda t: fixed_lists(np.zeros((len(t), 2), np.float32))),
     "column 'probabilities' has 2 values a row; expected 3, as there are in metadata target.outputs"),
    (SWEEP, replaced("settings", lambda t: pa.array(["{'C': 1}"] * len(t))), "column 'settings': expected the JSON of a mapping, found "),
    (SWEEP, replaced("settings", lambda t: pa.array(["[1]"] * len(t))), r"column 'settings': expected .* mapping, found '\[1\]'"),
    (SPLITS, lambda table, about: (table, "{"), r"metadata not JSON \("),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "message"), TABLES, ids=[message for *_, message in TABLES])
def test_a_table_that_contradicts_itself_or_its_path_is_refused(path: Path, change: Change, message: str, copied: None) -> None:
    read_table(path)
    table, about = change(*content(path))
    forge(path, table, about)
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: .*{message}.*; delete it and run `dvc repro`$"):
        read_table(path)
    schema = schema_of(path)
    metadata, mistakes = checked(schema.metadata, json.dumps(about))
    if not mistakes:
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}: is not written: .*{message}"):
            write_table(path, table.replace_schema_metadata(None), metadata)


def test_a_metric_that_no_target_has_is_named_with_the_file(copied: None) -> None:
    for path in (CONSTANT, PREDICTIONS):
        forge(path, *told(scoring="foo")(*content(path)))
    with pytest.raises(InputError, match=r"data/predictions/toy: metadata scoring: 'foo' does not score classes; expected one of accuracy"):
        evaluate("toy")
    for name in ("foo", "rmse"):
        about = SplitsMetadata.model_validate(told(target_scoring=name)(*content(SPLITS))[1])
        with pytest.raises(InputError, match=rf"splits\.arrow: metadata target\.scoring: '{name}' cannot choose a configuration"):
            scoring_form(name, about)


EVALUATION, ALL = evaluation_path("toy"), "candidates"
DOCUMENTS: list[tuple[Path, Callable[[dict[str, Any]], Any], str]] = [
    (EVALUATION, lambda d: d.update(dataset="other"), "dataset: " + AS_IN_PATH.format("toy", "other")),
    (EVALUATION, lambda d: d[ALL][3].update(scores={}), r"metrics: 'accuracy' is not among candidates\.3\.scores: none"),
    (EVALUATION, lambda d: [found.update(scores={}) for found in d[ALL]], r"metrics: 'accuracy' is not among .*; and \d+ more"),
    (EVALUATION, lambda d: d["best"].update(model="svm"), r"best: 'svm on \S+, early' is not among candidates: constant on no"),
    (EVALUATION, lambda d: d["comparisons"][0]["a"].update(fusion="late"), r"comparisons\.0: '\w+ on \S+, late' is not among candidates: "),
    (EVALUATION, lambda d: d["comparisons"][0].update(metric="foo"), r"comparisons\.0\.metric: 'foo' is not among metrics: "),
    (EVALUATION, lambda d: d.update(baselines=["foo"]), "baselines: 'foo' is not among models: constant, knn"),
    (EVALUATION, lambda d: d[ALL][3].update(model="foo"), r"candidates\.3\.model: 'foo' is not among models: constant, knn"),
    (EVALUATION, lambda d: d[ALL][3].update(modalities=["foo"]), r"candidates\.3\.modalities: 'foo' is not among modalities: image"),
    (EVALUATION, lambda d: d.update(not_applicable={"foo": "why"}), "not_applicable: 'foo' is not among models: constant, knn"),
    (EVALUATION, lambda d: d[ALL][3]["confusion"].pop(), r"candidates\.3\.confusion: has 2 entries; expected 3, one for each of"),
    (EVALUATION, lambda d: d[ALL][3]["confusion"][1].pop(), r"candidates\.3\.confusion\.1: has 2 entries; expected 3"),
    (EVALUATION, lambda d: d["counts"].pop("apple"), "counts: is of bread, cheese; expected one for each of outputs: apple, bread, cheese"),
    (EVALUATION, lambda d: d[ALL][3]["scores"]["accuracy"].pop("mean"), r"candidates\.3\.scores\.accuracy\.mean: missing"),
    (EVALUATION, lambda d: d[ALL][3]["scores"].update(accuracy=3), r"candidates\.3\.scores\.accuracy: expected a mapping, found 3"),
    (EVALUATION, lambda d: d.update(n_folds=True), "n_folds: expected a whole number, found True"),
    (evaluation_path("sizes"), lambda d: d[ALL][0]["by_output"]["r2"].pop(),
     r"candidates\.0\.by_output\.r2: has 1 entries; expected 2, one for each of outputs"),
    (evaluation_path("sizes"), lambda d: d[ALL][0]["by_output"].update(foo=[1.0, 1.0]),
     r"candidates\.0\.by_output: 'foo' is not among metrics: "),
    (evaluation_path("sizes"), lambda d: d[ALL][0]["agreement"].pop("mass"), r"candidates\.0\.agreement: is of length; expected one"),
    (evaluation_path("sizes"), lambda d: d.update(n_bins=None), r"candidates\.0\.agreement: expected null, as ranges or n_bins is"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "message"), DOCUMENTS, ids=[message for *_, message in DOCUMENTS])
def test_an_evaluation_that_contradicts_itself_or_its_path_is_refused(
    path: Path, change: Callable[[dict[str, Any]], Any], message: str, copied: None
) -> None:
    read_document(path, Evaluation)
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: (.*; )?{message}.*; delete it and run `dvc repro`$"):
        read_document(path, Evaluation)
    with pytest.raises(ValueError, match=rf"is not written: (.*; )?{message}"):
        write_json(path, value)


def test_kept_results_of_another_data_set_are_refused_with_the_way_out(copied: None) -> None:
    path = kept_results_path("other")
    write_document(kept_results_path("toy"), read_document(EVALUATION, Evaluation).kept())
    kept_results_path("toy").rename(path)
    with pytest.raises(InputError, match=r"other\.json: dataset: .*, found 'toy'; write it again: `python -m stages\.report --keep="):
        read_document(path, Results)


def test_a_model_of_another_folder_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = models_dir("toy", "knn") / "model.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"dataset": "toy", "model": "svm", "not_applicable": "no"}), encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.json: model: expected 'knn', as in the path, found 'svm'; train the model again"):
        read_document(path, NotApplicable)


def test_a_validation_is_no_success_if_a_part_of_it_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed = {"suite": "samples", "success": False, "n_rows": 1, "expectations": []}
    with pytest.raises(ValueError, match="is not written: success: found true, expected false, as that of one of the suites"):
        write_json(validation_path("toy"), VALIDATION.model_dump() | {"suites": [failed]})
