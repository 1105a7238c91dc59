"""A published model where it is loaded: its folder stays as it is, and says beforehand that its code runs."""

import re
import stat
import sys
from pathlib import Path

import pytest
from end_to_end import EMOJI, Route, run

pytestmark = pytest.mark.integration
LEARNERS = tuple(EMOJI["models"])
Listing = dict[str, tuple[int, int, int]]

LOAD = """
import sys, mlflow
for folder in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(folder)
    print(len(model.predict(model.input_example)))
"""
PREDICT = """
import sys
from pathlib import Path
from stages.contracts.paths import samples_path
from stages.foundation.tables import read_table
from stages.training.prediction import Predictor
samples = read_table(samples_path("emoji"))
for folder in sys.argv[1:]:
    print(len(Predictor.load(Path(folder)).predict({name: samples[name] for name in ("image", "text")}).predictions))
"""


def listing(folder: Path) -> Listing:
    """Return mode, size and time of change of a folder and of all that is in it; a file that comes and goes changes its folder's time."""
    return {path.relative_to(folder).as_posix(): (path.stat().st_mode, path.stat().st_size, path.stat().st_mtime_ns)
            for path in (folder, *folder.rglob("*"))}


def read_only(folder: Path) -> None:
    """Take the right to write from all, which root does not heed: hence the listings."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def logged_models(folder: Path) -> dict[str, Path]:
    """Return the folders of a workspace's logged models by model."""
    found = {}
    for about in folder.glob("mlartifacts/emoji/models/*/artifacts/MLmodel"):
        found[re.findall(r"^  model: (\w+)$", about.read_text(encoding="utf-8"), re.MULTILINE)[0]] = about.parent
    assert set(found) == set(LEARNERS)
    return found


def test_loading_a_logged_model_leaves_its_folder_as_it_is(copy: Path, tmp_path: Path) -> None:
    folders, home = list(logged_models(copy).values()), tmp_path / "home"
    home.mkdir()
    for folder in folders:
        read_only(folder)
    before = [listing(folder) for folder in folders]
    done = run(home, sys.executable, "-c", LOAD, *map(str, folders), HOME=str(home), XDG_CACHE_HOME=str(home / "cache"),
               PYTHONDONTWRITEBYTECODE="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3"] * len(LEARNERS)
    assert [listing(folder) for folder in folders] == before
    assert list((home / "cache").rglob("*.nbi")), "what numba compiled is kept for the next time, in the user's cache"


def test_loading_a_saved_model_leaves_its_folder_as_it_is(copy: Path) -> None:
    folders = [copy / "data/models/emoji" / model for model in LEARNERS]
    for folder in folders:
        read_only(folder)
    before = [listing(folder) for folder in folders]
    done = run(copy, sys.executable, "-c", PREDICT, *map(str, folders), PYTHONDONTWRITEBYTECODE="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(EMOJI["datasets"]["emoji"]["rows"])] * len(LEARNERS)
    assert [listing(folder) for folder in folders] == before


def test_a_logged_model_says_where_it_is_found_that_its_code_runs(by_flow: Route) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{by_flow.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sensorium/emoji")
    assert experiment is not None
    for model in client.search_logged_models([experiment.experiment_id]):
        said = model.tags["mlflow.note.content"]
        assert said.startswith("Loading this model runs the Python code in its folder") and "a server that you trust" in said
        about = (Path(model.artifact_location) / "MLmodel").read_text(encoding="utf-8")
        assert said in re.sub(r"\s+", " ", about)
