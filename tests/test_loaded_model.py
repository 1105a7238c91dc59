"""A published model where it is used: loading leaves its folder as it is and is announced as running code; serving it is documented."""

import json
import re
import stat
import sys
from pathlib import Path

import pytest
from end_to_end import EMOJI, Route, run
from imports import ROOT
from loopback import answer, free_port, running

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


# ---------------------------------------------------------------- served
def documented(language: str) -> list[str]:
    """Return the code of a language in the page's section on serving."""
    page = (ROOT / "docs/dashboard.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page.partition("## Serve a published model")[2], flags=re.MULTILINE | re.DOTALL)


def test_the_documented_request_is_answered_by_the_served_model(by_flow: Route, tmp_path: Path) -> None:
    """The commands of the page, with a free port and the picture and name of a real emoji."""
    import pyarrow as pa

    serve, request = documented("bash")
    samples = pa.ipc.open_file(pa.memory_map(str(by_flow.folder / "data/samples/emoji/samples.arrow"))).read_all()
    (tmp_path / "face.png").write_bytes(samples["image"][0].as_py())
    port, served = free_port(), tmp_path / "served"
    served.mkdir()
    models = logged_models(by_flow.folder)
    (model,) = [line for line in serve.splitlines() if line.startswith("mlflow models serve ")]
    command = re.sub(r"models:/\S+", str(models["knn"]), model).replace("5001", str(port))
    with running(["bash", "-c", f"exec {command}"], served):
        answer(f"http://127.0.0.1:{port}/ping")
        done = run(tmp_path, "bash", "-c", request.replace("5001", str(port)))
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["predictions"]
    probabilities = {name: value for name, value in row.items() if name.startswith("probability ")}
    assert f"probability {row['label']}" in probabilities and len(probabilities) == 9
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert re.search(rf"http://127\.0\.0\.1:{port}\b", (tmp_path / "served.log").read_text()), "it listens on this machine alone"
