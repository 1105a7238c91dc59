"""What a killed DVC process leaves is removed at the start of the next run: `make chaos` looks for more such points than these."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dvc.dvcfile
import pytest
from dvc.repo import Repo

from pipelines.running.dvc_lock import HEAD, KEPT, use_stagewise_lockfile
from pipelines.running.recovery import recover
from pipelines.running.worker import reproduce
from stages.foundation.errors import InputError
from stages.foundation.lease import held
from tests.chaos.commands import hooked

# DVC's own, from reading its graph
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")]
ROOT = Path(__file__).parents[1]
GRAPH = "stages:\n  one: {cmd: cp seed.txt one.txt, deps: [seed.txt], outs: [one.txt]}\n"
POINTS = {  # the last change before the kill, as the hook lists it
    "the list of paths in use is empty": "emptied .dvc/tmp/rwlock",
    "an entry of the run cache is empty": "emptied .dvc/cache/runs/",
    "the folder of an entry of the run cache is empty": "open .dvc/cache/runs/",
    "dvc.lock is not written yet": "open .dvc/tmp/dvc.lock.part",
    "dvc.lock is written to another name": "os.rename .dvc/tmp/dvc.lock.part",
    "an object of the cache is copied in part": "emptied .dvc/cache/files/md5/",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC workspace with one stage; work in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dvc.dvcfile.Lockfile", dvc.dvcfile.Lockfile)  # afterwards it is what it was
    Path("dvc.yaml").write_text(GRAPH)
    Path("seed.txt").write_text("0")
    Repo.init(no_scm=True).close()
    return tmp_path


def worker(folder: Path, at: int) -> tuple[int, list[str]]:
    """Return how a worker ended that reproduces the stage, killed at a change, and the changes."""
    count = folder.parent / "count"
    count.unlink(missing_ok=True)
    variables = hooked(folder, "pipelines.running.worker", at, count)
    environment = {**os.environ, **variables, "PYTHONPATH": f"{variables['PYTHONPATH']}{os.pathsep}{ROOT}"}
    ended = subprocess.run([sys.executable, "-m", "pipelines.running.worker"], cwd=folder, env=environment, input=b"1 one\n",
                           capture_output=True, check=False, timeout=60)
    return ended.returncode, [line.partition(" ")[2].replace(f"{folder}/", "") for line in count.read_text().splitlines()]


@pytest.fixture
def changes(project: Path) -> list[str]:
    """Return the changes of files of a worker that ran the stage; the workspace is as before."""
    status, found = worker(project, 0)
    assert status == 0
    for path in ("dvc.lock", "one.txt", ".dvc/tmp", ".dvc/cache", ".sensorium"):
        subprocess.run(["rm", "-rf", path], check=True)
    return found


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_leaves_nothing_that_the_next_run_fails_at(project: Path, changes: list[str], point: str) -> None:
    at = next(i for i, change in enumerate(changes, start=1) if change.startswith(POINTS[point]))
    assert worker(project, at)[0] == -signal.SIGKILL
    with held("the next run"):
        recover()
        use_stagewise_lockfile()
        assert reproduce("one")["status"] in ("ran", "restored")
        assert Path("one.txt").read_text() == "0" and Path("dvc.lock").read_text().startswith(HEAD + "  one:\n")
        assert recover() == []
    assert not [path for path in project.rglob(".*.tmp") if path.is_file()]


def rwlock_of(pid: int) -> str:
    return json.dumps({"write": {"one.txt": {"pid": pid, "cmd": "repro"}}, "read": {}})


def test_paths_in_use_by_a_process_that_is_no_dvc_command_are_forgotten(project: Path) -> None:
    Path(".dvc/tmp").mkdir(exist_ok=True)
    Path(".dvc/tmp/rwlock").write_text(rwlock_of(os.getppid()))  # the pid was given to another process
    assert recover() == ["removed .dvc/tmp/rwlock, which a killed process left"]
    command = [sys.executable, "-c", "import time; time.sleep(60)", "dvc", "pipelines.running.worker"]
    busy = subprocess.Popen(command, start_new_session=True)
    try:
        Path(".dvc/tmp/rwlock").write_text(rwlock_of(busy.pid))
        assert recover() == [], "a child of this run"
        assert Path(".dvc/tmp/rwlock").is_file()
    finally:
        busy.kill()
        busy.wait()


def test_another_dvc_command_at_work_is_named(project: Path) -> None:
    code = "import sys; from dvc.repo import Repo\nwith Repo('.').lock: print(flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    with pytest.raises(InputError, match="another DVC command works in this workspace"):
        recover()
    other.communicate()
    assert recover() == []


def test_a_lock_file_that_dvc_was_writing_is_put_back(project: Path) -> None:
    Path("dvc.lock").write_text("schema: '2.")
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(HEAD + "  one:\n    cmd: cp\n")
    recover()
    assert Path("dvc.lock").read_text() == HEAD + "  one:\n    cmd: cp\n" and not KEPT.exists()
    Path("dvc.lock").write_text("")
    recover()
    assert not Path("dvc.lock").exists()


@pytest.mark.parametrize("path", ["data/samples/a/.samples.arrow.{}.tmp", ".mlflow.db.{}.tmp-journal", "data/raw/.outside.json.{}.tmp"])
def test_temporary_files_of_processes_that_are_gone_go_with_the_next_lease(project: Path, path: str) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    paths = [Path(path.format(pid)) for pid in (gone.pid, os.getpid())]
    kept = [Path("data/raw/own/.mine.123.tmp"), Path("data/.notes.tmp")]
    for each in (*paths, *kept):
        each.parent.mkdir(parents=True, exist_ok=True)
        each.touch()
    with held("the next run"):
        assert [each.exists() for each in (*paths, *kept)] == [False, True, True, True]


def test_nothing_is_removed_where_nothing_was_left(project: Path) -> None:
    assert reproduce("one")["status"] == "ran"
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "tmp" not in path.parts}
    assert recover() == []
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "tmp" not in path.parts} == before
