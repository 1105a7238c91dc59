"""Every file that passes between stages has a schema, which is checked when it is written and when it is read."""

from pathlib import Path

import pyarrow as pa
import pytest
from toy_samples import METADATA, write_samples

from stages.contracts.documents.model_document import NotApplicable
from stages.contracts.documents.results_document import MeanScore
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import (
    evaluation_path,
    features_path,
    kept_results_path,
    models_dir,
    predictions_dir,
    quarantine_path,
    samples_path,
    skipped_path,
    splits_path,
    summary_path,
    validation_path,
)
from stages.contracts.table_schema import type_name
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.schemas import document_schema_of, document_schemas, schema_of, schemas
from stages.foundation.tables import METADATA_KEY, read_described, read_table, write_json, write_table, writing_chunks

ABOUT = SamplesMetadata.model_validate(METADATA)
SAMPLES = pa.table({"sample_id": ["a", "b"], "words": ["x", "y"]})


@pytest.mark.parametrize(("path", "name"), [
    (samples_path("toy"), "samples"), (splits_path("toy"), "splits"), (skipped_path("toy"), "skipped"),
    (quarantine_path("toy"), "quarantine"),
    (quarantine_path("toy", "text"), "quarantine"), (features_path("toy", "text"), "features"),
    *((predictions_dir("toy", "knn") / f"{name}.arrow", name) for name in ("predictions", "sweep", "curves", "notes", "out_of_fold")),
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
    message = r"does not match its schema: .*column 'row' is unknown.*metadata n_folds: Field required.*; delete it and run `dvc repro`"
    with pytest.raises(InputError, match=message):
        read_table(path)
    with pytest.raises(InputError, match=message):
        read_described(path, SplitsMetadata)


# ---------------------------------------------------------------- JSON documents
VALIDATION = Validation(dataset="toy", success=True, suites=())


@pytest.mark.parametrize(("path", "name"), [
    (evaluation_path("toy"), "evaluation"), (summary_path("toy"), "summary"), (validation_path("toy"), "validation"),
    (models_dir("toy", "knn") / "model.json", "model"), (kept_results_path("toy"), "results"),
])
def test_the_path_of_a_document_tells_its_schema(path: Path, name: str) -> None:
    found = document_schema_of(path)
    assert found is not None and found.name == name
    assert sum(schema.matches(path.as_posix()) for schema in document_schemas()) == 1
    assert document_schema_of(Path("/elsewhere") / path) == found


def test_a_json_file_of_another_path_has_none() -> None:
    assert document_schema_of(Path("data/check/toy.json")) is None


def test_every_document_is_found_and_says_what_its_keys_are() -> None:
    assert {schema.name for schema in document_schemas()} == {"evaluation", "summary", "validation", "model", "results"}
    for kind in (kind for schema in document_schemas() for kind in schema.kinds):
        assert kind.__doc__ and kind.model_config["extra"] == "forbid" and kind.model_config["frozen"]


def test_a_document_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_document(validation_path("toy"), VALIDATION)
    assert read_document(validation_path("toy"), Validation) == VALIDATION


@pytest.mark.parametrize("value", [{"success": True}, VALIDATION.model_dump() | {"colour": "red"}, [1]])
def test_what_is_not_as_the_document_has_it_is_not_written(value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"validation\.json: not as its schema has it: "):
        write_json(validation_path("toy"), value)
    with pytest.raises(ValueError, match="holds Validation, not NotApplicable"):
        write_document(validation_path("toy"), NotApplicable(dataset="toy", model="knn", not_applicable="no"))
    assert not validation_path("toy").exists()


@pytest.mark.parametrize(("text", "message"), [
    ('{"dataset": "toy", "success": "yes", "suites": []}', r"success: Input should be a valid boolean; delete it and run `dvc repro`"),
    ('{"dataset": "toy", "success": true}', r"suites: Field required"),
    ('{"dataset": "toy", "success": true, "suites": [], "old": 1}', r"old: Extra inputs are not permitted"),
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
