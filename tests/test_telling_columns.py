"""A column that is made from the target is found, and shown on the page of validation; columns that only help are not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.leak_free import ToyData, examined
from stages.contracts.detector import Suspicion
from stages.leaks.telling_columns import DETECTOR

N = 300
RANDOM = np.random.default_rng(4)
DELAY = RANDOM.gamma(2.0, 9.0, N)
NOISE = RANDOM.normal(size=N)
TAGS = RANDOM.random((N, 3)) < 0.4


def data_of(features: dict[str, pa.Array | list], target: np.ndarray, task: str, outputs: list[str]) -> ToyData:
    names = list(features)
    column = pa.StructArray.from_arrays([pa.array(features[name]) for name in names], names=names)
    return ToyData({"table": column}, target, outputs, task, [f"{i:04d}" for i in range(N)], [f"g{i // 2}" for i in range(N)])


def told(features: dict[str, pa.Array | list], target: np.ndarray, task: str, outputs: list[str]) -> list[Suspicion]:
    """Return the columns of a table that alone tell the target."""
    return list(DETECTOR.detect(examined(data_of(features, target, task, outputs))))


LATE = (DELAY > 15).astype(np.int32)
BINS = np.digitize(DELAY, [8, 15, 30]).astype(np.int32)
BINARY = ("binary", ["no", "yes"])
GAPS = [None if i % 60 == 7 else value for i, value in enumerate(DELAY.tolist())]
COUPLES = [f"code {2 * value + i % 2}" for i, value in enumerate(LATE.tolist())]
MADE: dict[str, tuple[list, np.ndarray, tuple[str, list[str]], str]] = {
    "threshold": (DELAY.tolist(), LATE, BINARY, "alone tells the target: on held-out training rows it explains "),
    "with gaps": (GAPS, LATE, BINARY, "the most frequent class leaves open"),
    "categories": (COUPLES, LATE, BINARY, "the most frequent class leaves open"),
    "classes in bins": (DELAY.tolist(), BINS, ("multiclass", list("abcd")), "alone tells the target"),
    "nearly in other units": ((3 * DELAY + 2 * NOISE).tolist(), DELAY[:, None], ("regression", ["minutes"]), "what the mean leaves open"),
    "one of the labels": ((TAGS[:, 1] + NOISE.clip(-1, 1) / 3).tolist(), TAGS.astype(np.uint8), ("multilabel", list("xyz")), "tells 'y'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_column_that_is_made_from_the_target_is_found(name: str) -> None:
    column, target, (task, outputs), words = MADE[name]
    (suspicion,) = told({"made": column, "noise": NOISE.tolist()}, target, task, outputs)
    assert suspicion.code == "telling-column" and suspicion.subject == "table.made"
    assert suspicion.text.startswith("column 'made' alone tells ") and words in suspicion.text
    assert suspicion.evidence["explained"] >= 0.95


@pytest.mark.parametrize(("task", "target", "outputs"), [
    ("binary", LATE, ["no", "yes"]), ("regression", DELAY[:, None], ["minutes"]), ("multilabel", TAGS.astype(np.uint8), ["x", "y", "z"]),
])  # fmt: skip
def test_columns_that_only_help_are_not_found(task: str, target: np.ndarray, outputs: list[str]) -> None:
    features = {
        "noisy": (DELAY + 12 * NOISE).tolist(), "name": [f"row {i}" for i in range(N)], "number": list(range(N)), "constant": [1] * N,
        "empty": pa.array([None] * N, pa.float64()), "colour": [("red", "blue")[i % 2] for i in range(N)],
    }  # fmt: skip
    assert told(features, target, task, outputs) == []


def test_a_copy_of_the_target_is_another_detectors() -> None:
    assert told({"made": [f"code {value}" for value in LATE.tolist()]}, LATE, *BINARY) == []


def test_no_test_row_is_read() -> None:
    """The column tells the target of the first fold's test rows alone, and of no other."""
    training = examined(data_of({"a": NOISE.tolist()}, LATE, *BINARY)).inner >= 0
    assert 0 < training.sum() < N
    assert told({"a": np.where(training, NOISE, LATE * 100.0).tolist()}, LATE, *BINARY) == []


def test_the_page_shows_the_findings(tmp_path: Path) -> None:
    from stages.contracts.documents.leaks_document import Finding, Leaks
    from stages.contracts.documents.validation_document import Validation
    from stages.validation.validation_page import validation_page

    finding = Finding(code="telling-column", severity="high", level="warn", subject="facts.<b>", n_samples=1,
                      text="column '<b>' alone tells the target", samples=("<i>",),
                      evidence={"explained": 0.98765}, remedy="without: [<b>]", documentation="docs/leaks.md")
    leaks = Leaks(dataset="toy", examined=True, success=True, open=("telling-column",), findings=(finding,), suite=None)
    page = validation_page(Validation(dataset="toy", success=True, suites=()), leaks)
    for shown in ("column &#39;&lt;b&gt;&#39; alone tells the target", "without: [&lt;b&gt;]", "explained: 0.9877", "severity high, warn"):
        assert shown in page
    assert "<b>" not in page and "<i>" not in page
