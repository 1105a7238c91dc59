"""The main job, end to end: DVC, Prefect and MLflow agree on what was run and what came out. Everything is real."""

import json
import re
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from end_to_end import EMOJI, IDENTITY, Route, copied, dvc, files_under, locked, run, stages_run

from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.summary_document import Summary
from stages.foundation.documents import read_document

MODELS, COMBINATIONS = tuple(EMOJI["models"]), ("image", "text", "image+text")
STAGES = {"check", "ingest@emoji", "split@emoji", "featurize@emoji-image", "featurize@emoji-text", "validate@emoji",
          "control@emoji", *(f"train@emoji-{model}" for model in MODELS), "condition@emoji", "evaluate@emoji", "report", "publish"}
EVALUATION, SUMMARY = (Path(f"data/evaluation/emoji/{name}.json") for name in ("evaluation", "summary"))
# MLflow 3.17's own queries (SQLAlchemy 2.1) and, on import, its own type hints: nothing of ours
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


def test_the_flow_runs_every_stage_once_and_leaves_dvc_nothing_to_do(by_flow: Route) -> None:
    flow, repro = (by_flow.said[name] for name in ("flow", "repro"))
    assert flow.returncode == 0, flow.stdout + flow.stderr
    assert f"{len(STAGES)} stages: {len(STAGES)} ran" in flow.stdout
    assert "Data and pipelines are up to date." in repro.stdout
    assert (repro.returncode, stages_run(repro)) == (0, [])


def test_every_declared_output_is_there(by_flow: Route) -> None:
    assert set(locked(by_flow.folder)) == STAGES
    for stage, entry in locked(by_flow.folder).items():
        for out in entry["outs"]:
            path = by_flow.folder / out["path"]
            assert path.is_file() or any(path.iterdir()), f"{stage}: {out['path']} is not there"


def test_outputs_say_nothing_of_where_and_when_they_were_made(by_flow: Route) -> None:
    now = datetime.now(tz=UTC)
    names = [str(by_flow.folder), str(Path(__file__).parents[1]), sys.prefix]
    names += [now.strftime(form) for form in ("%Y-%m-%d", "%d %b %Y", "%B %d, %Y")]
    if len(socket.gethostname()) >= 6:  # a shorter name may stand in any file by chance
        names.append(socket.gethostname())
    made = files_under(by_flow.folder / "data")
    assert len(made) > len(STAGES)
    for path, content in made.items():
        for name in names:
            assert name.encode() not in content, f"data/{path} holds {name!r}"


# ---------------------------------------------------------------- MLflow
def tracked_runs(folder: Path) -> dict[str, Any]:
    """Return the runs of every experiment in the workspace's database, by id."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = client.search_experiments()
    assert [experiment.name for experiment in experiments] == ["sensorium/emoji"]
    return {run.info.run_id: run for run in client.search_runs([experiments[0].experiment_id])}


def test_every_candidate_is_a_finished_run_with_its_evaluations_metrics(by_flow: Route) -> None:
    evaluation = read_document(by_flow.folder / EVALUATION, Evaluation)
    runs = {run.info.run_name: run for run in tracked_runs(by_flow.folder).values()}
    of_combinations = {f"{model} · {combination}" for model in (*MODELS, "size") for combination in COMBINATIONS}
    assert set(runs) == {"summary", "constant", "identifiers", *of_combinations}
    for result in evaluation.candidates:
        found = runs[" · ".join(evaluation.key(result.candidate))]
        assert found.info.status == "FINISHED"
        for metric, score in result.scores.items():
            for part in ("mean", "lo", "hi"):
                assert found.data.metrics.get(f"{metric}_{part}") == getattr(score, part), f"{result.candidate} {metric}_{part}"


def test_a_logged_model_predicts_raw_samples(by_flow: Route) -> None:
    done = run(by_flow.folder, sys.executable, "-c", PREDICT)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert set(answers) == {f"emoji-{model}" for model in MODELS}
    for name, answer in answers.items():
        assert answer["logged"] == answer["saved"], name
        assert len(answer["logged"]) == EMOJI["datasets"]["emoji"]["rows"]


def test_the_example_of_the_docs_predicts(by_flow: Route) -> None:
    page = (Path(__file__).parents[1] / "docs/dashboard.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    done = run(by_flow.folder, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "label" in done.stdout


PREDICT = """
import json
from pathlib import Path
import mlflow
from stages.contracts.paths import models_dir, samples_path
from stages.training.prediction import Predictor
from stages.foundation.tables import read_table

mlflow.set_tracking_uri("sqlite:///mlflow.db")
samples = read_table(samples_path("emoji"))
frame, answers = samples.select(["image", "text"]).to_pandas(), {}
experiment = mlflow.get_experiment_by_name("sensorium/emoji").experiment_id
for logged in mlflow.search_logged_models([experiment], output_format="list"):
    model = mlflow.pyfunc.load_model(logged.model_uri)
    needed = model.metadata.get_input_schema().input_names()
    saved = Predictor.load(models_dir("emoji", logged.name.split("-")[1])).predict({name: samples[name] for name in needed}).predictions
    answers[logged.name] = {"logged": list(model.predict(frame[needed])["label"]), "saved": saved}
print(json.dumps(answers))
"""


# ---------------------------------------------------------------- DVC's own views
@pytest.fixture(scope="module")
def experiment(by_flow: Route, tmp_path_factory: pytest.TempPathFactory) -> Route:
    """Return a workspace whose run is committed, after `dvc exp run` with other numbers of neighbours."""
    folder = copied(by_flow.folder, tmp_path_factory.mktemp("experiment") / "workspace")
    for command in (["add", "-A"], [*IDENTITY, "commit", "-q", "-m", "run"], ["config", "user.name", "t"], ["config", "user.email", "t@t"]):
        assert run(folder, "git", *command).returncode == 0
    return Route(folder, {"exp": dvc(folder, "exp", "run", "-S", "models.knn.n_neighbors=[1,3]")})


def test_an_experiment_runs_only_what_its_parameter_touches(experiment: Route) -> None:
    said = experiment.said["exp"]
    assert said.returncode == 0, said.stdout + said.stderr
    assert stages_run(said) == ["check", "train@emoji-knn", "condition@emoji", "evaluate@emoji", "report", "publish"]


def test_metrics_and_plots_are_shown(experiment: Route) -> None:
    shown = json.loads(dvc(experiment.folder, "metrics", "show", "--json").stdout)
    summary = json.loads((experiment.folder / SUMMARY).read_text(encoding="utf-8"))
    assert shown[""]["data"][str(SUMMARY)]["data"] == summary
    assert set(summary["models"]) == {*MODELS, *EMOJI["controls"]} - {"persistence"}  # not applicable
    said = dvc(experiment.folder, "plots", "show")
    assert said.returncode == 0, said.stderr
    page = (experiment.folder / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    for name in ("leaderboard", "confusion"):
        assert f"data/report/plots/emoji/{name}.svg" in page


def test_an_experiment_is_not_the_current_leaderboard(experiment: Route) -> None:
    query = "SELECT run_uuid, key, value FROM tags WHERE key IN ('current', 'dvc_experiment', 'model')"
    tags: dict[str, dict[str, str]] = {}
    with closing(sqlite3.connect(experiment.folder / "mlflow.db")) as connection:
        for run_id, key, value in connection.execute(query):
            tags.setdefault(run_id, {})[key] = value
    added = [of_run for of_run in tags.values() if "dvc_experiment" in of_run]
    assert {of_run.get("model") for of_run in added} == {"knn", None}  # None: the summary
    assert {of_run["current"] for of_run in added} == {"false"}
    assert {of_run["current"] for of_run in tags.values() if "dvc_experiment" not in of_run} == {"true"}


def test_an_experiment_is_compared_with_its_origin(experiment: Route, by_flow: Route) -> None:
    old, new = (read_document(route.folder / SUMMARY, Summary).models["knn"] for route in (by_flow, experiment))
    assert old and new and old != new
    diff = json.loads(dvc(experiment.folder, "metrics", "diff", "--json").stdout)
    assert diff[str(SUMMARY)]["models.knn"] == {"old": old, "new": new, "diff": pytest.approx(new - old)}
    table = dvc(experiment.folder, "exp", "show", "--only-changed", "--md").stdout
    row = next(line for line in table.splitlines() if re.search(r"└── \w+ \[[a-z-]+\]", line))
    assert "[1, 3]" in row and f"{new:.4g}" in row
