"""What a change reruns and what a failure stops: no more and no less. Real DVC on a small sample of real data."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml
from end_to_end import EMOJI, ONE_INVALID, Route, copied, dvc, stages_run, write_params

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import evaluation_path, validation_path
from stages.foundation.documents import read_document
from stages.foundation.params_file import read_params
from stages.foundation.registry import names

ROOT = Path(__file__).parents[1]


def changed(params: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the parameters with another value under a dotted key."""
    first, _, rest = key.partition(".")
    return {**params, first: changed(params[first], rest, value) if rest else value}


def stale(folder: Path) -> set[str]:
    """Return the stages whose own inputs differ from those of their last run."""
    with chdir(folder), Repo() as repo:
        return set(repo.status())


@pytest.fixture(scope="module")
def shared_copy(by_dvc: Route, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of `by_dvc` of which only params.yaml is changed, and nothing run."""
    return copied(by_dvc.folder, tmp_path_factory.mktemp("shared") / "copy")


# ---------------------------------------------------------------- parameters
def test_a_modalitys_parameter_reruns_its_features_and_what_reads_them(copy: Path) -> None:
    write_params(copy, changed(EMOJI, "features.emoji-text.ngrams", [1, 2]))
    assert stale(copy) == {"check", "featurize@emoji-text"}
    said = dvc(copy, "repro", "train@emoji-dummy")
    assert said.returncode == 0, said.stderr
    assert stages_run(said) == ["check", "featurize@emoji-text", "validate@emoji", "train@emoji-dummy"]
    assert stale(copy) >= {f"train@emoji-{model}" for model in ("knn", "svm", "mlp")}


@pytest.mark.parametrize(("key", "value", "expected"), [
    ("models.knn.n_neighbors", [1, 3], {"train@emoji-knn"}),
    ("models.mlp.max_iter", 30, {"train@emoji-mlp"}),
    ("evaluate.confidence", 0.9, {"evaluate@emoji"}),
    ("split.n_inner_splits", 3, {"split@emoji"}),
    ("flow.workers", 1, set()),
])
def test_a_parameter_touches_only_the_stages_that_read_it(shared_copy: Path, key: str, value: Any, expected: set[str]) -> None:
    write_params(shared_copy, changed(EMOJI, key, value))
    assert stale(shared_copy) == {"check"} | expected


def test_a_mistake_in_the_parameters_stops_all_stages_but_the_check(workspace: Path) -> None:
    write_params(workspace, changed(EMOJI, "models.knn", {"kk": [5], "metric": ["euclidean"]}))
    said = dvc(workspace, "repro")
    assert said.returncode != 0
    assert stages_run(said) == ["check"]
    assert "params.yaml: models.knn.kk: unknown key; allowed: n_neighbors, metric, weights" in said.stderr
    assert "Traceback" not in said.stderr
    assert not list(workspace.glob("data/*/**/*.arrow"))


def test_the_parameters_as_shipped_stay_the_same_when_dvc_rewrites_them(tmp_path: Path) -> None:
    # `dvc exp run -S` parses and writes the file, and drops quotes that it takes to be needless
    path = shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    with modify_yaml(path) as params:
        params["seed"] += 1
    before, after = read_params(ROOT / "params.yaml"), read_params(path)
    assert after == {**before, "seed": before["seed"] + 1}


# ---------------------------------------------------------------- data that is not as expected
def test_what_is_wrong_with_the_data_is_said(invalid: Route) -> None:
    said = invalid.said["repro"]
    assert said.returncode != 0
    message = re.search(r"error: validate emoji: 1 expectation.*?\n(.*)\n.*validation\.html", said.stderr)
    assert message, said.stderr
    assert message[1].startswith("  emoji / text / term: expect_column_values_to_not_be_null(mostly=0.8), not so for ")
    assert len(re.findall(r"'[0-9a-f-]+' \(", message[1])) == 5, "five of the samples"


def test_training_waits_until_the_data_is_mended(invalid: Route) -> None:
    outcome = json.loads((invalid.folder / "data/validation/emoji/validation.json").read_text(encoding="utf-8"))
    failed = [suite["suite"] for suite in outcome["suites"] if not suite["success"]]
    assert (outcome["success"], failed) == (False, ["text"])
    page = (invalid.folder / "data/validation/emoji/validation.html").read_text(encoding="utf-8")
    assert outcome["suites"][2]["expectations"][-1]["offending"][0]["sample_id"] in page
    assert not {"train@emoji-dummy", "train@emoji-knn", "evaluate@emoji"} & set(stages_run(invalid.said["repro"]))
    assert not (invalid.folder / "data/predictions/emoji").exists()


def test_other_data_sets_go_on(invalid: Route) -> None:
    ran = stages_run(invalid.said["repro"])
    assert {f"evaluate@{dataset}" for dataset in TASKS} <= set(ran)
    assert not {"report", "publish"} & set(ran), "they show all that params.yaml names"


# ---------------------------------------------------------------- every task and modality
TASKS = {"sounds": "binary", "marks": "multilabel", "sizes": "regression"}  # with emoji, all of both


def test_without_the_invalid_data_set_the_rest_is_reported_and_published(invalid: Route) -> None:
    said = invalid.said["without"]
    assert (said.returncode, stages_run(said)) == (0, ["check", "report", "publish"]), said.stderr
    page = (invalid.folder / "data/report/report.html").read_text(encoding="utf-8")
    assert all(dataset in page for dataset in TASKS) and "emoji" not in page


def test_the_toys_are_all_there_is() -> None:
    modalities = {entry["modality"] for entry in (ONE_INVALID["features"] | EMOJI["features"]).values()}
    assert (modalities, {"multiclass", *TASKS.values()}) == (set(names("modalities")), set(names("tasks")))


@pytest.mark.parametrize(("dataset", "task"), TASKS.items())
def test_each_task_is_learned_validated_and_evaluated(invalid: Route, dataset: str, task: str) -> None:
    evaluation = read_document(invalid.folder / evaluation_path(dataset), Evaluation)
    validation = read_document(invalid.folder / validation_path(dataset), Validation)
    names_of_it = list(ONE_INVALID["datasets"][dataset]["modalities"])
    assert (evaluation.task, evaluation.shipped) == (task, False)
    assert validation.success and {*names_of_it} <= {suite.suite for suite in validation.suites}
    assert evaluation.combinations == (*((name,) for name in names_of_it), tuple(names_of_it))
    assert evaluation.baselines == ("dummy",)
    for modalities in evaluation.combinations:
        knn, dummy = (evaluation.primary_score(evaluation.result(Candidate(model, modalities))) for model in ("knn", "dummy"))
        assert knn.mean > dummy.mean, modalities


@pytest.mark.parametrize("dataset", TASKS)
def test_each_tasks_scores_stand_on_mlflow(invalid: Route, dataset: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{invalid.folder / 'mlflow.db'}")
    evaluation = read_document(invalid.folder / evaluation_path(dataset), Evaluation)
    experiment = client.get_experiment_by_name(f"sensorium/{dataset}")
    assert experiment is not None
    runs = {run.info.run_name: run.data.metrics for run in client.search_runs([experiment.experiment_id])}
    for result in evaluation.candidates:
        for metric, score in result.scores.items():
            assert runs[" · ".join(evaluation.key(result.candidate))].get(f"{metric}_mean") == score.mean, (result.candidate, metric)
