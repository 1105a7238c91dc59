"""Files between stages: whole or not there, the same bytes for the same content, metadata kept, clear errors."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic_core import PydanticSerializationError

from stages.contracts.table_schema import Metadata, Rows
from stages.foundation.errors import InputError
from stages.foundation.tables import column_values, fixed_lists, read_described, read_json, read_table, replacing, write_json, write_table


def toy(n: int = 3) -> pa.Table:
    """Return n rows: an id, a vector, a sparse row, a picture; the picture's field says which modality it is."""
    vectors = np.arange(4 * n, dtype=np.float32).reshape(n, 4)
    table = pa.table({
        "sample_id": pa.array([f"s{i}" for i in range(n)], pa.string()),
        "vector": fixed_lists(vectors),
        "indices": pa.array([list(range(i)) for i in range(n)], pa.list_(pa.int32())),
        "picture": pa.array([b"\x89PNG"] * n, pa.binary()),
    })  # fmt: skip
    return table.set_column(3, pa.field("picture", pa.binary(), metadata={"modality": "image"}), table["picture"])


class Described(Metadata):
    dataset: str
    classes: tuple[str, ...] = ()
    rows: Rows | None = None


class Counted(Metadata):
    x: Any
    y: tuple[int, ...]


def test_a_table_comes_back_with_its_metadata(tmp_path: Path) -> None:
    metadata = Described(dataset="toy", classes=("ä", "b"), rows=Rows(used=2, available=3))
    write_table(tmp_path / "new" / "folder" / "t.arrow", toy(), metadata)
    table, found = read_described(tmp_path / "new" / "folder" / "t.arrow", Described)
    assert found == metadata
    assert table.equals(toy())
    assert table.schema.field("picture").metadata == {b"modality": b"image"}


def test_the_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    whole = toy(6)
    chunked = pa.concat_tables([whole.slice(0, 2), whole.slice(2, 1), whole.slice(3)])
    write_table(tmp_path / "a.arrow", whole, Counted(x=1, y=(2,)))
    write_table(tmp_path / "b.arrow", chunked, Counted(y=(2,), x=1))
    foreign = whole.replace_schema_metadata({"pandas": "{}"})
    write_table(tmp_path / "c.arrow", foreign, Counted(x=1, y=(2,)))
    assert (tmp_path / "a.arrow").read_bytes() == (tmp_path / "b.arrow").read_bytes() == (tmp_path / "c.arrow").read_bytes()


def test_a_table_is_one_record_batch_without_compression(tmp_path: Path) -> None:
    whole = toy(6)
    write_table(tmp_path / "t.arrow", pa.concat_tables([whole.slice(0, 2), whole.slice(2)]), Metadata())
    with pa.ipc.open_file(tmp_path / "t.arrow") as reader:
        assert reader.num_record_batches == 1
    assert np.arange(24, dtype=np.float32).tobytes() in (tmp_path / "t.arrow").read_bytes()


def test_an_empty_table_comes_back(tmp_path: Path) -> None:
    write_table(tmp_path / "t.arrow", toy(0), Metadata())
    table = read_table(tmp_path / "t.arrow")
    assert table.num_rows == 0
    assert column_values(table["vector"]).shape == (0, 4)


def test_a_slice_is_written_without_the_rest(tmp_path: Path) -> None:
    write_table(tmp_path / "t.arrow", toy(5).slice(1, 2), Metadata())
    table = read_table(tmp_path / "t.arrow")
    assert table["sample_id"].to_pylist() == ["s1", "s2"]
    assert column_values(table["vector"]).tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]


def test_values_are_views_of_the_file(tmp_path: Path) -> None:
    write_table(tmp_path / "t.arrow", toy(1000), Metadata())
    before = pa.total_allocated_bytes()
    table = read_table(tmp_path / "t.arrow")
    values = column_values(table["vector"])
    assert values.dtype == np.float32 and values.shape == (1000, 4)
    assert pa.total_allocated_bytes() - before < values.nbytes
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.int64, np.uint8])
def test_rows_become_fixed_lists_and_come_back(dtype: type) -> None:
    values = np.arange(12).reshape(4, 3).astype(dtype)
    assert np.array_equal(column_values(fixed_lists(values)), values)
    assert np.array_equal(column_values(fixed_lists(values[:, ::-1])), values[:, ::-1])
    assert np.array_equal(column_values(fixed_lists(values).slice(1, 2)), values[1:3])


def test_the_same_bytes_for_the_same_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    write_json(tmp_path / "b.json", {"a": "ü", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json") == {"a": "ü", "b": 1}


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(RuntimeError, match="power cut"), replacing(path) as temporary:
        temporary.write_text("half a fi")
        raise RuntimeError("power cut")
    assert read_json(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_table_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PydanticSerializationError, match="Unable to serialize"):
        write_table(tmp_path / "t.arrow", toy(), Counted(x=object(), y=()))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, "old")
    with replacing(path) as temporary:
        temporary.write_text('"new"')
        assert temporary.parent == path.parent  # a rename is atomic within a file system only
        assert read_json(path) == "old"
    assert read_json(path) == "new"


def test_a_hard_link_keeps_its_content(tmp_path: Path) -> None:
    # DVC may link a workspace file to its cache: writing must never go through the link
    write_json(tmp_path / "cached.json", "old")
    os.link(tmp_path / "cached.json", tmp_path / "a.json")
    write_json(tmp_path / "a.json", "new")
    assert read_json(tmp_path / "cached.json") == "old"


def test_missing_files_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.arrow: not found; run the stage that writes it \(`dvc repro`\)"):
        read_table(tmp_path / "t.arrow")
    with pytest.raises(InputError, match=r"a\.json: not found; run the stage that writes it \(`dvc repro`\)"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not arrow", b"ARROW1\x00\x00" + b"\x00" * 50])
def test_what_is_not_arrow(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.arrow").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.arrow: not an Arrow IPC file, or damaged \(.*\); delete it and run `dvc repro`"):
        read_table(tmp_path / "t.arrow")


def test_a_truncated_table(tmp_path: Path) -> None:
    write_table(tmp_path / "t.arrow", toy(), Metadata())
    content = (tmp_path / "t.arrow").read_bytes()
    (tmp_path / "t.arrow").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"t\.arrow: not an Arrow IPC file"):
        read_table(tmp_path / "t.arrow")


def test_a_table_of_somebody_else(tmp_path: Path) -> None:
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, toy().schema) as writer:
        writer.write_table(toy())
    with pytest.raises(InputError, match=r"t\.arrow: has no 'sensorium' metadata, so no stage wrote it"):
        read_table(tmp_path / "t.arrow")


def test_broken_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json: not JSON .*; delete it and run `dvc repro`"):
        read_json(tmp_path / "a.json")


def test_metadata_is_json_in_the_schema(tmp_path: Path) -> None:
    write_table(tmp_path / "t.arrow", toy(), Described(dataset="toy"))
    with pa.ipc.open_file(tmp_path / "t.arrow") as reader:
        assert json.loads(reader.schema.metadata[b"sensorium"]) == {"dataset": "toy"}
