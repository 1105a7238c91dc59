"""What the dashboard's leaderboard shows: its columns, the links to it, and what training cost."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from imports import ROOT
from toy_evaluation import fold_scores, toy_evaluation

from pipelines.publishing import costs
from pipelines.publishing.costs import Cost, Stopwatch, cost_of, cpu_name, keep_cost
from pipelines.publishing.leaderboard_tags import leaderboard_tags
from pipelines.publishing.links import experiments_on, leaderboard_link
from pipelines.publishing.saved_view import leaderboard_view
from pipelines.publishing.tracking import SQLITE, tracking_uri
from pipelines.ui import leaderboards
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation, FoldScores
from stages.contracts.documents.results_document import Comparison
from stages.foundation.errors import InputError
from stages.reporting.report_page import DASHBOARD

KNN, SVM, SIZE_A, SIZE_B = Candidate("knn", ("a",)), Candidate("svm", ("b",)), Candidate("size", ("a",)), Candidate("size", ("b",))
CONSTANT = Candidate("constant", ())


def against(a: Candidate, b: Candidate, difference: float, verdict: str) -> Comparison:
    return Comparison(family="baseline", metric="accuracy", a=a, b=b, difference=difference, lo=difference - 0.1, hi=difference + 0.1,
                      p_fold=0.01, p_row=0.01, p=0.01, p_corrected=0.02, wins=3, losses=1, practical=None, detectable=None,
                      rows_needed=None, verdict=verdict)


def evaluation_of_four() -> Evaluation:
    """Return an evaluation with a learner above the baselines and one that is not, and a control on two modalities and one on none."""
    scores = {SVM: fold_scores(0.7), SIZE_A: fold_scores(0.3), SIZE_B: fold_scores(0.3), CONSTANT: fold_scores(0.25),
              KNN: FoldScores(mean=0.2, lo=None, hi=None, folds=(0.2,) * 5)}
    tests = (against(KNN, SIZE_A, -0.1, "not shown"), against(KNN, CONSTANT, -0.05, "not shown"), against(SVM, SIZE_B, 0.4, "better"),
             against(SVM, CONSTANT, 0.45, "better"))
    return toy_evaluation({candidate: {"accuracy": score} for candidate, score in scores.items()}, "accuracy",
                          baselines=("constant", "size"), comparisons=tests)


def test_columns_are_rank_score_difference_and_verdict_and_a_baseline_is_ranked_once() -> None:
    assert leaderboard_tags(evaluation_of_four()) == {
        SVM: {"rank": "1", "score": "0.700 [0.600,\u00a00.800]", "vs_baseline": "+0.400 [+0.300,\u00a0+0.500]", "verdict": "better"},
        SIZE_A: {"rank": "2", "score": "0.300 [0.200,\u00a00.400]", "vs_baseline": "–", "verdict": "baseline"},
        SIZE_B: {"rank": "", "score": "0.300 [0.200,\u00a00.400]", "vs_baseline": "–", "verdict": "baseline"},
        CONSTANT: {"rank": "3", "score": "0.250 [0.150,\u00a00.350]", "vs_baseline": "–", "verdict": "baseline"},
        KNN: {"rank": "4", "score": "0.200", "vs_baseline": "−0.100 [−0.200,\u00a00.000]", "verdict": "not shown"},
    }


def test_ranks_sort_as_text() -> None:
    scores = {Candidate("svm", (f"m{i}",)): {"accuracy": fold_scores(1 - i / 20)} for i in range(12)}
    ranks = [tags["rank"] for tags in leaderboard_tags(toy_evaluation(scores, "accuracy")).values()]
    assert ranks == sorted(ranks) == [f"{rank:02}" for rank in range(1, 13)]


def test_without_a_baseline_there_is_no_difference() -> None:
    (tags,) = leaderboard_tags(toy_evaluation({KNN: {"accuracy": fold_scores(0.5)}}, "accuracy")).values()
    assert (tags["vs_baseline"], tags["verdict"]) == ("–", "–")


def test_all_columns_fit_next_to_the_open_assistant() -> None:
    state = json.loads(json.loads(leaderboard_view()["mlflow.sharedViewState.leaderboard"])["state"])
    assert list(state["columnWidths"]) == state["columnOrder"]
    assert state["selectedColumns"] == [f"tags.`{tag}`" for tag in ("rank", "score", "vs_baseline", "verdict", "cost")]
    assert sum(state["columnWidths"].values()) + 70 <= 824  # px: the box of a row; what MLflow 3.17 leaves of 1,440


# ---------------------------------------------------------------- links
@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return the part of an MLflow database that has experiments: one of ours is deleted, one is somebody else's."""
    path = tmp_path / "a b" / "mlflow.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER, lifecycle_stage TEXT, artifact_location TEXT)")
        connection.execute("CREATE TABLE experiment_tags (experiment_id INTEGER, key TEXT, value TEXT)")
        stages = [(10, "active", "touch"), (2, "active", "emoji"), (3, "deleted", "old"), (4, "active", "x")]
        connection.executemany("INSERT INTO experiments VALUES (?, ?, ?)", [
            (experiment, stage, f"{path.parent}/mlartifacts/{dataset}") for experiment, stage, dataset in stages])
        connection.executemany("INSERT INTO experiment_tags VALUES (?, ?, ?)", [
            (10, "sensorium.dataset", "touch"), (2, "sensorium.dataset", "emoji"), (3, "sensorium.dataset", "old"), (4, "other", "x")])
    return path


def test_there_is_a_link_per_data_set_in_the_order_of_publishing(database: Path) -> None:
    assert experiments_on(f"{SQLITE}{database}") == {"emoji": "2", "touch": "10"}
    view = "runs?workflowType=machine_learning&viewStateShareKey=leaderboard"
    assert leaderboards(f"{SQLITE}{database}", "http://127.0.0.1:5000").splitlines() == [
        "Leaderboards:", f"  emoji  http://127.0.0.1:5000/#/experiments/2/{view}", f"  touch  http://127.0.0.1:5000/#/experiments/10/{view}"]


def test_before_anything_was_published_no_link_is_shown(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM experiment_tags")
    assert leaderboards(f"{SQLITE}{database}", "http://127.0.0.1:5000").startswith("no leaderboards yet; `make run`")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database " * 99, encoding="utf-8")
    with pytest.raises(InputError, match=r"mlflow\.db: cannot be read as an MLflow database"):
        experiments_on(f"{SQLITE}{tmp_path / 'mlflow.db'}")


def test_links_name_the_saved_view() -> None:
    assert "viewStateShareKey=leaderboard" in leaderboard_link("1") and "mlflow.sharedViewState.leaderboard" in leaderboard_view()


def test_make_ui_prints_the_links_and_the_report_links_to_where_it_serves(database: Path) -> None:
    folder = database.parent
    (folder / "params.yaml").write_text("publish: {tracking_uri: 'sqlite:///mlflow.db'}\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    shown = subprocess.Popen([sys.executable, "-m", "pipelines.ui", "--port", str(port)], cwd=folder, env=environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert shown.stdout
    lines = [shown.stdout.readline().rstrip("\n") for _ in range(4)]
    shown.terminate()
    shown.wait()
    shown.stdout.close()
    assert lines[0].startswith(f"MLflow's dashboard: {DASHBOARD.replace('5000', str(port))} ")
    assert lines[2] == f"  emoji  http://127.0.0.1:{port}/{leaderboard_link('2')}"


# ---------------------------------------------------------------- costs
ENTRY = {"outs": [{"path": "data/models/toy/knn", "md5": "1.dir"}, {"path": "data/predictions/toy/knn", "md5": "2.dir"}]}
OUTS = {"data/models/toy/knn": "1.dir", "data/predictions/toy/knn": "2.dir"}


def test_a_cost_is_of_its_outputs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cost_of("train@toy-knn", ENTRY) is None
    cost = Cost(seconds=2.0, processor_seconds=3.25, hardware="a processor, 2 cores", outs=OUTS)
    keep_cost("train@toy-knn", cost)
    assert cost_of("train@toy-knn", ENTRY) == cost
    assert cost.tags == {"cost": "3.2 s", "hardware": "a processor, 2 cores"}
    changed = {"outs": [ENTRY["outs"][0], {**ENTRY["outs"][1], "md5": "3.dir"}]}
    assert cost_of("train@toy-knn", changed) is None
    assert [path.name for path in Path(".sensorium/costs").iterdir()] == ["train@toy-knn.json"]


def test_time_and_processor_time_are_those_of_child_processes() -> None:
    stopwatch = Stopwatch()
    started = time.process_time()
    while time.process_time() - started < 0.5:  # of this process, which does not count
        pass
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    cost = stopwatch.cost({}, n_cores=1)
    assert 0.45 < cost.processor_seconds < 0.95 and cost.seconds > 0.5  # counted in ticks of 10 ms
    assert cost.hardware == f"{cpu_name()}, 1 core"


def test_the_processor_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "CPU_INFO", tmp_path / "cpuinfo")
    assert cpu_name()
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\nmodel name\t: Fast CPU @ 3 GHz\n", encoding="utf-8")
    assert cpu_name() == "Fast CPU @ 3 GHz"


# ---------------------------------------------------------------- experiments of DVC
def test_an_experiment_in_a_copy_of_the_workspace_is_logged_to_the_database_of_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", "/elsewhere")  # DVC sets it for every stage
    assert tracking_uri(PublishEntry()) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("DVC_EXP_NAME", "mossy-bowl")
    assert tracking_uri(PublishEntry()) == "sqlite:////elsewhere/mlflow.db"
