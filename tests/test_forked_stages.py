"""A stage in a fork of the worker is what `python -m stages.…` is in a new process: real DVC, real workers, toy stages."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dvc.repo import Repo

from pipelines.running.executor import StageResult
from pipelines.running.forked_stages import COMMAND, LIBRARIES
from pipelines.running.local_processes import LocalProcesses
from pipelines.running.worker import log_path

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

ROOT = Path(__file__).parents[1]
GRAPH = """
stages:
  toy:
    cmd: python -m stages.toy a.b-c 1
    deps: [stages/toy.py]
    outs: [seen.txt]
"""
SEEN = """
import os, signal, sys
from pathlib import Path
import stages.foundation.threads
shells_and_workers = {"PWD", "OLDPWD", "SHLVL", "_", "SENSORIUM_CORES_FILE", "PYTHONUNBUFFERED", "DVC_SITE_CACHE_DIR"}
variables = sorted(set(os.environ) - shells_and_workers)
Path("seen.txt").write_text("\\n".join(map(str, [
    sys.argv, __name__, __package__, __spec__.name, sys.path[:2], os.getcwd(), sys.modules["__main__"].__file__, variables,
    os.environ["DVC_STAGE"], signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.stdin.read(),
    [name for name in sys.modules if name.startswith(("stages", "pipelines"))],
])))
print("printed")
print("to the other", file=sys.stderr)
"""


PARENT = """
import multiprocessing
open('how.txt', 'w').write('fork' if multiprocessing.parent_process() else 'new process')
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC workspace whose package `stages` has one more module, and work in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    Path("dvc.yaml").write_text(GRAPH)
    Path("stages").mkdir()
    Path("stages/__init__.py").write_text(f"__path__.append({str(ROOT / 'stages')!r})\n")
    Repo.init(no_scm=True).close()
    return tmp_path


@pytest.fixture
def workers(project: Path) -> Iterator[LocalProcesses]:
    with LocalProcesses(1) as workers:
        yield workers


def run_toy(workers: LocalProcesses, code: str) -> StageResult:
    Path("stages/toy.py").write_text(code)
    return workers.reproduce("toy")


@pytest.mark.integration
def test_a_fork_sees_what_a_new_process_sees(workers: LocalProcesses) -> None:
    assert run_toy(workers, SEEN).status == "ran"
    forked = Path("seen.txt").read_text()
    assert log_path("toy").read_text().splitlines()[-2:] == ["printed", "to the other"]
    Path("seen.txt").unlink()
    # started in the background of a shell, this process ignores Ctrl-C, and so would one that it starts
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "--force", "toy"], check=True, stdin=subprocess.DEVNULL,
                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
                   env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])})
    alone = Path("seen.txt").read_text()
    assert "stages.foundation.threads" in forked and "pipelines" not in forked.splitlines()[-1]
    assert forked == alone


@pytest.mark.integration
def test_an_edited_module_is_read_anew(workers: LocalProcesses) -> None:
    for word in ("first", "second"):
        assert run_toy(workers, f"open('seen.txt', 'w').write('{word}')\n{PARENT}").status == "ran"
        assert Path("seen.txt").read_text() == word
        # DVC has cached the outputs, and no thread of its bars is left: the next stage is a fork too
        assert Path("how.txt").read_text() == "fork"


@pytest.mark.integration
@pytest.mark.parametrize(("code", "reason"), [
    ("import sys\nprint('error: toy: no such thing', file=sys.stderr)\nsys.exit(1)\n", "error: toy: no such thing"),
    ("raise SystemExit('words')\n", "words"),
    ("1 / 0\n", "ZeroDivisionError: division by zero"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "exited with -9"),
])
def test_a_stage_that_fails_is_reported_and_the_worker_lives(workers: LocalProcesses, code: str, reason: str) -> None:
    failed = run_toy(workers, code)
    assert failed.status == "failed"
    assert reason in failed.reason
    assert not Path("seen.txt").exists()
    assert run_toy(workers, "open('seen.txt', 'w').write('2')\n").status == "ran"
    assert len(workers._all) == 1  # no new worker was needed


@pytest.mark.integration
def test_the_process_has_the_stages_name_and_ends_with_its_worker(workers: LocalProcesses, project: Path) -> None:
    Path("stages/toy.py").write_text(
        "import time, psutil\nfrom stages.foundation.entry import end_with\nend_with(psutil.Process().parent())\n"
        "open('up', 'w').close()\ntime.sleep(60)\n")
    worker = psutil.Process(workers._all[0].pid)
    request = workers._all[0].stdin
    assert request
    request.write("0 toy\n")
    request.flush()
    deadline = time.monotonic() + 60
    while not Path("up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [stage] = worker.children()
    assert " ".join(stage.cmdline()).rstrip() == "python -m stages.toy a.b-c 1"
    worker.kill()
    psutil.wait_procs([stage], timeout=20)
    assert not stage.is_running()


@pytest.mark.parametrize(("command", "is_forked"), [
    ("python -m stages.report", True),
    ("python -m stages.train emoji svm", True),
    ("python -m stages.featurize emoji-text", True),
    ("python -m pipelines.publish", False),
    ("python -m stages.report > out.txt", False),
    ("python -m stages.report && rm -r data", False),
    ("python -m stages.train $HOME svm", False),
    ("python -m stages.train 'a b' svm", False),
    ("python -m stages.report\n", False),
    ("python3 -m stages.report", False),
])
def test_only_a_plain_command_of_a_stage_is_forked(command: str, is_forked: bool) -> None:
    assert bool(COMMAND.fullmatch(command)) is is_forked


def test_every_stage_of_the_graph_has_its_libraries_and_none_leaves_threads_of_polars() -> None:
    names = sorted({name for names in LIBRARIES.values() for name in names})
    code = (f"import importlib, sys\nimport pipelines.running.worker\n[importlib.import_module(name) for name in {names}]\n"
            "import threading\nprint('polars' in sys.modules, threading.active_count())")
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed.split() == ["False", "1"]
    graph = (ROOT / "dvc.yaml").read_text()
    assert all(f"cmd: python -m {module}" in graph for module in LIBRARIES)
