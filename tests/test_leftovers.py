"""Outputs of what was taken out of params.yaml go, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.checking.stale_outputs import remove_stale_outputs
from stages.foundation.tables import write_json

PARAMS: dict[str, Any] = {"datasets": {"a": {}}, "features": {"a-image": {}}, "controls": {"constant": {}}, "models": {"knn": {}}}
OUTPUTS = {
    "check": ["data/check"],
    "ingest@a": ["data/samples/a/samples.arrow"],
    "featurize@a-image": ["data/features/a/a-image.arrow", "data/quarantine/a/a-image.arrow"],
    "featurize@a-text": ["data/features/a/a-text.arrow"],
    "control@a": ["data/predictions/a/controls"],
    "control@b": ["data/predictions/b/controls"],
    "train@a-knn": ["data/models/a/knn", "data/predictions/a/knn/predictions.arrow"],
    "train@a-svm": ["data/models/a/svm", "data/predictions/a/svm/predictions.arrow"],
    "ingest@b": ["data/samples/b/samples.arrow"],
    "train@b-knn": ["data/models/b/knn"],
    "report": ["data/report"],
}
GONE = {path for stage in ("featurize@a-text", "train@a-svm", "ingest@b", "control@b", "train@b-knn") for path in OUTPUTS[stage]}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for path in (Path(path) for paths in OUTPUTS.values() for path in paths):
        write_json(path if path.suffix else path / "x.json", {})
    lock = {"schema": "2.0", "stages": {name: {"outs": [{"path": path} for path in paths]} for name, paths in OUTPUTS.items()}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    return tmp_path


def test_outputs_of_what_was_taken_out_go(workspace: Path) -> None:
    write_json(Path("data/models/a/notes.json"), {})
    assert {path.as_posix() for path in remove_stale_outputs(PARAMS)} == GONE
    left = {path for paths in OUTPUTS.values() for path in paths} - GONE
    assert {path for path in left if not Path(path).exists()} == set()
    assert not any(Path(path).exists() for path in (*GONE, "data/samples/b", "data/models/b", "data/predictions/a/svm"))
    assert Path("data/models/a/notes.json").is_file()  # no stage's output: not ours to delete
    assert remove_stale_outputs(PARAMS) == []


def test_without_a_lock_nothing_goes(workspace: Path) -> None:
    Path("dvc.lock").unlink()
    assert remove_stale_outputs(PARAMS) == []
    Path("dvc.lock").write_text("", encoding="utf-8")
    assert remove_stale_outputs(PARAMS) == []


@pytest.mark.parametrize("path", ["outside.json", "data/../outside.json", "data", "params.yaml", "data/samples/a/samples.arrow"])
def test_nothing_outside_data_and_no_current_output_goes(workspace: Path, path: str) -> None:
    write_json(Path("outside.json"), {})
    lock = yaml.safe_load(Path("dvc.lock").read_text("utf-8"))
    lock["stages"] = {"ingest@a": lock["stages"]["ingest@a"], "ingest@gone": {"outs": [{"path": path}]}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    assert remove_stale_outputs(PARAMS) == []
    assert Path("outside.json").is_file() and Path("data/samples/a/samples.arrow").is_file()
