"""The project as a submodule of another repository, where `.git` is a file: it runs, keeps to itself, and publishes its own commit."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_own
from end_to_end import EMOJI, IDENTITY, Route, dvc, environment, module, run, write_params

pytestmark = [
    pytest.mark.integration,
    # MLflow 3.17's own queries (SQLAlchemy 2.1) and, on import, its own type hints: nothing of ours
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
PARAMS = EMOJI | {
    "datasets": {"marks": toy_own.DATASETS["marks"]},
    "features": {name: settings for name, settings in toy_own.FEATURES.items() if name.startswith("marks-")},
    "models": {"knn": EMOJI["models"]["knn"]},
}
HOLD = "import sys; from stages.foundation.lease import held\nwith held('a run'): print('held', flush=True); sys.stdin.read()"


def git(folder: Path, *arguments: str) -> str:
    done = run(folder, "git", *IDENTITY, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def submodule(tmp_path_factory: pytest.TempPathFactory, make_workspace: Callable[[Path], Path]) -> Route:
    """Return the workspace as `git submodule add` clones it, with data of its own, after a run."""
    root = tmp_path_factory.mktemp("submodule")
    origin, outer = make_workspace(root / "origin"), root / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    (outer / "README").write_text("the outer repository\n", encoding="utf-8")
    git(outer, "add", "README")
    git(outer, "commit", "-q", "-m", "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin), "parts/baselines")
    git(outer, "commit", "-q", "-m", "baselines")
    folder = outer / "parts" / "baselines"
    toy_own.write(folder)
    write_params(folder, PARAMS)
    return Route(folder, {"run": module(folder, "pipelines.run"), "again": module(folder, "pipelines.run")})


def test_it_runs_and_has_nothing_to_do_afterwards(submodule: Route) -> None:
    assert (submodule.folder / ".git").is_file()
    first, again = submodule.said["run"], submodule.said["again"]
    assert first.returncode == 0, first.stdout + first.stderr
    assert "12 stages: 12 ran" in first.stdout
    assert "12 stages: 12 unchanged" in again.stdout, again.stderr
    assert "Data and pipelines are up to date." in dvc(submodule.folder, "repro").stdout


def test_the_outer_repository_is_left_alone(submodule: Route) -> None:
    outer = submodule.folder.parents[1]
    assert sorted(path.name for path in outer.iterdir()) == [".git", ".gitmodules", "README", "parts"]
    assert git(outer, "status", "--porcelain", "--ignore-submodules=none").split() == ["M", "parts/baselines"]
    assert {line.split()[-1] for line in git(submodule.folder, "status", "--porcelain").splitlines()} == {"params.yaml", "dvc.lock"}


def test_its_runs_have_the_commit_of_the_submodule(submodule: Route) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{submodule.folder / 'mlflow.db'}")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    own, outer = (git(folder, "rev-parse", "HEAD") for folder in (submodule.folder, submodule.folder.parents[1]))
    assert own != outer
    assert len(runs) == 9, "kNN and sizes on three combinations, a constant, identifiers, the summary"
    assert {run.data.tags["mlflow.source.git.commit"] for run in runs} == {own}
    assert {run.data.tags["mlflow.source.git.dirty"] for run in runs} == {"true"}, "params.yaml was changed"


def test_one_run_at_a_time(submodule: Route) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=submodule.folder, env=environment(), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdin and holder.stdout.readline() == b"held\n"
        said = module(submodule.folder, "pipelines.run")
        holder.stdin.close()
    assert said.returncode == 1 and "error: another run holds this workspace: a run" in said.stderr
