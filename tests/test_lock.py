"""One run at a time in a workspace, and no stage left behind: real processes, real DVC, in a folder of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from dvc.repo import Repo

from stages.foundation import lease
from stages.foundation.errors import InputError
from stages.foundation.lease import LEASE, held, is_dvc, read

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[1]
DVC = [sys.executable, "-m", "dvc"]
STAGE = """
import sys, time
from pathlib import Path
from stages.foundation.entry import run_stage

def main(name, seconds):
    Path(f"{name}.started").write_text("")
    time.sleep(float(seconds))
    Path(f"{name}.txt").write_text(name)

if __name__ == "__main__":
    run_stage(main)
"""
GRAPH = """
stages:
  quick: {cmd: python toy_stage.py quick 0, outs: [quick.txt]}
  slow: {cmd: python toy_stage.py slow 60, outs: [slow.txt]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC workspace with a quick and a slow stage, and work in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    Path("toy_stage.py").write_text(STAGE)
    Path("dvc.yaml").write_text(GRAPH)
    Repo.init(no_scm=True).close()
    return tmp_path


def wait_for(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.pid != os.getpid() and lease.is_alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def start_slow_run() -> "subprocess.Popen[bytes]":
    run = subprocess.Popen([*DVC, "repro", "-q", "slow"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(Path("slow.started").exists)
    return run


def test_a_second_dvc_repro_is_refused_and_told_why(project: Path) -> None:
    first = start_slow_run()
    try:
        second = subprocess.run([*DVC, "repro", "quick"], capture_output=True, text=True, check=False)
    finally:
        first.kill()
        first.wait()
    assert second.returncode != 0
    assert f"another run holds this workspace: dvc repro -q slow (pid {first.pid}, since " in second.stderr
    assert f"`kill {first.pid}`" in second.stderr
    assert second.stderr.count("error: ") == 1 and "Traceback" not in second.stderr
    assert not Path("quick.started").exists(), "the refused stage must not have begun"


def test_kill_9_of_dvc_leaves_no_stage_and_the_next_run_works(project: Path) -> None:
    run = start_slow_run()
    run.kill()
    run.wait()
    wait_for(lambda: not processes_in(project), within_s=5.0)
    assert LEASE.exists(), "nobody could clean up"
    assert read() is None, "but the lease holds no longer"
    subprocess.run([*DVC, "repro", "-q", "quick"], check=True)
    assert Path("quick.txt").read_text() == "quick"


def test_sigterm_ends_a_stage_and_what_it_started(project: Path) -> None:
    starts_another = "    import os; os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '60')\n    time.sleep"
    Path("toy_stage.py").write_text(STAGE.replace("    time.sleep", starts_another))
    run = start_slow_run()
    wait_for(lambda: any(process.name() == "sleep" for process in processes_in(project)))
    stage = next(process for process in processes_in(project) if "toy_stage.py" in process.cmdline()[1:2])
    stage.terminate()
    assert run.wait(10) != 0
    wait_for(lambda: not processes_in(project), within_s=5.0)


def test_stages_of_one_run_share_its_lease(project: Path) -> None:
    with held("a run of ours"):
        done = subprocess.run([*DVC, "repro", "quick"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (lease := read()) and (lease.pid, lease.what) == (os.getpid(), "a run of ours"), "the stage left its run's lease alone"
        with held("the same run"):
            pass
        assert read() == lease, "who holds it already does not let go early"
    assert not LEASE.exists()


def test_another_process_is_refused(project: Path) -> None:
    code = "import sys; from stages.foundation.lease import held\nwith held('the other'): print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout and other.stdin
    other.stdout.readline()
    with pytest.raises(InputError, match=rf"the other \(pid {other.pid}, since .*wait until it ends"), held("ours"):
        pass
    asked = subprocess.run([sys.executable, "-m", "stages.foundation.lease"], capture_output=True, text=True, check=False)
    assert asked.returncode == 1 and asked.stderr.startswith("error: another run")
    other.communicate()
    with held("ours"):
        assert (lease := read()) and lease.pid == os.getpid()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"pid": 1, "started": 0, "what": "w", "since": "s"}',
                                     '{"pid": 99999999, "started": 0, "what": "w", "since": "s"}'])
def test_a_stale_or_broken_lease_is_taken_over(project: Path, content: str) -> None:
    LEASE.parent.mkdir()
    LEASE.write_text(content)
    with held("ours"):
        assert json.loads(LEASE.read_text())["pid"] == os.getpid()


def test_nothing_is_guarded_outside_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with held():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "answer"), [
    (["/v/bin/python", "/v/bin/dvc", "repro"], True),
    (["/v/bin/dvc", "repro"], True),
    (["python", "-m", "dvc", "repro"], True),
    (["python", "-m", "stages.train", "dvc"], False),
    (["vim", "dvc.yaml"], False),
    (["make", "run", "dvc"], False),
    ([], False),
])
def test_is_dvc(words: list[str], answer: bool) -> None:
    assert is_dvc(words) is answer
