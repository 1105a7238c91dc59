"""The Prefect flow, its schedule and its server: real Prefect and real DVC, a toy graph in a workspace of its own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psutil
import pytest
import yaml
from toy_evaluation import toy_evaluation

from pipelines.orchestration.server import running
from pipelines.running.core_shares import divided
from stages.checking.pipeline_settings import FlowEntry
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import FoldScores
from stages.contracts.paths import evaluation_path
from stages.contracts.table_schema import Rows
from stages.foundation.documents import write_document
from stages.foundation.parallel import n_cores
from stages.foundation.params_file import PARAMS, read_params

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[1]
FLOW = [sys.executable, "-m", "pipelines.flow"]
GRAPH = """
stages:
  check:
    cmd: echo checked > check.txt
    outs: [check.txt]
  ingest:
    foreach: [emoji, reviews]
    do:
      cmd: python ingest.py ${item}
      deps: [check.txt, ingest.py, "${item}.csv"]
      outs: ["${item}.txt"]
  train:
    matrix: {dataset: [emoji, reviews], model: [knn]}
    cmd: cp ${item.dataset}.txt ${item.dataset}-${item.model}.txt
    deps: ["${item.dataset}.txt"]
    outs: ["${item.dataset}-${item.model}.txt"]
"""
REPORT = """  report:
    cmd: cat emoji-knn.txt reviews-knn.txt > report.txt
    deps: [emoji-knn.txt, reviews-knn.txt]
    outs: [report.txt]
"""
INGEST = """
import pathlib, sys
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError

def main(name):
    if name == "emoji" and not pathlib.Path("tried").exists():
        pathlib.Path("tried").touch()
        raise OSError("a disk that fails once")
    print("reading", name)
    if "bad" in pathlib.Path(f"{name}.csv").read_text():
        raise InputError(f"{name}.csv: row 3: no such class")
    pathlib.Path(f"{name}.txt").write_text(name)

if __name__ == "__main__":
    run_stage(main)
"""
EVALUATION = toy_evaluation(
    {Candidate("knn", ("text",)): {"accuracy": FoldScores(mean=0.7, lo=0.6, hi=0.8, folds=(0.7,) * 5),
                                   "macro_f1": FoldScores(mean=0.5, lo=None, hi=None, folds=(0.5,) * 5)}},
    "accuracy", "macro_f1", dataset="emoji", title="Emoji", rows=Rows(used=1500, available=1898),
)  # fmt: skip


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace whose graph is a toy: two data sets, one model."""
    Path("dvc.yaml").write_text(GRAPH)
    Path("ingest.py").write_text(INGEST)
    for name in ("emoji", "reviews"):
        Path(f"{name}.csv").write_text("good")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return workspace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a Prefect server that the flows of these tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("server"))
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        with running(schedules=True) as url:
            patch.setenv("PREFECT_API_URL", f"{url}/api")
            yield url


def run_flow(*targets: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*FLOW, *targets], capture_output=True, text=True, check=False, timeout=240)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, **body: Any) -> Any:
    """Return what Prefect's API answers; while its database is busy (503) ask again, as Prefect's own client does."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    for last in (False, False, False, True):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503 or last:
                raise
            time.sleep(2)


def ask(url: str, kind: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(f"{url}/api/{kind}/filter", **body)
    return found


def test_the_flow_does_what_dvc_repro_would_and_prefect_shows_it(server: str, project: Path) -> None:
    Path("reviews.csv").write_text("bad")
    Path("dvc.yaml").write_text(GRAPH + REPORT)
    write_document(evaluation_path("emoji"), EVALUATION)
    done = run_flow()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "ingest@reviews: failed: error: ingest reviews: reviews.csv: row 3: no such class" in done.stdout
    assert "train@reviews-knn: skipped: ingest@reviews failed" in done.stdout
    assert "report: skipped: ingest@reviews failed" in done.stdout, "below what was skipped"
    assert "[6/6] " in done.stdout and "3 ran, 1 failed, 2 skipped" in done.stdout
    assert Path("emoji-knn.txt").read_text() == "emoji", "the other data set went on"

    flow = next(run for run in ask(server, "flow_runs") if run["name"] == "all stages")
    runs = {run["name"]: run for run in ask(server, "task_runs")}
    assert flow["state_name"] == "Failed" and "ingest@reviews" in flow["state"]["message"]
    assert {name: run["state_name"] for name, run in runs.items()} == {
        "check": "Completed", "ingest@emoji": "Completed", "train@emoji-knn": "Completed",
        "ingest@reviews": "Failed", "train@reviews-knn": "Skipped", "report": "Skipped",
    }  # fmt: skip
    assert runs["ingest@emoji"]["run_count"] == 2, "a defect is tried again"
    assert runs["ingest@reviews"]["run_count"] == 1, "what the stage explained is not"
    assert set(runs["train@emoji-knn"]["tags"]) == {"train", "emoji"}
    assert [above["id"] for above in runs["ingest@emoji"]["task_inputs"]["wait_for"]] == [runs["check"]["id"]]
    lines = [log["message"] for log in ask(server, "logs") if log["task_run_id"] == runs["ingest@emoji"]["id"]]
    assert "reading emoji" in lines
    artifacts = {artifact["key"]: artifact["data"] for artifact in ask(server, "artifacts")}
    assert json.loads(artifacts["results"])[0]["score"] == "0.700 [0.600, 0.800]"
    assert json.loads(artifacts["results"])[0]["others"] == "macro-F1 0.500"
    assert json.loads(artifacts["results"])[0]["rows"] == "1,500 of 1,898"
    assert "| Emoji | knn | text | accuracy 0.700 [0.600, 0.800] |" in artifacts["report"]

    Path("reviews.csv").write_text("good")
    subprocess.run([sys.executable, "-m", "dvc", "repro", "ingest@reviews"], capture_output=True, check=True)
    done = run_flow("train")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 ran, 4 unchanged" in done.stdout, "the flow has nothing to do where DVC was"
    repro = subprocess.run([sys.executable, "-m", "dvc", "repro", "train"], capture_output=True, text=True, check=True)
    assert "Running stage" not in repro.stdout + repro.stderr and "up to date" in repro.stdout, "and DVC nothing where the flow was"
    cached = [run["name"] for run in ask(server, "task_runs") if run["state_name"] == "Cached"]
    assert sorted(cached) == ["check", "ingest@emoji", "ingest@reviews", "train@emoji-knn"]


WAITING = """
import os, pathlib, sys, time

def wait_for(name):
    for _ in range(600):
        if pathlib.Path(name).exists():
            return
        time.sleep(0.1)
    sys.exit(f"{name}: it never came")

name = sys.argv[1]
if name == "emoji" and not pathlib.Path("tried").exists():
    pathlib.Path("tried").touch()
    raise OSError("a disk that fails once")
if name == "emoji":
    pathlib.Path("again").touch()
    wait_for("reviews.cores")  # tried again beside what follows reviews
else:
    wait_for("tried")
    time.sleep(1)  # until the flow has heard of it
pathlib.Path(f"{name}.txt").write_text(name)
"""


def test_a_stage_that_is_tried_again_has_its_share_of_the_cores_again(server: str, project: Path) -> None:
    share = "while [ ! -e again ]; do sleep 0.1; done; cp $SENSORIUM_CORES_FILE ${item.dataset}.cores"
    Path("dvc.yaml").write_text(GRAPH.replace("cmd: cp", f"cmd: {share}; cp"))
    Path("ingest.py").write_text(WAITING)
    done = run_flow("ingest@emoji", "train@reviews-knn")
    assert done.returncode == 0 and Path("tried").exists(), done.stdout + done.stderr
    assert int(Path("reviews.cores").read_text()) in divided(n_cores(), 2)


def test_the_server_makes_the_runs_of_a_schedule(server: str) -> None:
    flow = post(f"{server}/api/flows/", name="toy")
    schedule = {"schedule": {"cron": "* * * * *", "timezone": "UTC"}, "active": True}
    post(f"{server}/api/deployments/", name="toy", flow_id=flow["id"], schedules=[schedule])
    deadline = time.monotonic() + 60
    while not ask(server, "flow_runs", flows={"name": {"any_": ["toy"]}}):
        assert time.monotonic() < deadline, Path(".prefect/server.log").read_text()[-2000:]
        time.sleep(0.5)


def test_the_schedule_announces_the_run_that_the_server_holds(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from pipelines.schedule import announce

    flow = post(f"{server}/api/flows/", name="nightly")
    schedule = {"schedule": {"cron": "30 3 * * *", "timezone": "Asia/Tokyo"}, "active": True}
    deployment = post(f"{server}/api/deployments/", name="nightly", flow_id=flow["id"], schedules=[schedule])
    with temporary_settings({PREFECT_API_URL: f"{server}/api"}):
        asyncio.run(announce(UUID(deployment["id"]), FlowEntry(cron="30 3 * * *", timezone="Asia/Tokyo")))
    held = ask(server, "flow_runs", flows={"name": {"any_": ["nightly"]}})
    first = min(held, key=lambda run: datetime.fromisoformat(run["expected_start_time"]))
    when = datetime.fromisoformat(first["expected_start_time"]).astimezone(ZoneInfo("Asia/Tokyo"))
    assert capsys.readouterr().out == f"next run: {when:%A %Y-%m-%d} 03:30 JST (30 3 * * *), {first['name']}\n"


def test_a_mistake_in_params_is_told_before_anything_starts(project: Path) -> None:
    Path(PARAMS).write_text(Path(PARAMS).read_text().replace("workers: 2", "worker: 2"))
    done = run_flow()
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 mistake(s) in params.yaml\n  params.yaml: flow.worker: unknown key (did you mean 'workers'?)")
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_the_flow_is_refused_while_another_run_has_the_workspace(project: Path) -> None:
    (project / ".sensorium").mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    lease = {"pid": other.pid, "started": psutil.Process(other.pid).create_time(), "what": "dvc repro", "since": "noon"}
    (project / ".sensorium/lock.json").write_text(json.dumps(lease))
    done = run_flow()
    other.kill()
    other.wait()
    assert done.returncode == 1
    assert done.stderr == (f"error: another run holds this workspace: dvc repro (pid {other.pid}, since noon); "
                           f"wait until it ends, or stop it with `kill {other.pid}`, then run again\n")


def test_an_unknown_target_is_told(project: Path) -> None:
    done = run_flow("nonsense")
    assert done.returncode == 1 and done.stderr.startswith("error: dvc.yaml: ") and "nonsense" in done.stderr


def test_a_taken_port_is_told(project: Path) -> None:
    Path("mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for module in ("pipelines.schedule", "pipelines.orchestration.server", "pipelines.ui"):
            done = subprocess.run([sys.executable, "-m", module, "--port", str(port)], capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert f"error: port {port} is taken" in done.stderr and "--port" in done.stderr


def test_the_dashboard_says_when_there_is_nothing_to_show(project: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pipelines.ui"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: no runs yet: mlflow.db is missing; `make run`")
    assert not Path("mlflow.db").exists()


def test_kill_9_of_the_schedule_leaves_no_server(project: Path) -> None:
    schedule = subprocess.Popen([sys.executable, "-m", "pipelines.schedule", "--port", str(free_port())], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (children := psutil.Process(schedule.pid).children()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    schedule.send_signal(signal.SIGKILL)
    schedule.wait()
    assert psutil.wait_procs(children, timeout=60)[1] == []


def test_prefect_yaml_says_what_params_say() -> None:
    deployment = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"][0]
    flow = read_params(ROOT / PARAMS)["flow"]
    assert deployment["schedules"] == [{"cron": flow["cron"], "timezone": flow["timezone"]}]
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    path, _, name = deployment["entrypoint"].partition(":")
    assert f"def {name}(" in (ROOT / path).read_text()
