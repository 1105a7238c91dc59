"""Ingest: sampling of rows, encoding of classes, errors, and the whole stage on a toy data set fetched by pip."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import write_wheel

from stages.contracts.paths import samples_path
from stages.contracts.table_schema import Rows, Target
from stages.contracts.tables.samples_table import DataSetDescription, SamplesMetadata
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import read_described
from stages.ingest import IndexedDataSet, check_index
from stages.ingestion.row_sampling import proportional_quotas, sample_rows

MULTICLASS = component("tasks", "multiclass")


def samples(targets: Sequence[str | None], groups: Sequence[str] | None = None, ids: Sequence[str] | None = None) -> pa.Table:
    n = len(targets)
    return pa.table(
        {
            "sample_id": pa.array(ids or [f"{row:04d}" for row in range(n)], pa.string()),
            "group": pa.array(groups or [f"g{row % 7}" for row in range(n)], pa.string()),
            "target": pa.array(targets, pa.string()),
        }
    )


# ---------------------------------------------------------------- seeds
def test_each_purpose_has_a_seed_of_its_own() -> None:
    assert derived_seed(1, "split", "emoji") == derived_seed(1, "split", "emoji")
    seeds = {derived_seed(seed, *words) for seed in (-1, 0, 1, 10**12) for words in ((), ("a",), ("a", "b"), ("b", "a"), ("ab",))}
    assert len(seeds) == 20 and all(0 <= seed < 2**32 for seed in seeds)


# ---------------------------------------------------------------- rows
@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.integers(2, 60), min_size=2, max_size=6), st.floats(0.2, 1.0), st.integers(0, 2**32 - 1))
def test_a_sample_is_in_proportion_repeatable_and_in_order(counts: list[int], share: float, seed: int) -> None:
    table = samples([f"c{label}" for label, count in enumerate(counts) for _ in range(count)])
    rows = max(int(share * table.num_rows), 2)
    if proportional_quotas(np.array(counts), rows).min() < 2:
        with pytest.raises(InputError, match="too few: class 'c"):
            sample_rows(table, rows, seed, task=MULTICLASS, key="k")
        return
    taken = sample_rows(table, rows, seed, task=MULTICLASS, key="k")
    ids = taken["sample_id"].to_pylist()
    assert len(ids) == rows and ids == sorted(set(ids))
    found = Counter(taken["target"].to_pylist())
    for label, count in enumerate(counts):
        assert abs(found[f"c{label}"] - count * rows / sum(counts)) < 1
    assert taken.equals(sample_rows(table, rows, seed, task=MULTICLASS, key="k"))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.lists(st.integers(1, 40), min_size=3, max_size=20), st.integers(0, 2**32 - 1))
def test_groups_keep_their_share_of_a_class(sizes: list[int], seed: int) -> None:
    groups = [f"g{group}" for group, size in enumerate(sizes) for _ in range(size)]
    table = samples(["a", "b"] * len(groups), [name for name in groups for _ in range(2)])
    rows = len(groups)  # half of them
    taken = sample_rows(table, max(rows, 4), seed, task=MULTICLASS, key="k")
    for label in ("a", "b"):
        found = Counter(row["group"] for row in taken.to_pylist() if row["target"] == label)
        quota = sum(found.values())
        assert all(abs(found[f"g{group}"] - quota * size / len(groups)) <= 1 for group, size in enumerate(sizes))


def test_another_seed_takes_other_rows_and_all_takes_all() -> None:
    table = samples(["a", "b"] * 50)
    assert not sample_rows(table, 20, 1, task=MULTICLASS, key="k").equals(sample_rows(table, 20, 2, task=MULTICLASS, key="k"))
    for rows in ("all", 100):
        assert sample_rows(table, rows, 1, task=MULTICLASS, key="k").equals(table)


def test_impossible_numbers_of_rows_are_named() -> None:
    table = samples(["a"] * 90 + ["rare"] * 10)
    with pytest.raises(InputError, match=r"params\.yaml: datasets\.toy\.rows: 101 is impossible, the data set has 100 rows"):
        sample_rows(table, 101, 1, task=MULTICLASS, key="datasets.toy.rows")
    with pytest.raises(InputError, match=r"datasets\.toy\.rows: 10 rows are too few: class 'rare' \(10 of 100 rows\) would be left with 1"):
        sample_rows(table, 10, 1, task=MULTICLASS, key="datasets.toy.rows")


def test_an_official_split_keeps_its_parts_in_proportion() -> None:
    table = samples(["a", "b"] * 50).append_column("split", pa.array((["train"] * 4 + ["test"]) * 20))
    taken = sample_rows(table, 50, 3, task=component("tasks", "binary"), key="k")
    assert Counter(taken["split"].to_pylist()) == {"train": 40, "test": 10}


def test_continuous_targets_and_labels_are_sampled_in_proportion_to_groups() -> None:
    table = samples(["a"] * 70)
    for task in ("regression", "multilabel"):
        taken = sample_rows(table, 35, 3, task=component("tasks", task), key="k")
        assert set(Counter(taken["group"].to_pylist()).values()) == {5}


# ---------------------------------------------------------------- what is refused
NOT_STATED = DataSetDescription(title="", licence="", citation="", group="", shipped=False, sources=())


def found(table: pa.Table) -> IndexedDataSet:
    return IndexedDataSet(table, MULTICLASS, NOT_STATED, "fix it", lambda piece, reasons: piece)


def test_repeated_ids_are_named() -> None:
    with pytest.raises(InputError, match="sample_id 'x' occurs more than once"):
        check_index(found(samples(["a", "a", "b", "b"], ids=["x", "y", "x", "z"])), {})


def test_an_empty_data_set_is_named() -> None:
    with pytest.raises(InputError, match="there is no sample; fix it"):
        check_index(found(samples([])), {})


def test_a_sample_without_target_is_a_bad_sample() -> None:
    reasons: dict[str, str] = {}
    kept = check_index(found(samples(["a", None, "b", "b"])), reasons)
    assert kept["sample_id"].to_pylist() == ["0000", "0002", "0003"] and reasons == {"0001": "the target is missing"}


# ---------------------------------------------------------------- the stage
DATA_SET = '''
import pyarrow as pa
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.readers.archive import read_member
from stages.collections.assemble_samples import samples_table

class Options(Settings):
    shout: bool = False

def read(archives, target, options, seed):
    words = read_member(archives["sensorium-toy"], "toy/words.txt").decode().split()
    text = [word.upper() if options.shout else word for word in words]
    rows = range(len(words))
    return samples_table([f"{{row:03d}}" for row in rows], [f"g{{row % 9}}" for row in rows], words, {{"text": ("text", pa.array(text))}})

DATA_SET = DataSet(name="toy", title="Toy", sources=(Source("sensorium-toy", "1.0", "{filename}", "{sha256}"),), licence="CC0",
                   citation="none", n_samples=40, modalities={{"text": "text"}}, targets={{"word": "multiclass"}}, group="remainder",
                   read=read, options=Options)
'''
FILENAME = "sensorium_toy-1.0-py3-none-any.whl"


@pytest.fixture
def toy(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace with one data set of 40 words, which pip finds in a folder."""
    info = "sensorium_toy-1.0.dist-info"
    members = {
        "toy/words.txt": b"left right " * 20,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: sensorium-toy\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    wheel = write_wheel(tmp_path / FILENAME, members)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (workspace / "stages" / "datasets" / "toy.py").write_text(DATA_SET.format(filename=FILENAME, sha256=sha256))
    for name, value in {"SENSORIUM_CACHE": tmp_path / "cache", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return workspace


def ingest(toy: Path, entry: str) -> subprocess.CompletedProcess[str]:
    (toy / "params.yaml").write_text(f"seed: 1\ndatasets:\n  toy: {entry}\n")
    command = [sys.executable, "-m", "stages.ingest", "toy"]
    return subprocess.run(command, cwd=toy, env={**os.environ}, capture_output=True, text=True, check=False)


def test_the_stage_writes_samples_with_their_provenance_the_same_each_time(toy: Path) -> None:
    entry = "{rows: 20, target: word, modalities: [text], options: {shout: true}}"
    result = ingest(toy, entry)
    assert result.returncode == 0, result.stderr
    first = (toy / samples_path("toy")).read_bytes()
    table, about = read_described(toy / samples_path("toy"), SamplesMetadata)
    assert about.target == Target(name="word", task="binary", form="classes", scoring="accuracy", outputs=("left", "right"))
    assert about.rows == Rows(used=20, available=40)
    assert about.sources[0]["package"] == "sensorium-toy" and about.sources[0]["version"] == "1.0"
    assert table.schema.field("text").metadata == {b"modality": b"text"}
    assert set(table["text"].to_pylist()) == {"LEFT", "RIGHT"}
    assert ingest(toy, entry).returncode == 0
    assert (toy / samples_path("toy")).read_bytes() == first
    assert str(toy).encode() not in first


def test_a_mistake_is_one_line_and_no_file(toy: Path) -> None:
    for entry, message in (
        ("{rows: all, target: word, modalities: [text], options: {loud: 1}}", "datasets.toy.options.loud: unknown key"),
        ("{rows: 3, target: word, modalities: [text]}", "datasets.toy.rows: 3 rows are too few"),
        ("{rows: all, target: wort, modalities: [text]}", "datasets.toy.target: no target 'wort' (did you mean 'word'?); there are: word"),
    ):
        result = ingest(toy, entry)
        assert result.returncode == 1 and message in result.stderr and "Traceback" not in result.stderr
        assert not (toy / samples_path("toy")).exists()
