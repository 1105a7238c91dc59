"""Classes and labels of few samples: refused by default, left out or merged where that is declared, and said so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_entries import Entry, ingested

from stages.foundation.errors import InputError
from stages.foundation.tables import column_values

KINDS = ["a"] * 10 + ["b"] * 8 + ["c"] * 3 + ["d"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(cells: list[str], task: str, **more: Any) -> Entry:
    Path("t.csv").write_text("y,x\n" + "".join(f"{cell},{i / 7:.3f}\n" for i, cell in enumerate(cells)), encoding="utf-8")
    return {"source": {"table": "t.csv"}, "target": {"column": "y", "task": task}, **more,
            "modalities": {"facts": {"modality": "table", "columns": ["x"]}}}  # fmt: skip


@pytest.mark.parametrize(("policy", "below", "outputs", "counts", "said"), [
    ("drop", 2, ["a", "b", "c"], [10, 8, 3], "mine: 1 class of fewer than 2 samples left out: 'd' (1 sample)"),
    ("drop", 5, ["a", "b"], [10, 8], "mine: 2 classes of fewer than 5 samples left out: 'c', 'd' (4 samples)"),
    ("merge", 5, ["a", "b", "other"], [10, 8, 4], "mine: 2 classes of fewer than 5 samples merged into 'other': 'c', 'd' (4 samples)"),
])  # fmt: skip
def test_rare_classes_are_left_out_or_merged(
    policy: str, below: int, outputs: list[str], counts: list[int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, about = ingested(entry_of(KINDS, "multiclass", rare_classes=policy, rare_below=below))
    assert about["target"]["outputs"] == outputs and said in capsys.readouterr().out
    assert np.bincount(column_values(samples["target"])).tolist() == counts
    assert about["rows"] == {"used": sum(counts), "available": len(KINDS)}


def test_by_default_a_rare_class_is_refused_with_what_helps() -> None:
    with pytest.raises(InputError, match=r"class 'd' has one sample .*`rare_classes: merge` or `drop` does"):
        ingested(entry_of(KINDS, "multiclass"))
    with pytest.raises(InputError, match="class 'other' has one sample"):
        ingested(entry_of(KINDS, "multiclass", rare_classes="merge"))


@pytest.mark.parametrize(("policy", "outputs", "n_last"), [("drop", ["x", "y"], 0), ("merge", ["other", "x", "y"], 3)])
def test_rare_labels_leave_their_samples(policy: str, outputs: list[str], n_last: int) -> None:
    cells = ["x;y"] * 9 + ["x"] * 6 + ["y;p"] * 2 + ["x;q"]
    samples, about = ingested(entry_of(cells, "multilabel", rare_classes=policy, rare_below=3))
    marks = column_values(samples["target"])
    assert about["target"]["outputs"] == outputs and len(samples) == len(cells)
    assert marks[:, outputs.index("y")].sum() == 11 and (policy == "drop" or marks[:, 0].sum() == n_last)


def test_numbers_have_no_rare_classes() -> None:
    with pytest.raises(InputError, match="mine: rare_classes: expected fail, as the target is continuous"):
        ingested(entry_of([str(i) for i in range(20)], "regression", rare_classes="drop"))
