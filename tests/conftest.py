"""What every test shares: no tool sends statistics, one thread for numerics, and a workspace of its own to run stages in."""

import os

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
}.items():
    os.environ[_name] = _value
os.environ.pop("MLFLOW_TRACKING_URI", None)

import fcntl  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

import stages.foundation.threads  # noqa: E402, F401 - before numpy is imported

ROOT = Path(__file__).parents[1]
PARTS_OF_A_WORKSPACE = (
    "stages", "pipelines", "params.yaml", "dvc.yaml", "data/raw/README.md", ".dvcignore", ".gitignore", ".dvc/config", ".dvc/.gitignore",
)  # fmt: skip


pytest_plugins = ["end_to_end"]
# Files that take longest and so must not come last when several processes share the tests, a file each (`make test`).
LONG = (
    "test_end_to_end", "test_publish", "test_lessons", "test_every_task", "test_data_flow", "test_reproducible", "test_flow",
    "test_datasets", "test_models", "test_report", "test_readme", "test_shared_sweeps", "test_executor", "test_evaluate",
    "test_bad_input", "test_run", "test_restarted_server", "test_submodule", "test_loaded_model", "test_fetch", "test_lecture",
    "test_metrics", "test_neighbours", "test_validate", "test_params", "test_sweeps", "test_large_svm", "test_spread", "test_compare",
    "test_moves", "test_champions", "test_compare_real",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, so that no process is left with one at the end."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def make_workspace() -> Callable[[Path], Path]:
    """Return a function that makes a folder with the code, the parameters and the graph, as its own git and DVC repository."""
    return _make_workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return such a folder, and work in it."""
    folder = _make_workspace(tmp_path / "workspace")
    monkeypatch.chdir(folder)
    return folder


COMPILE = """
import pyarrow as pa
from stages.foundation.registry import component
from stages.model_selection.protocol import LearnerSetup, results
from toy_problem import toy_problem
from test_models import SMALL
for name in ("knn", "svm", "mlp"):  # the compiled ones
    model = component("models", name)
    settings = model.settings(**SMALL.get(name, {}))
    for task in ("binary", "multiclass", "multilabel", "regression"):
        problem = toy_problem(task=task, n_classes=2 if task == "binary" else 3)
        list(results(LearnerSetup(model, settings), problem, model.grid(settings, 0)))
text = component("modalities", "text")
text.featurize(pa.chunked_array([["two words", "of a text"]]), text.settings(ngrams=(1, 2)))
"""


def _compile_once() -> None:
    """Compile what stages compile, once for all processes: a workspace takes the results over, or each would spend half a minute on it."""
    kept = ROOT / ".pytest_cache"
    kept.mkdir(exist_ok=True)
    with (kept / "compiling").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # numba too goes by the time of the file that it compiled (tests/test_compiled.py)
        newest = str(max(path.stat().st_mtime_ns for path in (ROOT / "stages").rglob("*.py") if "njit" in path.read_text(encoding="utf-8")))
        stamp = kept / "compiled"
        if stamp.is_file() and stamp.read_text() == newest:
            return
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        subprocess.run([sys.executable, "-c", COMPILE], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        stamp.write_text(newest)


def _make_workspace(folder: Path) -> Path:
    _compile_once()
    for part in PARTS_OF_A_WORKSPACE:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "toy"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder
