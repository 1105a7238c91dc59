"""Any stage can be rerun alone, whatever the number of threads, and a killed run leaves nothing that the next one stumbles over."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from end_to_end import EMOJI, Route, dvc, environment, files_under, locked, run, stages_run

from stages.foundation.lease import is_alive

pytestmark = pytest.mark.integration
# One per kind of stage, and every model. (publish writes to a server: tests/test_publish.py)
ALONE = ("check", "ingest@emoji", "split@emoji", "featurize@emoji-image", "featurize@emoji-text", "validate@emoji",
         "control@emoji", *(f"train@emoji-{model}" for model in EMOJI["models"]), "evaluate@emoji", "report")


# ---------------------------------------------------------------- alone in an empty folder
def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"a.b": 1} as {"a": {"b": 1}}."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        *path, last = key.split(".")
        target = result
        for part in path:
            target = target.setdefault(part, {})
        target[last] = value
    return result


def rerun_alone(stage: Mapping[str, Any], source: Path, folder: Path) -> dict[str, bytes]:
    """Run a stage in a folder that holds only what it declares, with another number of threads; return what it wrote under data/.

    Args:
        stage: its entry in dvc.lock: what dvc.yaml declares, and the values that its parameters had.
    """
    folder.mkdir()
    if "params" in stage:
        (folder / "params.yaml").write_text(yaml.safe_dump(nested(stage["params"]["params.yaml"]), sort_keys=False), encoding="utf-8")
    for dep in stage["deps"]:
        origin, target = source / dep["path"], folder / dep["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target)  # with what numba compiled, which takes half a minute
        else:
            shutil.copy(origin, target)
    for path in [folder / "stages", *(path for path in folder.glob("stages/**/") if path.is_dir())]:
        (path / "__init__.py").touch()  # but for stages/__init__.py, a dep, without code; a package goes before any that is installed
    before = files_under(folder / "data")
    done = run(folder, *stage["cmd"].split(), SENSORIUM_CORES="1", OMP_NUM_THREADS="2")
    assert done.returncode == 0, done.stdout + done.stderr
    return {path: content for path, content in files_under(folder / "data").items() if before.get(path) != content}


@pytest.mark.parametrize("stage", ALONE)
def test_a_stage_alone_writes_the_same_bytes(stage: str, by_flow: Route, tmp_path: Path) -> None:
    """What the flow wrote from nothing, two stages at a time; so whoever runs the stages, in whatever order, gets these bytes."""
    entry = locked(by_flow.folder)[stage]
    outs = [Path(out["path"]).relative_to("data") for out in entry["outs"]]
    everything = files_under(by_flow.folder / "data")
    expected = {path: content for path, content in everything.items() if any(Path(path).is_relative_to(out) for out in outs)}
    written = rerun_alone(entry, by_flow.folder, tmp_path / "alone")
    assert expected and sorted(written) == sorted(expected)
    assert [path for path in expected if written[path] != expected[path]] == []


# ---------------------------------------------------------------- killed in the middle
def forget(folder: Path, stage: str) -> None:
    """Make DVC believe that a stage never ran: no lock entry, no outputs, no run cache."""
    stages = locked(folder)
    for out in stages.pop(stage)["outs"]:
        path = folder / out["path"]
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}), encoding="utf-8")
    shutil.rmtree(folder / ".dvc/cache/runs")


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and is_alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue
    return found


def kill_in_the_middle(folder: Path, *, with_stage: bool) -> None:
    """Start `dvc repro` and kill it, or it and its stage, once the MLP has done the first of its pieces; wait until all are gone."""
    with subprocess.Popen([sys.executable, "-m", "dvc", "repro"], cwd=folder, env=environment(), text=True, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        assert any(line.startswith("mlp emoji 1/") for line in process.stdout), "the stage never began"
        if with_stage:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    deadline = time.monotonic() + 30
    while processes_in(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_in(folder) == [], "no stage outlives its run"
    assert not (folder / "data/models/emoji/mlp/model.json").exists(), "it was killed too late to tell"


def test_after_kill_9_in_a_stage_the_next_run_ends_the_same(copy: Path, by_flow: Route) -> None:
    forget(copy, "train@emoji-mlp")
    kill_in_the_middle(copy, with_stage=False)
    kill_in_the_middle(copy, with_stage=True)
    last = dvc(copy, "repro")
    assert (last.returncode, stages_run(last)) == (0, ["train@emoji-mlp"]), last.stderr
    assert locked(copy) == locked(by_flow.folder)
    assert files_under(copy / "data") == files_under(by_flow.folder / "data"), "no temporary file is left"
