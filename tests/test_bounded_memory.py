"""Tables larger than memory are worked on some rows at a time: what comes of it is the same, and what was read is given back."""

from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from toy_columns import MAKERS
from toy_samples import features_metadata, write_samples

from stages import featurize, validate
from stages.contracts.paths import features_path, samples_path
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.featurize import featurize_column
from stages.foundation.registry import component
from stages.foundation.tables import read_described, read_table, write_table, writing_chunks
from stages.validation.suites import Suite, modality_suite

MEGABYTES = 2**20


def plain(suite: Suite) -> dict[str, str]:
    return {name: f"{values.dtype} {values.tolist()}" for name, values in suite.frame.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_features_are_summarised_some_rows_at_a_time(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    column = MAKERS[name]().column
    samples = pa.table({"sample_id": [f"id-{i}" for i in range(len(column))], name: column})
    modality = component("modalities", name)
    features, metadata = featurize_column(samples, name, modality, modality.settings(), dataset="toy")
    with writing_chunks(features_path("toy", name), metadata) as append:
        append(features)
    features, metadata = read_described(features_path("toy", name), FeaturesMetadata)
    monkeypatch.setattr(validate, "CHUNK_BYTES", 2 * features.nbytes // len(features))
    pieces = list(validate.feature_chunks("toy", name))
    assert max(map(len, pieces)) <= 2
    assert plain(modality_suite(name, pieces, metadata, samples)) == plain(modality_suite(name, features, metadata, samples))


def test_an_empty_features_file_is_one_empty_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = pa.table({"sample_id": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32(), 1))})
    write_table(features_path("toy", "image"), table, features_metadata("image"))
    assert [len(piece) for piece in validate.feature_chunks("toy", "image")] == [0]


def test_what_was_read_of_a_large_file_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 80 MB of features read in pieces of 4 MB, no more than a few pieces are ever resident."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(validate, "CHUNK_BYTES", 4 * MEGABYTES)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(20 * MEGABYTES, np.float32)), MEGABYTES)
    table = pa.table({"sample_id": [f"id-{i}" for i in range(20)], "vector": vectors})
    write_table(features_path("toy", "image"), table, features_metadata("image", shape=(MEGABYTES,)))
    del table
    del vectors
    process, before, most, n_rows = psutil.Process(), 0, 0, 0
    for piece in validate.feature_chunks("toy", "image"):
        before = before or process.memory_info().rss
        n_rows += int(np.from_dlpack(piece["vector"].combine_chunks().flatten()).sum()) // MEGABYTES
        most = max(most, process.memory_info().rss)
    assert n_rows == 20
    assert most - before < 40 * MEGABYTES



def test_featurize_holds_on_to_no_part_of_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = pa.table({"sample_id": ["a", "b", "c"], "image": pa.array([MAKERS["image"]().column[0].as_py()] * 3)})
    write_samples(samples_path("toy"), samples, {})
    opened: list[pa.Table] = []

    def reopened() -> pa.Table:
        opened.append(read_table(samples_path("toy")))
        return opened[-1]

    modality = component("modalities", "image")
    found = list(featurize.featurized_chunks(samples, "image", modality, modality.settings(), {}, chunk_rows=1, reopened=reopened))
    assert len(opened) == 3
    addresses = {table["sample_id"].chunk(0).buffers()[2].address for table, _ in found}
    assert addresses.isdisjoint(table["sample_id"].chunk(0).buffers()[2].address for table in opened)
