"""Every file that passes between stages has a schema, which is checked when it is written and when it is read."""

from pathlib import Path

import pyarrow as pa
import pytest
from toy_samples import METADATA, write_samples

from stages.contracts.paths import features_path, predictions_dir, quarantine_path, samples_path, skipped_path, splits_path
from stages.contracts.table_schema import type_name
from stages.foundation.errors import InputError
from stages.foundation.schemas import schema_of, schemas
from stages.foundation.tables import METADATA_KEY, read_table, write_table, writing_chunks

SAMPLES = pa.table({"sample_id": ["a", "b"], "words": ["x", "y"]})


@pytest.mark.parametrize(("path", "name"), [
    (samples_path("toy"), "samples"), (splits_path("toy"), "splits"), (skipped_path("toy"), "skipped"),
    (quarantine_path("toy"), "quarantine"),
    (quarantine_path("toy", "text"), "quarantine"), (features_path("toy", "text"), "features"),
    *((predictions_dir("toy", "knn") / f"{name}.arrow", name) for name in ("predictions", "sweep", "curves", "out_of_fold")),
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
    (SAMPLES, {"rows": {"used": 2}}, "metadata rows.available: Field required"),
    (SAMPLES, {"colour": "red"}, "metadata colour: Extra inputs are not permitted"),
])
def test_what_is_not_as_the_schema_has_it_is_not_written(
    table: pa.Table, metadata: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "sample_id" not in table.column_names:
        table = table.append_column("target", pa.array([0, 1], pa.int32()))
        with pytest.raises(ValueError, match=message):
            write_table(samples_path("toy"), table, METADATA)
        return
    with pytest.raises(ValueError, match=message):
        write_samples(samples_path("toy"), table, metadata)
    assert not samples_path("toy").exists()


def test_pieces_are_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="column 'group' is missing"), writing_chunks(samples_path("toy"), METADATA) as append:
        append(SAMPLES)
    assert not samples_path("toy").exists()


def test_a_file_of_another_version_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = splits_path("toy")
    path.parent.mkdir(parents=True)
    old = pa.table({"sample_id": ["a"], "row": [1]}).replace_schema_metadata({METADATA_KEY: '{"dataset": "toy"}'})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, old.schema) as writer:
        writer.write_table(old)
    with pytest.raises(InputError, match=r"does not match its schema: .*column 'row' is unknown.*; delete it and run `dvc repro`"):
        read_table(path)
