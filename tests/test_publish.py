"""Publishing is a projection: what DVC tracks stands on the server, once, and can be brought back. Real DVC, real MLflow."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow as pa
import pyarrow.csv
import pytest
import yaml
from loopback import answer, free_port, running
from toy_predictions import CONTROLS, Toy
from toy_results import REPOSITORY, TOYS, make_workspace

from pipelines import publish
from pipelines.publishing import descriptions
from pipelines.publishing.costs import Cost, keep_cost
from pipelines.publishing.dataset_records import COST_FIGURE
from pipelines.publishing.links import leaderboard_link
from pipelines.publishing.lock_entries import md5_of, read_lock
from pipelines.publishing.metric_values import metric_names
from pipelines.publishing.model_code import ROOT, copy_code, predicting_files, requirements
from pipelines.publishing.run_params import chosen_settings
from pipelines.publishing.tracking import tracking_uri
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import ChosenConfig, Evaluation, FoldScores
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import evaluation_path, samples_path, skipped_path, validation_path
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError
from stages.foundation.parallel import n_cores
from stages.foundation.registry import names
from stages.foundation.tables import read_json, read_table, write_table
from stages.model_selection.target_forms import FORMS
from stages.reporting.leaderboard import ranked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

# MLflow 3.17's own queries (SQLAlchemy 2.1), frames (pandas 3.1) and type hints: nothing of ours
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "CI": "true",
         # a pooled connection would go on reading a database file that a test has deleted
         "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}
N_RUNS = sum(sum(map(len, toy.skill.values())) + 1 for toy in TOYS)


def dvc(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC with this interpreter first on the path."""
    # one core: `make test` has a process for each
    environment = {**os.environ, **QUIET, "SENSORIUM_CORES": "1", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=workspace, env=environment, capture_output=True, text=True,
                          check=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace after its first `dvc repro`, the path with a space in it."""
    root = tmp_path_factory.mktemp("publish") / "a work space"
    root.mkdir()
    make_workspace(root)
    done = dvc(root, "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@contextmanager
def working_in(root: Path) -> Iterator[Path]:
    """Work in a workspace, without MLflow's telemetry."""
    import mlflow

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, value in QUIET.items():
            patch.setenv(name, value)
        yield root
    mlflow.set_tracking_uri(None)


@pytest.fixture
def seen(published: Path) -> Iterator[Path]:
    """Work in the published workspace, for tests that only look at it."""
    with working_in(published):
        yield published


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the published workspace, to change, as the current folder."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()  # in one process the copy's runs, which have the same ids, would be those of the original
    with working_in(shutil.copytree(published, tmp_path / "copy")) as root:
        yield root


def client() -> "MlflowClient":
    from mlflow import MlflowClient  # not above: every process of `make test` reads this file, one needs MLflow (2 s)

    return MlflowClient(tracking_uri(PublishEntry()))


def runs_of(dataset: str) -> "dict[str, Run]":
    """Return a data set's active runs by id."""
    experiment = client().get_experiment_by_name(f"sensorium/{dataset}")
    assert experiment is not None
    return {run.info.run_id: run for run in client().search_runs([experiment.experiment_id])}


def all_runs() -> "dict[str, Run]":
    return {run_id: run for toy in TOYS for run_id, run in runs_of(toy.dataset).items()}


def run_named(dataset: str, name: str) -> "Run":
    """Return the current run of a name."""
    found = [run for run in runs_of(dataset).values() if run.info.run_name == name and run.data.tags["current"] == "true"]
    assert len(found) == 1
    return found[0]


def artifact(run: "Run", name: str) -> Path:
    return Path(client().download_artifacts(run.info.run_id, name))


def remake(workspace: Path, change: Any) -> None:
    """Change a made result and let DVC's stages copy it, without publishing."""
    change(workspace / "made")
    done = dvc(workspace, "repro", "report", "evaluate")
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- what stands there
@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.dataset)
def test_every_candidate_is_a_finished_run_with_the_metrics_of_its_evaluation(seen: Path, toy: Any) -> None:
    evaluation = read_document(evaluation_path(toy.dataset), Evaluation)
    assert len(evaluation.candidates) == sum(map(len, toy.skill.values()))
    for result in evaluation.candidates:
        run = run_named(toy.dataset, " · ".join(evaluation.key(result.candidate)))
        assert run.info.status == "FINISHED"
        for metric, score in result.scores.items():
            for part in ("mean", "lo", "hi"):
                assert run.data.metrics.get(f"{metric}_{part}") == getattr(score, part)
            history = client().get_metric_history(run.info.run_id, f"fold/{metric}")
            values = [point.value for point in sorted(history, key=lambda point: point.step)]
            assert values == [value for value in score.folds if value is not None]


def test_there_is_one_experiment_per_data_set_and_no_other(seen: Path) -> None:
    assert sorted(experiment.name for experiment in client().search_experiments()) == [f"sensorium/{toy.dataset}" for toy in TOYS]
    assert len(all_runs()) == N_RUNS


def test_a_run_says_what_it_is(seen: Path) -> None:
    run, lock = run_named("alpha", "knn · image+text"), read_lock()
    tags = run.data.tags
    assert (tags["dataset"], tags["model"], tags["modalities"], tags["fusion"], tags["n_modalities"]) == (
        "alpha", "knn", "image+text", "early", "2")
    assert (tags["kind"], tags["mlflow.source.name"]) == ("run", "train@alpha-knn")
    assert (tags["task"], tags["baseline"]) == ("multiclass", "false")
    assert run_named("gamma", "constant").data.tags["baseline"] == "true"
    assert run_named("gamma", "constant").data.tags["task"] == "regression"
    assert "mlflow.source.git.commit" not in tags or len(tags["mlflow.source.git.commit"]) == 40
    params = run.data.params
    assert (params["model"], params["modalities"], params["fusion"]) == ("knn", "image+text", "early")
    assert (params["grid.n_neighbors"], params["split.n_splits"], params["features.image.size"]) == ("1, 3, 5", "5", "8, 8")
    assert params["chosen.n_neighbors"].split()[0] in {"1", "3", "5"}
    assert "accuracy" in tags["mlflow.note.content"]
    of_mlp = run_named("alpha", "mlp · image+text").data  # one value of hidden_layer_sizes, two of learning_rate_init
    assert of_mlp.params["fixed.hidden_layer_sizes"] == "[8]" and "chosen.learning_rate_init" in of_mlp.params
    assert "learning_rate_init = " in of_mlp.tags["mlflow.note.content"] and "layer" not in of_mlp.tags["mlflow.note.content"]
    source = run.inputs.dataset_inputs[0].dataset
    assert (source.name, source.digest) == ("alpha", lock["ingest@alpha"]["outs"][0]["md5"])


@pytest.mark.parametrize(("dataset", "first", "baseline"), [
    ("alpha", "accuracy", "majority"), ("beta", "micro-F1", "majority"), ("gamma", "R²", "mean")])
def test_notes_put_the_metric_of_the_task_first_and_call_the_baseline_by_what_it_predicts(
    seen: Path, dataset: str, first: str, baseline: str
) -> None:
    evaluation = read_document(evaluation_path(dataset), Evaluation)
    combination = "+".join(evaluation.combinations[0])
    note = run_named(dataset, f"knn · {combination}").data.tags["mlflow.note.content"]
    rows = [line.split("&nbsp;&nbsp; |") for line in note.splitlines() if line.startswith("|")]
    titles = [metric.title for metric in evaluation.metrics]
    assert titles[0] == first and [row[0].removeprefix("| ").removesuffix(" ↓") for row in rows[2:2 + len(titles)]] == titles
    assert f"| {baseline}&nbsp;" in note and "constant" not in note
    note = run_named(dataset, "constant").data.tags["mlflow.note.content"]
    assert note.startswith(f"**{baseline}**, a baseline: it looks at no modality.")
    summary = run_named(dataset, "summary").data
    assert summary.tags["mlflow.note.content"].count(f"| {baseline}&nbsp;") == 1  # once, not for each combination
    names = [metric.name for metric in evaluation.metrics]
    assert {f"best/{name}_mean" for name in names} <= set(summary.metrics)
    params = run_named(dataset, f"knn · {combination}").data.params
    assert [name for name in params if name.startswith("train.")] == ["train.scoring"]
    assert params["train.scoring"] == evaluation.primary.name


def test_what_was_chosen_is_written_as_the_grid_is() -> None:
    linear = {"C": 10.0, "gamma": None, "kernel": "linear"}
    settings = [linear, {"C": 0.5, "gamma": 3.0, "kernel": "rbf"}, linear]
    assert chosen_settings([ChosenConfig(repeat=0, fold=0, config=0, settings=entry, inner_score=None) for entry in settings]) == {
        "C": "10 (2 of 3 folds), 0.5 (1 of 3 folds)", "gamma": "none (2 of 3 folds), 3 (1 of 3 folds)",
        "kernel": "linear (2 of 3 folds), rbf (1 of 3 folds)"}


def test_of_one_official_test_split_a_note_has_scores_and_no_folds(seen: Path) -> None:
    score = FoldScores(mean=0.5, lo=0.25, hi=0.75, folds=(0.5,))
    evaluation = read_document(evaluation_path("alpha"), Evaluation)
    evaluation = evaluation.model_copy(update={"n_folds": 1, "metrics": evaluation.metrics[:1], "comparisons": ()})
    result = evaluation.result(Candidate("knn", ("image", "text"))).model_copy(update={"scores": {"accuracy": score}})
    note = descriptions.run_note(evaluation, result, {})
    assert "outer" not in note and "mean" not in note
    assert f"**kNN** on **image + text** of {evaluation.title}: the official test split" in note
    assert "| accuracy&nbsp;&nbsp; | 0.500&nbsp;&nbsp; | 0.250 to 0.750&nbsp;&nbsp; |" in note


def test_training_curves_and_the_curve_of_neighbors_are_steps(seen: Path) -> None:
    curves = [name for name in run_named("alpha", "mlp · image").data.metrics if name.startswith("curve/")]
    assert {f"curve/train_loss/fold {fold}" for fold in range(5)} <= set(curves)
    history = client().get_metric_history(run_named("alpha", "mlp · image").info.run_id, curves[0])
    assert len(history) > 1
    assert min(point.step for point in history) == 1
    k_curve = client().get_metric_history(run_named("alpha", "knn · image").info.run_id, "inner/by_n_neighbors")
    assert sorted(point.step for point in k_curve) == [1, 3, 5]


def test_a_runs_tables_hold_the_rows_of_its_candidate(seen: Path) -> None:
    run = run_named("alpha", "knn · text")
    predictions = pyarrow.csv.read_csv(artifact(run, "predictions.csv"))
    assert predictions.num_rows == TOYS[0].n_samples
    assert {"target", "prediction", "correct", "probability apple"} <= set(predictions.column_names)
    assert set(predictions["target"].to_pylist()) <= set(TOYS[0].outputs)
    sweep = pyarrow.csv.read_csv(artifact(run, "sweep.csv"))
    assert {"n_neighbors", "metric", "score", "chosen"} <= set(sweep.column_names)
    for name in ("validation.html", "figures/confusion.svg"):
        assert artifact(run, name).is_file()


def test_the_summary_holds_leaderboard_and_report(seen: Path) -> None:
    run = run_named("beta", "summary")
    evaluation = read_document(evaluation_path("beta"), Evaluation)
    board = pyarrow.csv.read_csv(artifact(run, "leaderboard.csv"))
    assert board["model"].to_pylist() == [found.model for found in evaluation.ranked()]
    assert artifact(run, "report.html").read_text(encoding="utf-8") == Path("data/report/report.html").read_text(encoding="utf-8")
    assert run.data.params["best.model"] == evaluation.best.model
    assert run.data.params["best.modalities"] == evaluation.best.combination


def test_labels_and_numbers_are_metrics_and_columns_of_their_own(seen: Path) -> None:
    labels, numbers = run_named("beta", "knn · text"), run_named("gamma", "knn · series")
    of_labels = read_document(evaluation_path("beta"), Evaluation).result(Candidate("knn", ("text",))).by_output
    assert labels.data.metrics["f1/ripe _soft_"] == of_labels["macro_f1"][1]
    assert labels.data.metrics["average_precision/red"] == of_labels["average_precision"][0]
    of_numbers = read_document(evaluation_path("gamma"), Evaluation).result(Candidate("knn", ("series",))).by_output
    expected = {f"{metric}/{name}": of_numbers[metric][place] for metric in ("r2", "rmse", "mae")
                for place, name in enumerate(("length_ m", "mass"))}
    assert {name: numbers.data.metrics[name] for name in expected} == expected
    table = pyarrow.csv.read_csv(artifact(labels, "predictions.csv"))
    assert set(table["target"].to_pylist()) <= {None, "", "red", "ripe (soft)", "red; ripe (soft)"}
    assert {"prediction", "correct", "probability red", "probability ripe (soft)"} <= set(table.column_names)
    table = pyarrow.csv.read_csv(artifact(numbers, "predictions.csv"))
    assert table.column_names[3:] == ["target length, m", "prediction length, m", "target mass", "prediction mass"]
    assert run_named("gamma", "summary").data.metrics["quarantined_share"] == 0


def test_names_of_outputs_become_names_of_metrics() -> None:
    assert metric_names(["a/b", "a?b", "très", "ok 1"]) == ["a_b", "a_b 2", "tr_s", "ok 1"]


def test_skipped_samples_are_a_table_of_the_summary(workspace: Path) -> None:
    def leave_out(made: Path) -> None:
        bad = pa.table({"sample_id": ["x,1"], "modality": ["text"], "reason": ["empty"]})
        write_table(made / skipped_path("beta"), bad, SkippedMetadata(dataset="beta", share=0.25))
        path = made / "data/evaluation/beta/evaluation.json"
        evaluation = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(evaluation | {"quarantined": {"rows": 1, "share": 0.25}}), encoding="utf-8")

    remake(workspace, leave_out)
    publish.main()
    run = run_named("beta", "summary")
    assert run.data.metrics["quarantined_share"] == 0.25
    assert pyarrow.csv.read_csv(artifact(run, "quarantine.csv")).to_pylist() == [
        {"sample_id": "x,1", "modality": "text", "reason": "empty"}]


def test_a_saved_view_ranks_the_runs_as_the_report_does(seen: Path) -> None:
    experiment = client().get_experiment_by_name("sensorium/alpha")
    assert experiment is not None
    state = json.loads(json.loads(experiment.tags["mlflow.sharedViewState.leaderboard"])["state"])
    found = client().search_runs([experiment.experiment_id], state["searchFilter"], order_by=[f"{state['orderByKey']} ASC"])
    evaluation = read_document(evaluation_path("alpha"), Evaluation)
    assert [run.info.run_name for run in found] == [" · ".join(evaluation.key(row.candidate)) for row in ranked(evaluation)]
    assert [run.data.tags["model"] for run in found].count("constant") == 1
    columns = {column.removeprefix("tags.`").rstrip("`") for column in state["selectedColumns"]} - {"cost"}  # of `make run` and the flow
    assert all(columns <= run.data.tags.keys() for run in found)
    assert f"[Leaderboard]({leaderboard_link(experiment.experiment_id)})" in experiment.tags["mlflow.note.content"]


def test_a_summary_names_the_results_that_the_report_shows(seen: Path) -> None:
    assert run_named("alpha", "summary").data.tags["results"] == md5_of(evaluation_path("alpha"))


def test_the_duration_of_a_run_is_that_of_its_training(workspace: Path) -> None:
    assert {run.info.end_time - run.info.start_time for run in all_runs().values()} == {0}  # of plain `dvc repro` none is known
    outs = {item["path"]: item["md5"] for item in read_lock()["train@alpha-knn"]["outs"]}
    keep_cost("train@alpha-knn", Cost(seconds=12.5, processor_seconds=20.0, hardware="a processor, 2 cores", outs=outs,
                                        peak_bytes=300_000_000))
    Path("mlflow.db").unlink()
    publish.main()
    run, other = run_named("alpha", "knn · text"), run_named("alpha", "mlp · text")
    assert run.info.end_time - run.info.start_time == 12_500 and other.info.end_time == other.info.start_time
    assert (run.data.tags["cost"], run.data.tags["hardware"]) == ("20.0 s", "a processor, 2 cores") and "cost" not in other.data.tags
    found = {name: run.data.metrics.get(f"cost/{name}") for name in ("seconds", "cpu_seconds", "peak_memory_mb", "machine_joules")}
    assert found == {"seconds": 12.5, "cpu_seconds": 20.0, "peak_memory_mb": 300.0, "machine_joules": None}
    assert not [name for name in other.data.metrics if name.startswith("cost/")]
    summary = run_named("alpha", "summary")
    figure = Path(summary.info.artifact_uri, COST_FIGURE).read_text(encoding="utf-8")
    assert "Score against cost on alpha" in figure and "kNN" in figure and "MLP" not in figure


def test_a_run_with_a_model_has_its_size_and_the_time_of_a_prediction(seen: Path) -> None:
    evaluation = read_document(evaluation_path("alpha"), Evaluation)
    about = read_document(Path("data/models/alpha/knn/model.json"), SavedModel)
    runs = {found.candidate: run_named("alpha", " · ".join(evaluation.key(found.candidate))) for found in evaluation.candidates}
    mine = runs[about.candidate].data.metrics
    assert mine["model/bytes"] == sum(path.stat().st_size for path in Path("data/models/alpha/knn").iterdir())
    n = evaluation.rows.used
    assert mine["model/stored_numbers"] == sum(math.prod(shape) for shape in about.arrays.values()) > mine["model/parameters"] > n
    assert mine["predict/batch_rows"] == n and min(mine["predict/one_ms"], mine["predict/batch_ms"]) > 0
    others = [run for candidate, run in runs.items() if candidate.model == "knn" and candidate != about.candidate]
    assert others and not [name for run in others for name in run.data.metrics if name.startswith(("model/", "predict/"))]


# ---------------------------------------------------------------- models
def test_a_model_asks_for_what_its_files_import_in_turn() -> None:
    packages = {line.partition("==")[0] for line in requirements(predicting_files("knn", ["audio"]))}
    assert {"mlflow", "numba", "numpy", "scikit-learn", "skops", "soundfile"} <= packages
    assert not {"numba", "soundfile", "torch"} & {line.partition("==")[0] for line in requirements(predicting_files("linear", ["table"]))}


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_the_example_of_a_published_model_has_every_modality() -> None:
    from pipelines.publishing.logged_models import complete_samples  # MLflow warns when it is imported

    samples = pa.table({"a": pa.array([None, [1.0], [2.0], [3.0]]), "b": ["x", None, "y", "z"]})
    assert complete_samples(samples).to_pydict() == {"a": [[2.0], [3.0]], "b": ["y", "z"]}


def test_encoders_travel_with_a_network() -> None:
    of_network = predicting_files("network", ["image"])
    assert "torch" in {line.partition("==")[0] for line in requirements(of_network)}
    assert {f"{name}.py" for name in names("network_encoders")} <= {path.name for path in of_network}


IMPORT = """
import importlib, json, sys
for model, (folder, modules) in json.loads(sys.argv[1]).items():
    for name in [name for name in sys.modules if name.partition(".")[0] == "stages"]:
        del sys.modules[name]  # other libraries stay: to import them takes seconds
    sys.path[0] = folder
    importlib.invalidate_caches()
    try:
        for module in modules:
            assert importlib.import_module(module).__file__.startswith(folder), module
        from stages.foundation.registry import component
        assert [component("modalities", name) for name in sys.argv[2:]] and component("models", model)
    except ImportError as error:
        sys.exit(f"{model}: {error}")
"""


def test_the_files_that_travel_with_a_model_are_all_that_it_imports(tmp_path: Path) -> None:
    modalities, folders = names("modalities"), {}
    for model in names("models"):
        files = predicting_files(model, modalities)
        assert 20 < len(files) < len(list(ROOT.rglob("*.py"))) / 2
        copy_code(files, tmp_path / model)
        modules = [file.relative_to(ROOT.parent).with_suffix("").parts for file in files if file.suffix == ".py"]
        folders[model] = str(tmp_path / model), [".".join(parts).removesuffix(".__init__") for parts in modules]
    command = [sys.executable, "-c", IMPORT, json.dumps(folders), *modalities]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_relative_imports_and_data_beside_a_component_travel_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "stages"
    for name, text in {"training/prediction.py": "", "models/a/__init__.py": "from ...numerics import b\n",
                       "numerics/b.py": "from . import c\nimport numba\n", "numerics/c.py": "", "numerics/d.py": "",
                       "modalities/m/__init__.py": "from .w import x\n", "modalities/m/w.py": "", "modalities/m/words.txt": "a b",
                       "modalities/other/__init__.py": ""}.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("pipelines.publishing.model_code.ROOT", root)
    found = predicting_files("a", ["m"])
    assert [str(path.relative_to(root)) for path in found] == [
        "modalities/m/__init__.py", "modalities/m/w.py", "modalities/m/words.txt", "models/a/__init__.py", "numerics/b.py",
        "numerics/c.py", "training/prediction.py"]  # fmt: skip
    assert any(line.startswith("numba==") for line in requirements(found))


LOAD = """
import sys, json, mlflow
mlflow.set_tracking_uri(sys.argv[1])
models = [mlflow.pyfunc.load_model(uri) for uri in sys.argv[2:]]  # each with its own code, which is not that of the workspace
examples = [mlflow.models.Model.load(uri).load_input_example() for uri in sys.argv[2:]]
for model, example in zip(models, examples):
    code = model.unwrap_python_model().code
    assert code.modules and all("mlartifacts" in module.__file__ for module in code.modules.values())
    assert not set(code.modules) & set(sys.modules)
    frame = model.predict(example)
    outputs = len(model.metadata.signature.outputs.inputs)
    print(json.dumps({"columns": list(frame.columns), "rows": frame.values.tolist(), "outputs": outputs}))
"""
LOADED = ("alpha-knn", "beta-mlp", "gamma-mlp")


def test_models_predict_raw_samples_far_from_the_workspace_in_one_process(seen: Path, tmp_path: Path) -> None:
    logged = {name: logged_model(name) for name in LOADED}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    uris = [model.model_uri for model in logged.values()]
    done = subprocess.run([sys.executable, "-c", LOAD, tracking_uri(PublishEntry()), *uris], cwd=tmp_path,
                          env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, line in zip(logged, done.stdout.splitlines()[-len(LOADED):], strict=True):
        check_answer(json.loads(line), TOYS[[toy.dataset for toy in TOYS].index(name.partition("-")[0])])


def logged_model(name: str) -> "LoggedModel":
    """Return the model that was logged with a candidate's run, which holds no pickle and names what it needs."""
    dataset, kind = name.split("-")
    experiment = client().get_experiment_by_name(f"sensorium/{dataset}")
    assert experiment is not None
    logged = {model.name: model for model in client().search_logged_models([experiment.experiment_id])}
    assert sorted(logged) == [f"{dataset}-{model}" for model in sorted({*TOYS[0].skill} - {*CONTROLS})]
    run = client().get_run(logged[name].source_run_id)
    assert (run.data.tags["model"], run.info.status) == (kind, "FINISHED")
    files = {path.suffix for path in Path(logged[name].artifact_location).rglob("*") if path.is_file()}
    assert not files & {".pkl", ".pickle", ".joblib", ".pt"}
    needed = Path(logged[name].artifact_location, "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", line) for line in needed)
    assert not any(line.startswith("torch==") for line in needed)
    return logged[name]


def check_answer(answer: dict[str, Any], toy: Toy) -> None:
    """Assert that a model's predictions have the columns of its signature, and that each is one that its data set allows."""
    assert answer["outputs"] == len(answer["columns"])
    if toy.task == "regression":
        assert answer["columns"] == list(toy.outputs)
        assert all(math.isfinite(value) for row in answer["rows"] for value in row)
        return
    predicted, probabilities = [row[0] for row in answer["rows"]], [row[1:] for row in answer["rows"]]
    assert answer["columns"] == ["labels" if toy.task == "multilabel" else "label", *(f"probability {name}" for name in toy.outputs)]
    if toy.task == "multilabel":
        assert all(set(labels) <= set(toy.outputs) for labels in predicted)
        assert all(0 <= value <= 1 for row in probabilities for value in row)
    else:
        assert set(predicted) <= set(toy.outputs)
        assert [sum(row) for row in probabilities] == pytest.approx([1.0] * len(predicted), abs=1e-5)


def test_the_documented_request_is_answered_by_the_served_model(seen: Path, tmp_path: Path) -> None:
    """The commands of the page, with a free port and a picture of the data set. The toy's best model reads the image alone; MLflow then
    leaves the text out of the request with a warning.
    """
    page = (REPOSITORY / "docs/dashboard.md").read_text(encoding="utf-8").partition("## Serve a published model")[2]
    serve, request = re.findall(r"^```bash\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    model, port = logged_model("alpha-knn"), free_port()
    assert model.tags["mlflow.note.content"].startswith("Loading this model runs the Python code in its folder")
    picture = read_table(samples_path("alpha"))["image"][0].as_py()
    (tmp_path / "face.png").write_bytes(picture)
    commands = re.sub(r"models:/\S+", f"models:/{model.model_id}", serve).replace("5001", str(port))
    commands = commands.replace("source .venv/bin/activate\n", "")
    patient = "600"  # the first request compiles, perhaps next to other tests
    with running(["bash", "-c", commands], seen, MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT=patient):
        answer(f"http://127.0.0.1:{port}/ping")
        done = subprocess.run(["bash", "-c", request.replace("5001", str(port))], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["predictions"]
    assert set(row) == {"label", *(f"probability {name}" for name in TOYS[0].outputs)} and row["label"] in TOYS[0].outputs
    assert sum(value for name, value in row.items() if name != "label") == pytest.approx(1, abs=1e-5)
    log = seen.with_suffix(".log").read_text(encoding="utf-8")
    assert f"http://127.0.0.1:{port}" in log and "0.0.0.0" not in log, "it listens on this machine alone"


def test_a_logged_model_names_its_predictions_unless_they_are_numbers() -> None:
    from pipelines.publishing.model_script import PREDICTION  # not above: MLflow warns when it is imported

    assert set(PREDICTION) == {form for form, kept in FORMS.items() if kept.has_probabilities}
    assert len(set(PREDICTION.values())) == len(PREDICTION)


# ---------------------------------------------------------------- once, again, and back
def test_publishing_again_adds_nothing_and_changes_nothing(workspace: Path) -> None:
    publish.main()  # finds the artifacts of the copied workspace
    before = {run_id: run.to_dictionary() for run_id, run in all_runs().items()}
    receipt = publish.RECEIPT.read_bytes()
    publish.main()
    assert {run_id: run.to_dictionary() for run_id, run in all_runs().items()} == before
    assert publish.RECEIPT.read_bytes() == receipt


def test_a_data_set_whose_stages_failed_is_left_out_and_comes_back(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish.main("--without=alpha")
    assert "alpha: skipped, a stage of it failed in the last run" in capsys.readouterr().err
    assert "alpha" not in json.loads(publish.RECEIPT.read_text("utf-8"))
    current = [run for run in all_runs().values() if run.data.tags["current"] == "true"]
    publish.main()
    assert 0 < len(current) < len([run for run in all_runs().values() if run.data.tags["current"] == "true"]) == len(all_runs()) == N_RUNS
    with pytest.raises(InputError, match="unknown option '--all'; allowed: --without"):
        publish.main("--all")


def test_runs_whose_artifacts_were_deleted_come_back(workspace: Path) -> None:
    shutil.rmtree("mlartifacts/beta")
    publish.main()
    assert len(all_runs()) == N_RUNS
    assert artifact(run_named("beta", "knn · text"), "predictions.csv").is_file()


def test_artifacts_are_found_where_the_workspace_was_moved(workspace: Path, published: Path) -> None:
    publish.main()
    paths = {run.info.artifact_uri for run in all_runs().values()}
    assert all(str(workspace) in path and str(published) not in path for path in paths)
    assert len(all_runs()) == N_RUNS


def test_a_deleted_experiment_is_restored(workspace: Path) -> None:
    publish.main()
    experiment = client().get_experiment_by_name("sensorium/alpha")
    assert experiment is not None
    client().delete_experiment(experiment.experiment_id)
    publish.main()
    assert len(all_runs()) == N_RUNS


@pytest.mark.parametrize("processes", [1, 2])
def test_an_empty_server_is_refilled_and_a_publish_that_is_killed_meanwhile_leaves_no_half_run(workspace: Path, processes: int) -> None:
    before = {run.data.tags["sensorium.key"]: run.data.metrics for run in all_runs().values()}
    Path("mlflow.db").unlink()
    shutil.rmtree("mlartifacts")
    if processes > 1:
        publish.RECEIPT.unlink()  # it says that there is no news
    process = subprocess.Popen([sys.executable, "-m", "pipelines.publish"], env={**os.environ, **QUIET}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    # into the second model, by when some runs are finished
    while len(list(Path("mlartifacts").glob("*/models/*/artifacts"))) < 2 * processes and time.monotonic() < deadline:
        time.sleep(0.02)
    beside = psutil.Process(process.pid).children(recursive=True)
    assert len(beside) == (0 if processes == 1 or n_cores() == 1 else 2)  # the other, and what looks after its semaphores
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(beside, timeout=10)[1]
    left = {run.info.status for run in all_runs().values()}
    assert "FINISHED" in left and ("RUNNING" in left or len(all_runs()) < N_RUNS)
    publish.main()
    assert len(all_runs()) == N_RUNS
    assert {run.data.tags["sensorium.key"]: run.data.metrics for run in all_runs().values()} == before
    assert {run.info.status for run in all_runs().values()} == {"FINISHED"}
    for toy in TOYS:
        experiment = client().get_experiment_by_name(f"sensorium/{toy.dataset}")
        assert experiment is not None
        names = sorted(model.name for model in client().search_logged_models([experiment.experiment_id]))
        assert names == sorted(f"{toy.dataset}-{model}" for model in toy.skill if model not in CONTROLS)


# ---------------------------------------------------------------- when results change
def give(candidate: dict[str, Any], metric: str, value: float) -> None:
    """Give a candidate of evaluation.json another score on a metric that does not rank, the same on every fold."""
    score = candidate["scores"][metric]
    candidate["scores"][metric] = {"mean": value, "lo": value, "hi": value, "folds": [value] * len(score["folds"])}


def test_new_results_are_a_new_run_and_the_old_one_stays_as_history(workspace: Path) -> None:
    before = set(all_runs())

    def better(made: Path) -> None:
        path = made / "data/evaluation/alpha/evaluation.json"
        evaluation = json.loads(path.read_text(encoding="utf-8"))
        result = next(found for found in evaluation["candidates"] if (found["model"], found["modalities"]) == ("knn", ["text"]))
        give(result, "macro_f1", 0.99)
        path.write_text(json.dumps(evaluation), encoding="utf-8")

    remake(workspace, better)
    publish.main()
    added = [run for run_id, run in all_runs().items() if run_id not in before]
    assert sorted(run.info.run_name for run in added) == ["knn · text", "summary"]
    assert run_named("alpha", "knn · text").data.metrics["macro_f1_mean"] == 0.99
    replaced = [run.info.run_name for run in all_runs().values() if run.data.tags["current"] == "false"]
    assert sorted(replaced) == ["knn · text", "summary"]


def test_an_experiment_of_dvc_adds_its_runs_and_leaves_the_leaderboard_alone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def worse(made: Path) -> None:
        path = made / "data/evaluation/alpha/evaluation.json"
        evaluation = json.loads(path.read_text(encoding="utf-8"))
        give(next(found for found in evaluation["candidates"] if found["model"] == "knn"), "macro_f1", 0.01)
        evaluation["title"] = "Another"
        path.write_text(json.dumps(evaluation), encoding="utf-8")

    before, note = {run_id: run.data.tags for run_id, run in all_runs().items()}, note_of("alpha")
    remake(workspace, worse)
    monkeypatch.setenv("DVC_EXP_NAME", "mossy-bowl")
    monkeypatch.setenv("DVC_ROOT", str(workspace))
    publish.main()
    after = {run_id: run.data.tags for run_id, run in all_runs().items()}
    assert {run_id: after[run_id] for run_id in before} == before and note_of("alpha") == note
    added = [tags for run_id, tags in after.items() if run_id not in before]
    assert sorted(tags["mlflow.runName"] for tags in added) == ["knn · image", "summary"]
    assert {(tags["dvc_experiment"], tags["current"]) for tags in added} == {("mossy-bowl", "false")}
    monkeypatch.delenv("DVC_EXP_NAME")
    publish.main()  # the experiment is kept: `dvc exp apply`, then `make publish`
    assert run_named("alpha", "knn · image").data.tags["dvc_experiment"] == "mossy-bowl" and "Another" in note_of("alpha")


def test_a_new_figure_refreshes_the_run_in_place(workspace: Path) -> None:
    before = set(all_runs())
    remake(workspace, lambda made: (made / "data/report/figures/alpha/knn__text__confusion.svg").write_text("<svg/>", encoding="utf-8"))
    publish.main()
    assert set(all_runs()) == before
    assert artifact(run_named("alpha", "knn · text"), "figures/confusion.svg").read_text(encoding="utf-8") == "<svg/>"


def test_dvc_publishes_rather_than_taking_the_receipt_from_its_run_cache(workspace: Path) -> None:
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    del lock["stages"]["publish"]
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    Path("data/published/receipt.json").unlink()
    shutil.rmtree("mlartifacts/gamma")
    done = dvc(workspace, "repro", "publish")
    assert done.returncode == 0, done.stderr
    assert "Stage 'publish' is cached" not in done.stdout
    assert len(all_runs()) == N_RUNS
    assert artifact(run_named("gamma", "knn · series"), "predictions.csv").is_file()
    assert "publish:" not in dvc(workspace, "status", "dvc.yaml").stdout


def note_of(dataset: str) -> str:
    experiment = client().get_experiment_by_name(f"sensorium/{dataset}")
    assert experiment is not None
    return str(experiment.tags["mlflow.note.content"])


def test_runs_of_a_data_set_whose_validation_fails_are_not_current(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish.main()
    note, path = note_of("beta"), validation_path("beta")
    held = path.read_bytes()
    write_document(path, Validation(dataset="beta", success=False, suites=()))
    for _ in range(2):  # the second time changes nothing
        publish.main()
        assert "beta: skipped, its validation fails (data/validation/beta/validation.html" in capsys.readouterr().err
        assert {run.data.tags["current"] for run in runs_of("beta").values()} == {"false"}
        assert note_of("beta").startswith("**No run is current**: its validation fails")
        assert note_of("beta").endswith(note)
    assert {run.data.tags["current"] for run in runs_of("alpha").values()} == {"true"}
    assert set(read_json(publish.RECEIPT)) == {"alpha", "gamma"}
    path.write_bytes(held)
    publish.main()
    assert {run.data.tags["current"] for run in runs_of("beta").values()} == {"true"}
    assert note_of("beta") == note
    assert len(all_runs()) == N_RUNS


def test_runs_of_data_that_changed_since_are_not_current(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    lock["stages"]["split@beta"]["outs"][0]["md5"] = "0" * 32  # split ran again, and what follows failed
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    publish.main()
    assert re.search(r"beta: skipped, data/splits/beta\S* has changed since evaluate@beta ran", capsys.readouterr().err)
    assert {run.data.tags["current"] for run in runs_of("beta").values()} == {"false"}


# ---------------------------------------------------------------- errors
def test_a_file_that_dvc_does_not_know_is_refused(workspace: Path) -> None:
    path = Path("data/evaluation/alpha/evaluation.json")
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(InputError, match=r"alpha/evaluation\.json: differs from its hash in dvc\.lock, .*dvc repro evaluate@alpha"):
        publish.main()


def test_a_data_set_not_evaluated_is_skipped_by_name(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))
    del lock["stages"]["evaluate@beta"]
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    publish.main()
    assert "beta: skipped, it has not been evaluated" in capsys.readouterr().err
    for name in ("alpha", "gamma"):
        del lock["stages"][f"evaluate@{name}"]
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    with pytest.raises(InputError, match="nothing to publish"):
        publish.main()


def test_before_anything_ran_the_first_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    Path("dvc.lock").unlink()
    with pytest.raises(InputError, match=r"dvc\.lock: not found.*make run"):
        publish.main()


def test_a_server_that_is_not_there_is_told_within_seconds_without_its_password(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(InputError, match=r"MLflow at http://\*\*\*@127\.0\.0\.1:9.*") as caught:
        publish.main()
    assert time.monotonic() - started < 30
    assert "secret" not in str(caught.value)
    assert "make publish" in str(caught.value)


def test_a_file_that_is_no_database_is_refused(workspace: Path) -> None:
    Path("mlflow.db").write_bytes(b"not a database, whatever its name says" * 40)
    with pytest.raises(InputError, match=r"mlflow\.db: not an MLflow database"):
        publish.main()


def test_hashes_are_those_of_dvc(published: Path) -> None:
    lock = read_lock(published / "dvc.lock")
    compared = [(item, md5_of(published / item["path"])) for entry in lock.values() for item in entry["outs"]]
    assert any(item["md5"].endswith(".dir") for item, _ in compared)
    assert all(item["md5"] == found for item, found in compared)
