"""Stages side by side in warm workers: real DVC, a toy graph, no Prefect."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from unittest.mock import ANY

import psutil
import pytest
import yaml
from dvc.repo import Repo

from pipelines.publishing.costs import COSTS, cost_of
from pipelines.running.core_shares import divided
from pipelines.running.dvc_graph import Step, steps, steps_and_up_to_date
from pipelines.running.executor import EXECUTORS, StageResult, executor_of
from pipelines.running.local_processes import LocalProcesses
from pipelines.running.ready_steps import blocked_by, run_in_order
from pipelines.running.worker import log_path
from stages.checking.pipeline_settings import FlowEntry
from stages.foundation.errors import InputError
from stages.foundation.parallel import n_cores

# DVC's own, from reading its graph
pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")]

ROOT = Path(__file__).parents[1]
LEAVES = [f"leaf@{letter}" for letter in "abcdefghijkl"]
GRAPH = """
stages:
  root:
    cmd: cp seed.txt root.txt
    deps: [seed.txt]
    outs: [root.txt]
  leaf:
    foreach: [a, b, c, d, e, f, g, h, i, j, k, l]
    do:
      cmd: cp root.txt leaf-${item}.txt
      deps: [root.txt]
      outs: ["leaf-${item}.txt"]
  end:
    cmd: cat leaf-a.txt leaf-l.txt > end.txt
    deps: [leaf-a.txt, leaf-l.txt]
    outs: [end.txt]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a DVC workspace: a root, twelve stages that read it, one that reads two of them; work in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("dvc.yaml").write_text(GRAPH)
    Path("seed.txt").write_text("0")
    Repo.init(no_scm=True).close()
    return tmp_path


@pytest.fixture
def workers(project: Path) -> Iterator[LocalProcesses]:
    with LocalProcesses(4) as workers:
        yield workers


def reproduce_all(workers: LocalProcesses, plan: list[Step]) -> dict[str, StageResult]:
    results: dict[str, StageResult] = {}

    def start(step: Step, done: object) -> None:
        def work() -> None:
            reason = blocked_by(step, results)
            done(StageResult(step.name, "skipped", 0, reason) if reason else workers.reproduce(step.name))  # type: ignore[operator]

        threading.Thread(target=work).start()

    return run_in_order(plan, start, n_at_once=4, on_done=lambda result: results.update({result.stage: result}))


def stage(name: str, command: str) -> None:
    """Replace the graph by one stage of the toy workspace."""
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {name: {"cmd": command, "outs": [f"{name}.txt"]}}}))


def test_twelve_side_by_side_four_times_lose_no_lock_entry(workers: LocalProcesses) -> None:
    plan = steps()
    for turn in range(4):
        Path("seed.txt").write_text(str(turn))
        results = reproduce_all(workers, plan)
        assert {result.status for result in results.values()} == {"ran"}, results
        locked = yaml.safe_load(Path("dvc.lock").read_text())["stages"]
        assert set(locked) == {"root", *LEAVES, "end"}
        assert {locked[leaf]["outs"][0]["md5"] for leaf in LEAVES} == {locked["root"]["outs"][0]["md5"]}
    status = subprocess.run([sys.executable, "-m", "dvc", "status"], capture_output=True, text=True, check=True)
    assert "Data and pipelines are up to date." in status.stdout
    assert {result.status for result in reproduce_all(workers, plan).values()} == {"unchanged"}


def test_after_dvc_repro_nothing_is_left_and_outputs_come_back_from_the_cache(workers: LocalProcesses) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], check=True)
    assert workers.reproduce("leaf@a").status == "unchanged"
    Path("leaf-a.txt").unlink()
    assert workers.reproduce("leaf@a").status == "restored"
    assert Path("leaf-a.txt").read_text() == "0"


def test_a_stage_that_ran_leaves_its_cost_and_one_that_was_restored_does_not(workers: LocalProcesses) -> None:
    burn = "python -c 'import time; [None for _ in iter(lambda: time.process_time() < 0.5, False)]'"
    graph = {"burn": {"cmd": f"{burn} && cp seed.txt burn.txt", "deps": ["seed.txt"], "outs": ["burn.txt"]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": graph}))
    assert workers.reproduce("burn").status == "ran"
    entry = yaml.safe_load(Path("dvc.lock").read_text())["stages"]["burn"]
    cost = cost_of("burn", entry)
    assert cost is not None and cost.seconds > 0.5 and cost.processor_seconds > 0.45  # counted in ticks of 10 ms
    shutil.rmtree(COSTS)
    Path("burn.txt").unlink()
    assert workers.reproduce("burn").status == "restored" and cost_of("burn", entry) is None


def flip_a_byte(path: Path) -> None:
    """Change a byte of a cache object as a bad disk does: its times and mode stay."""
    state = path.stat()
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    path.chmod(state.st_mode)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("pattern", ["file", "file of a folder", "list of a folder"])
@pytest.mark.parametrize("is_known", [True, False], ids=["by dvc.lock", "by the run cache"])
def test_a_corrupt_object_is_computed_again_and_said(workers: LocalProcesses, pattern: str, is_known: bool) -> None:
    written = {"cmd": "mkdir -p d && echo 1 > d/one && echo 2 > d/two && cp seed.txt f", "deps": ["seed.txt"], "outs": ["d", "f"]}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"both": written}}))
    assert workers.reproduce("both").status == "ran"
    folder, file = (out["md5"] for out in yaml.safe_load(Path("dvc.lock").read_text())["stages"]["both"]["outs"])
    inside = hashlib.md5(b"2\n").hexdigest()
    name = {"file": file, "file of a folder": inside, "list of a folder": folder}[pattern]
    lock = Path("dvc.lock").read_text()
    flip_a_byte(Path(f".dvc/cache/files/md5/{name[:2]}/{name[2:]}"))
    shutil.rmtree("d")
    Path("f").unlink()
    if not is_known:
        Path("dvc.lock").unlink()
    result = workers.reproduce("both")
    assert (result.status, result.reason) == ("ran", f"damaged in DVC's cache, computed again: {'f' if pattern == 'file' else 'd'}")
    assert (Path("d/one").read_text(), Path("d/two").read_text(), Path("f").read_text()) == ("1\n", "2\n", "0")
    assert Path("dvc.lock").read_text() == lock
    Path("f").unlink()
    assert workers.reproduce("both") == StageResult("both", "restored", ANY)


def test_a_failure_stops_what_reads_it_and_nothing_else(workers: LocalProcesses) -> None:
    Path("dvc.yaml").write_text(GRAPH.replace("cp root.txt leaf-${item}.txt", "test ${item} != l && cp root.txt leaf-${item}.txt"))
    results = reproduce_all(workers, steps())
    assert results["leaf@l"].status == "failed"
    assert "exited with 1" in results["leaf@l"].reason
    assert (results["end"].status, results["end"].reason) == ("skipped", "leaf@l failed")
    assert {results[leaf].status for leaf in LEAVES[:-1]} == {"ran"}


def test_what_a_stage_says_of_its_failure_is_its_reason(workers: LocalProcesses) -> None:
    stage("bad", "echo before; echo 'error: bad: no such column' >&2; echo '  in row 3' >&2; exit 1")
    result = workers.reproduce("bad")
    assert (result.status, result.reason, result.is_input_error) == ("failed", "error: bad: no such column\n  in row 3", True)
    stage("bad", "echo Traceback; echo 'KeyError: 3'; exit 1")
    result = workers.reproduce("bad")
    assert not result.is_input_error and "KeyError: 3" in result.reason
    result = workers.reproduce("nonsense")
    assert result.status == "failed" and "nonsense" in result.reason


TALK = """
import pathlib, time
print("one")
for _ in range(600):
    if pathlib.Path("heard").exists():
        break
    time.sleep(0.05)
print("two" if pathlib.Path("heard").exists() else "nobody heard")
pathlib.Path("talk.txt").touch()
"""


def test_lines_arrive_while_the_stage_runs_and_stay_in_its_log(workers: LocalProcesses) -> None:
    Path("talk.py").write_text(TALK)
    stage("talk", "python talk.py")
    heard: list[str] = []

    def on_line(line: str) -> None:
        heard.append(line)
        if line == "one":
            Path("heard").touch()  # the stage waits for it

    result = workers.reproduce("talk", on_line)
    assert result.status == "ran", result
    assert [line for line in heard if line in ("one", "two", "nobody heard")] == ["one", "two"]
    assert "one\ntwo" in log_path("talk").read_text()


SHARING = """
import os, pathlib, sys, time

name, other = sys.argv[1:]

def wait_for(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"{name}: it never came")

share = pathlib.Path(os.environ["SENSORIUM_CORES_FILE"])
pathlib.Path(f"{name}.started").touch()
wait_for(pathlib.Path(f"{other}.started").exists)
beside = share.read_text()
if name == "long":
    pathlib.Path("long.noted").touch()
    wait_for(lambda: share.read_text() != beside)
else:
    wait_for(pathlib.Path("long.noted").exists)
pathlib.Path(f"{name}.txt").write_text(f"{beside} {share.read_text()}")
"""


def test_the_last_stage_takes_the_cores_of_those_that_ended(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORIUM_CORES", "5")
    Path("sharing.py").write_text(SHARING)
    commands = {name: f"python sharing.py {name} {other}" for name, other in (("long", "short"), ("short", "long"))}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {
        name: {"cmd": command, "outs": [f"{name}.txt"]} for name, command in commands.items()
    }}))
    with LocalProcesses(2) as workers:
        threads = [threading.Thread(target=workers.reproduce, args=(name,)) for name in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        of_long, of_short = (Path(f"{name}.txt").read_text().split() for name in ("long", "short"))
        assert {of_long[0], of_short[0]} == {"3", "2"}
        assert of_long[1] == "5"
        stage("next", "cp $SENSORIUM_CORES_FILE next.txt")
        assert workers.reproduce("next").is_ok and Path("next.txt").read_text() == "5"
    assert not list(Path(".sensorium/cores").glob("*"))


def test_cores_are_divided_evenly_and_each_stage_has_one() -> None:
    assert divided(8, 3) == [3, 3, 2]
    assert divided(2, 1) == [2]
    assert divided(1, 2) == [1, 1]


def test_an_address_with_a_space_is_run(project: Path, workers: LocalProcesses) -> None:
    each = {"foreach": ["a b", "c"], "do": {"cmd": "echo 1 > '${item}.txt'", "outs": ["${item}.txt"]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"each": each}}))
    assert workers.reproduce("each@a b").status == "ran"


@pytest.mark.parametrize("declared", ["abc", "0", "-2", "1.5"])
def test_cores_that_are_no_number_are_refused(monkeypatch: pytest.MonkeyPatch, declared: str) -> None:
    monkeypatch.setenv("SENSORIUM_CORES", declared)
    with pytest.raises(InputError, match=f"SENSORIUM_CORES: expected a whole number of at least 1, found '{declared}'"):
        n_cores()


def test_a_killed_worker_fails_its_stage_alone(project: Path) -> None:
    with LocalProcesses(1) as workers:
        stage("doomed", "kill -9 $PPID; sleep 5")
        result = workers.reproduce("doomed")
        assert (result.status, result.is_input_error) == ("failed", False)
        assert "worker process ended" in result.reason
        Path("dvc.yaml").write_text(GRAPH)
        assert workers.reproduce("root").status == "ran"


def test_stopping_ends_the_stage_in_hand_and_every_worker(project: Path) -> None:
    stage("long", "sleep 60; touch long.txt")
    results: list[StageResult] = []
    with LocalProcesses(2) as workers:
        thread = threading.Thread(target=lambda: results.append(workers.reproduce("long")))
        thread.start()
        while not any(process.name() == "sleep" for process in psutil.Process().children(recursive=True)):
            time.sleep(0.05)
        before = time.monotonic()
    thread.join(10)
    assert time.monotonic() - before < 10
    assert results[0].status == "failed"
    assert not [process for process in psutil.Process().children(recursive=True) if process.name() == "sleep"]


def test_kill_9_of_the_engine_leaves_no_worker(project: Path) -> None:
    code = "import time; from pipelines.running.local_processes import LocalProcesses\n"
    code += "with LocalProcesses(2) as workers: print('up', flush=True); time.sleep(60)"
    engine = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert engine.stdout
    engine.stdout.readline()
    workers = psutil.Process(engine.pid).children()
    assert len(workers) == 2
    engine.kill()
    engine.communicate()
    assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_the_plan_is_dvcs_graph(project: Path) -> None:
    plan = {step.name: step.upstream for step in steps()}
    assert plan == {"root": (), **dict.fromkeys(LEAVES, ("root",)), "end": ("leaf@a", "leaf@l")}
    assert {step.name for step in steps(["leaf@a"])} == {"root", "leaf@a"}
    assert {step.name for step in steps(["leaf"])} == {"root", *LEAVES}
    with pytest.raises(InputError, match="'nonsense'"):
        steps(["nonsense"])


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_that_params_may_name_is_made_of_its_settings(name: str) -> None:
    executor = executor_of(FlowEntry(executor=name, workers=1))
    assert executor.n_at_once == 1 and callable(executor.reproduce)
    assert set(EXECUTORS) == set(get_args(FlowEntry.model_fields["executor"].annotation))


def test_what_follows_a_change_is_not_up_to_date_though_its_own_inputs_are_as_they_were(project: Path) -> None:
    with Repo(".") as repo:
        repo.reproduce()
    assert steps_and_up_to_date()[1] == {"root", *LEAVES, "end"}
    Path("seed.txt").write_text("1")  # root.txt is still that of the last run
    assert steps_and_up_to_date()[1] == set()
    Path("seed.txt").write_text("0")
    Path("end.txt").unlink()
    assert steps_and_up_to_date()[1] == {"root", *LEAVES}
