"""A column that is made from the target is named, by validation and on its page; columns that only help are not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from test_validate import splits_metadata

from stages.contracts.table_schema import Target
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.featurize import featurize_column
from stages.foundation.registry import component
from stages.foundation.tables import target_array
from stages.ingest import target_metadata
from stages.split import split_samples
from stages.splitting.split_settings import SplitEntry
from stages.validation.telling_columns import KnownRows, known_rows, telling_columns

N = 300
RANDOM = np.random.default_rng(4)
DELAY = RANDOM.gamma(2.0, 9.0, N)
NOISE = RANDOM.normal(size=N)
TAGS = RANDOM.random((N, 3)) < 0.4


def examined(features: dict[str, pa.Array | list], target: np.ndarray, task: str, outputs: list[str]) -> tuple[list[str], KnownRows]:
    """Return the notes on a table's columns."""
    described = Target.model_validate(target_metadata("kind", component("tasks", task), outputs))
    names = list(features)
    column = pa.StructArray.from_arrays([pa.array(features[name]) for name in names], names=names)
    samples = pa.table({"sample_id": [f"{i:04d}" for i in range(N)], "group": [f"g{i // 2}" for i in range(N)],
                        "target": target_array(target), "facts": column})  # fmt: skip
    splits = split_samples(samples, SplitEntry(n_splits=3, n_inner_splits=3), described.form, outputs, 5)
    table, metadata = featurize_column(samples, "facts", (modality := component("modalities", "table")), modality.settings(), dataset="toy")
    assert splits_metadata(splits, samples, described).n_folds == 3
    known = known_rows(splits, described)
    return list(telling_columns("facts", [table.slice(0, 100), table.slice(100)], metadata, known)), known


LATE = (DELAY > 15).astype(np.int32)
BINS = np.digitize(DELAY, [8, 15, 30]).astype(np.int32)
BINARY = ("binary", ["no", "yes"])
GAPS = [None if i % 60 == 7 else value for i, value in enumerate(DELAY.tolist())]
MADE: dict[str, tuple[list, np.ndarray, tuple[str, list[str]], str]] = {
    "threshold": (DELAY.tolist(), LATE, BINARY, "alone tells the target: it explains "),
    "with gaps": (GAPS, LATE, BINARY, "the most frequent class leaves open"),
    "category": ([f"code {value}" for value in LATE.tolist()], LATE, BINARY, "the most frequent class leaves open"),
    "classes in bins": (DELAY.tolist(), BINS, ("multiclass", list("abcd")), "alone tells the target"),
    "other units": ((3 * DELAY + 7).tolist(), DELAY[:, None], ("regression", ["minutes"]), "of what the mean leaves open"),
    "one of the labels": (TAGS[:, 1].tolist(), TAGS.astype(np.uint8), ("multilabel", ["x", "y", "z"]), "alone tells 'y'"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_column_that_is_made_from_the_target_is_named(name: str) -> None:
    column, target, (task, outputs), words = MADE[name]
    notes, _ = examined({"made": column, "noise": NOISE.tolist()}, target, task, outputs)
    assert len(notes) == 1 and notes[0].startswith("facts: column 'made' alone tells ") and words in notes[0]


@pytest.mark.parametrize(("task", "target", "outputs"), [
    ("binary", LATE, ["no", "yes"]), ("regression", DELAY[:, None], ["minutes"]), ("multilabel", TAGS.astype(np.uint8), ["x", "y", "z"]),
])  # fmt: skip
def test_columns_that_only_help_are_not_named(task: str, target: np.ndarray, outputs: list[str]) -> None:
    features = {
        "noisy": (DELAY + 12 * NOISE).tolist(), "name": [f"row {i}" for i in range(N)], "number": list(range(N)), "constant": [1] * N,
        "empty": pa.array([None] * N, pa.float64()), "colour": [("red", "blue")[i % 2] for i in range(N)],
    }  # fmt: skip
    assert examined(features, target, task, outputs)[0] == []


def test_no_test_row_is_read() -> None:
    """The column tells the target of the first fold's test rows alone, and of no other."""
    _, known = examined({"a": NOISE.tolist()}, LATE, "binary", ["no", "yes"])
    training = np.isin(np.arange(N), [int(sample) for sample in known.ids.to_pylist()])
    assert 0 < training.sum() < N
    honest = examined({"a": np.where(training, NOISE, LATE * 100.0).tolist()}, LATE, "binary", ["no", "yes"])[0]
    assert honest == []


def test_other_encodings_have_no_columns() -> None:
    metadata = FeaturesMetadata(
        dataset="toy", modality_name="photo", modality="image", settings={}, encoding="dense", shape=(4,), names=(), fit={})  # fmt: skip
    known = KnownRows(pa.array(["0"]), {"kind": np.zeros(1, np.int32)}, np.zeros(1, bool), continuous=False)
    assert list(telling_columns("photo", [], metadata, known)) == []


def test_the_page_shows_the_notes(tmp_path: Path) -> None:
    from stages.contracts.documents.validation_document import Validation
    from stages.validation.validation_page import validation_page

    page = validation_page(Validation(dataset="toy", success=True, suites=(), notes=("facts: column '<b>' alone tells the target",)))
    assert "Note: facts: column &#39;&lt;b&gt;&#39; alone tells the target" in page
