"""What a student does with the lessons: run them, read the page, change a setting, read again. Real DVC, real MLflow, two quick lessons."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from imports import ROOT

from stages.contracts.documents.lesson_document import LessonResult
from stages.foundation.documents import read_document

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),  # MLflow's own queries
]
LESSONS = {"margin": {"n_seeds": 2}, "xor": {"n_seeds": 4}}
EARLIER, LATER = "margin", "xor"  # in the lecture
GRAPH = "pipelines/lessons/dvc.yaml"


class Page(HTMLParser):
    """The sections, sentences and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "section" and "lesson" in (given.get("class") or "").split():
            self.sections.append(str(given["id"]))
        self.addresses += [str(value) for key, value in attrs if key in ("href", "src", "xlink:href", "srcset", "action")]


def make(workspace: Path) -> str:
    """Run the lessons as `make lessons` does; return what it prints."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "SENSORIUM_CORES": "1",
                   "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}  # fmt: skip
    environment.pop("MLFLOW_TRACKING_URI", None)
    found = subprocess.run([sys.executable, "-m", "pipelines.run", GRAPH], cwd=workspace, env=environment, capture_output=True, text=True,
                           check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def declare(workspace: Path, lessons: dict[str, dict[str, int]]) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (workspace / "params.yaml").write_text(yaml.safe_dump({**params, "lessons": lessons}, sort_keys=False), encoding="utf-8")


def result(workspace: Path, lesson: str) -> LessonResult:
    return read_document(workspace / "data" / "lessons" / lesson / "lesson.json", LessonResult)


def page_text(workspace: Path) -> str:
    return (workspace / "data" / "lecture" / "lecture.html").read_text(encoding="utf-8")


def published(workspace: Path) -> "list[Run]":
    """Return the runs of lessons, the newest first."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sensorium/lessons")
    assert experiment is not None
    runs: list[Run] = client.search_runs([experiment.experiment_id], "tags.kind = 'lesson'", order_by=["attributes.start_time DESC"])
    return runs


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace in which two lessons were run."""
    root = tmp_path_factory.mktemp("lecture")
    for name in ("stages", "pipelines", "dvc.yaml", "requirements.lock", "requirements-torch.lock"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("dvc.lock"))
        else:
            shutil.copyfile(source, root / name)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=root, check=True)
    declare(root, LESSONS)
    make(root)
    return root


def test_the_page_has_every_lesson_in_the_lecture_s_order(workspace: Path) -> None:
    text = page_text(workspace)
    assert Page(text).sections == [EARLIER, LATER]
    for lesson in LESSONS:
        found = result(workspace, lesson)
        assert found.question in text and found.change in text
        assert all(re.sub(r"&#(34|39);", lambda mark: chr(int(mark[1])), text).count(sentence) == 1 for sentence in found.sentences)
        assert text.count("<svg") >= len(found.figures) + len(found.formulas)


def test_the_page_needs_no_network(workspace: Path) -> None:
    addresses = [address for address in Page(page_text(workspace)).addresses if not address.startswith(("#", "data:image/png;"))]
    assert addresses and all(address.startswith("http://127.0.0.1:") for address in addresses), "only the dashboard of this machine"
    assert "@import" not in page_text(workspace) and "url(http" not in page_text(workspace)


def test_every_number_is_a_metric(workspace: Path) -> None:
    runs = {run.data.tags["lesson"]: run for run in published(workspace)}
    assert set(runs) == set(LESSONS)
    for lesson, run in runs.items():
        found = result(workspace, lesson)
        assert {key: value for key, value in run.data.metrics.items() if key.endswith("_mean")} == {
            f"{number.name}_mean": number.mean for number in found.numbers}  # fmt: skip
        assert run.data.metrics["claims"] == len(found.claims) and run.data.params["n_seeds"] == str(LESSONS[lesson]["n_seeds"])
        assert run.data.tags["found"] == found.sentences[0]


def test_a_changed_setting_changes_what_is_said(workspace: Path) -> None:
    """One hidden unit draws one line, so the MLP fails on XOR as the perceptron does; then back, from DVC's cache."""
    before, text, n_runs = result(workspace, "xor"), page_text(workspace), len(published(workspace))
    declare(workspace, {**LESSONS, "xor": {**LESSONS["xor"], "n_hidden": 1}})
    printed = make(workspace)
    after = result(workspace, "xor")
    assert "lesson@xor: ran" in printed and "lesson@margin" not in printed, "only the lesson that the change touches"
    assert set(after.sentences) != set(before.sentences) and after.sentences[0] in page_text(workspace)
    assert any(not claim.holds for claim in after.claims) and "does not hold here" in page_text(workspace)
    runs = [run for run in published(workspace) if run.data.tags["lesson"] == "xor"]
    assert [run.data.tags["current"] for run in runs] == ["true", "false"] and len(published(workspace)) == n_runs + 1
    declare(workspace, LESSONS)
    assert "lesson@xor: ran" not in make(workspace) and page_text(workspace) == text
    assert [run.data.tags["current"] for run in published(workspace) if run.data.tags["lesson"] == "xor"] == ["false", "true"]


def test_a_lesson_that_was_not_run_is_not_published(workspace: Path) -> None:
    declare(workspace, {**LESSONS, "activations": {}})
    found = subprocess.run([sys.executable, "-m", "pipelines.publish_lessons"], cwd=workspace, capture_output=True, text=True, check=False)
    declare(workspace, LESSONS)
    assert found.returncode != 0 and "activations" in found.stderr and "make lessons" in found.stderr
    assert "Traceback" not in found.stderr
