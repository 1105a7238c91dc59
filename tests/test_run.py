"""`make run`'s engine: DVC's own records, stages side by side, one clear error. Real DVC, a toy graph in a workspace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.running.dvc_lock import UNSORTED, blocks_of, text_of

pytestmark = pytest.mark.integration
RUN = [sys.executable, "-m", "pipelines.run"]
GRAPH = """
stages:
  root:
    cmd: sleep 0.1 && cp seed.txt root.txt
    deps: [seed.txt]
    outs: [root.txt]
  leaf:
    foreach: [slow, fast, other]
    do:
      cmd: python leaf.py ${item}
      deps: [root.txt, leaf.py, "${item}.txt"]
      outs: ["leaf-${item}.txt"]
  end:
    cmd: cat leaf-slow.txt leaf-fast.txt > end.txt
    deps: [leaf-slow.txt, leaf-fast.txt]
    outs: [end.txt]
"""
LEAF = """
import pathlib, sys, time
name = sys.argv[1]
time.sleep(1.0 if name == "slow" else 0)
if "bad" in pathlib.Path(f"{name}.txt").read_text():
    sys.exit(f"error: leaf {name}: {name}.txt: row 3: no such class")
pathlib.Path(f"leaf-{name}.txt").write_text(name)
"""


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace whose graph is a toy; work in it."""
    Path("dvc.yaml").write_text(GRAPH)
    # Where most stages are of other files, DVC runs dvc.yaml's in the order of a set, which differs from process to process.
    Path("pipelines/lessons/dvc.yaml").unlink()
    Path("leaf.py").write_text(LEAF)
    for name in ("seed", "slow", "fast", "other"):
        Path(f"{name}.txt").write_text("good")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return workspace


def run(*targets: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*RUN, *targets], capture_output=True, text=True, check=False, timeout=120)


def dvc_repro() -> str:
    return subprocess.run([sys.executable, "-m", "dvc", "repro"], capture_output=True, text=True, check=True, timeout=120).stdout


def test_leaves_what_dvc_repro_leaves(project: Path) -> None:
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "5 stages: 5 ran"
    lock = Path("dvc.lock").read_bytes()
    assert "Data and pipelines are up to date." in dvc_repro()
    assert run().stdout == "5 stages: 5 unchanged\n"
    blocks = blocks_of(lock.decode())
    assert blocks is not None
    Path("dvc.lock").write_text(text_of(dict(reversed(blocks.items()))))
    UNSORTED.touch()  # as after a kill before the end
    assert run().stdout == "5 stages: 5 unchanged\n" and Path("dvc.lock").read_bytes() == lock and not UNSORTED.exists()
    Path("dvc.lock").unlink()
    dvc_repro()
    assert Path("dvc.lock").read_bytes() == lock, "the slow leaf ended last and stands first all the same"


def test_a_failure_is_told_with_its_remedy_and_stops_only_what_needs_it(project: Path) -> None:
    Path("fast.txt").write_text("bad")
    done = run()
    assert done.returncode == 1
    said = "error: leaf@fast failed (its output: .sensorium/logs/leaf@fast.log)\nerror: leaf fast: fast.txt: row 3: no such class"
    assert said in done.stderr
    assert "end: skipped: leaf@fast failed" in done.stdout and done.stdout.splitlines()[-1] == "5 stages: 3 ran, 1 failed, 1 skipped"
    assert Path("leaf-slow.txt").is_file() and Path("leaf-other.txt").is_file()
    Path("fast.txt").write_text("good")
    assert run("end").stdout.splitlines()[-1] == "4 stages: 2 ran, 2 unchanged"


def test_a_wrong_target_and_wrong_parameters_are_one_error(project: Path) -> None:
    done = run("leaf@fasd")
    assert done.returncode == 1 and "leaf@fasd" in done.stderr and "Traceback" not in done.stderr
    Path("params.yaml").write_text("seed: -1\n")
    done = run()
    assert done.returncode == 1 and "seed: expected a whole number" in done.stderr and "Traceback" not in done.stderr
    assert not Path("dvc.lock").exists()
