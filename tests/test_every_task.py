"""Every task and modality from start to report, and what data that fail their validation stop: real DVC and Great Expectations."""

import itertools
import re

import pytest
from end_to_end import EMOJI, ONE_INVALID, Route, stages_run

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.validation_document import Validation
from stages.contracts.paths import evaluation_path, validation_path
from stages.foundation.documents import read_document
from stages.foundation.registry import names

pytestmark = pytest.mark.integration
TASKS = {"sounds": "binary", "marks": "multilabel", "sizes": "regression"}  # with emoji, all of both


# ---------------------------------------------------------------- data that is not as expected
def test_what_is_wrong_with_the_data_is_said(invalid: Route) -> None:
    said = invalid.said["repro"]
    assert said.returncode != 0
    message = re.search(r"error: validate emoji: 1 expectation.*?\n(.*)\n.*validation\.html", said.stderr)
    assert message, said.stderr
    expected = "expected not missing, in at least 80 % of the rows (missing where the text has no word)"
    assert message[1].startswith(f"  emoji / text / term: {expected}, not so for ")
    assert len(re.findall(r"'[0-9a-f-]+' \(", message[1])) == 5, "five of the samples"


def test_training_waits_until_the_data_is_mended(invalid: Route) -> None:
    outcome = read_document(invalid.folder / validation_path("emoji"), Validation)
    failed = [suite for suite in outcome.suites if not suite.success]
    assert (outcome.success, [suite.suite for suite in failed]) == (False, ["text"])
    page = (invalid.folder / "data/validation/emoji/validation.html").read_text(encoding="utf-8")
    assert failed[0].expectations[-1].offending[0].sample_id in page
    assert not {"control@emoji", "train@emoji-knn", "evaluate@emoji"} & set(stages_run(invalid.said["repro"]))
    assert not (invalid.folder / "data/predictions/emoji").exists()


def test_other_data_sets_go_on_each_stage_once(invalid: Route) -> None:
    ran = stages_run(invalid.said["repro"])
    models, datasets = list(ONE_INVALID["models"]), list(ONE_INVALID["datasets"])
    before = [f"{stage}@{dataset}" for stage in ("ingest", "split", "validate") for dataset in datasets]
    trained = [f"train@{dataset}-{model}" for dataset in TASKS for model in models]
    features = [f"featurize@{key}" for key in ONE_INVALID["features"]]
    after = [f"{stage}@{dataset}" for stage in ("control", "condition", "evaluate") for dataset in TASKS]
    assert sorted(ran) == sorted(["check", *before, *features, *trained, *after])
    assert {f"evaluate@{dataset}" for dataset in TASKS} <= set(ran)
    assert not {"report", "publish"} & set(ran), "they show all that params.yaml names"


def test_what_was_evaluated_is_reported_and_the_run_fails(invalid: Route) -> None:
    said = invalid.said["run"]
    assert said.returncode == 1
    assert re.search(r"^\[\d+/\d+\] report: ran, [\d.]+ s: without emoji$", said.stdout, re.MULTILINE), said.stdout
    assert "error: validate@emoji failed" in said.stderr
    page = (invalid.folder / "partial.html").read_text(encoding="utf-8")
    assert all(f'id="{dataset}"' in page for dataset in TASKS) and 'id="emoji"' not in page
    assert "Left out, because stages of it failed in the last run: emoji." in page


# ---------------------------------------------------------------- every task and modality
def test_without_the_invalid_data_set_the_rest_is_reported(invalid: Route) -> None:
    said = invalid.said["without"]
    assert (said.returncode, stages_run(said)) == (0, ["check", "report"]), said.stderr
    page = (invalid.folder / "data/report/report.html").read_text(encoding="utf-8")
    assert all(dataset in page for dataset in TASKS) and "emoji" not in page


def test_the_toys_are_all_there_is() -> None:
    modalities = {entry["modality"] for entry in (ONE_INVALID["features"] | EMOJI["features"]).values()}
    assert modalities == {"audio", "graph", "image", "series", "set", "table", "tactile", "text", "vector"} <= set(names("modalities"))
    assert {"multiclass", *TASKS.values()} == {"binary", "multiclass", "multilabel", "regression"} <= set(names("tasks"))


@pytest.mark.parametrize(("dataset", "task"), TASKS.items())
def test_each_task_is_learned_validated_and_evaluated(invalid: Route, dataset: str, task: str) -> None:
    evaluation = read_document(invalid.folder / evaluation_path(dataset), Evaluation)
    validation = read_document(invalid.folder / validation_path(dataset), Validation)
    names_of_it = list(ONE_INVALID["datasets"][dataset]["modalities"])
    assert (evaluation.task, evaluation.shipped) == (task, False)
    assert validation.success and {*names_of_it} <= {suite.suite for suite in validation.suites}
    sizes = range(1, len(names_of_it) + 1)
    assert evaluation.combinations == tuple(combination for size in sizes for combination in itertools.combinations(names_of_it, size))
    assert sorted(evaluation.controls) == sorted(ONE_INVALID["controls"]) and evaluation.diagnostics == ("identifiers",)
    constant = evaluation.primary_score(evaluation.result(Candidate("constant", ())))
    for modalities in evaluation.combinations:
        assert evaluation.primary_score(evaluation.result(Candidate("knn", modalities))).mean > constant.mean, modalities
