"""The champion of a data set's registered model changes only where a paired test shows that another version is better.

Real DVC and MLflow.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from test_publish import QUIET, client, working_in
from toy_predictions import change_predictions
from toy_results import TOYS, make_workspace

from pipelines import publish
from pipelines.publishing.champions import VERDICT
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.evaluate import main as evaluate
from stages.foundation.tables import column_values

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
ALPHA = TOYS[0]
NAME = "sensorium-alpha"
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]  # target, prediction → prediction


def repro(root: Path) -> None:
    environment = {**os.environ, **QUIET, "SENSORIUM_CORES": "1", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "dvc", "repro", "publish"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace after its first `dvc repro`."""
    root = tmp_path_factory.mktemp("champions") / "workspace"
    root.mkdir()
    make_workspace(root)
    repro(root)
    return root


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of it, as the current folder."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()
    with working_in(shutil.copytree(published, tmp_path / "copy")) as root:
        yield root


def changed(root: Path, change: Change) -> None:
    """Let the learners of alpha predict otherwise on all modality combinations, and run what follows."""
    def rewritten(table: pa.Table, about: TrainingMetadata) -> tuple[pa.Table, TrainingMetadata]:
        target, prediction = column_values(table["target"]), column_values(table["prediction"])
        values = pa.array(change(target, prediction).astype(np.int32))
        return table.set_column(table.column_names.index("prediction"), "prediction", values), about

    with chdir(root / "made"):
        for model in ("knn", "mlp"):
            change_predictions(ALPHA, model, rewritten)
        evaluate("alpha")
    repro(root)


def versions() -> "list[ModelVersion]":
    found = client().search_model_versions(f"name = '{NAME}'")
    return sorted(found, key=lambda version: int(version.version))


def champion() -> str:
    return str(client().get_registered_model(NAME).aliases["champion"])


def test_the_first_version_is_the_champion_and_publishing_again_adds_none(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (version,) = versions()
    assert champion() == "1" and version.tags[VERDICT] == "the first version"
    run = client().get_run(version.run_id)
    assert version.tags["model"] == run.data.tags["model"] and version.tags["modalities"] == run.data.tags["modalities"]
    assert version.tags["model"] in ("knn", "mlp")
    publish.main()
    assert [found.version for found in versions()] == [version.version] and "champion" not in capsys.readouterr().out
    assert {model.name for model in client().search_registered_models()} == {"sensorium-alpha", "sensorium-beta", "sensorium-gamma"}


def test_the_champions_model_is_loaded_from_the_copy(workspace: Path) -> None:
    import mlflow

    shutil.rmtree(workspace / "made")
    publish.main()  # the database names the files of the copy
    mlflow.set_tracking_uri(f"sqlite:///{workspace / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    (version,) = versions()
    assert model.metadata.metadata["model"] == version.tags["model"] and model.metadata.metadata["dataset"] == "alpha"
    with closing(sqlite3.connect(workspace / "mlflow.db")) as connection:
        places = [place for (place,) in connection.execute("SELECT storage_location FROM model_versions")]
    assert len(places) == 3 and all(place.startswith(f"{workspace}{os.sep}") for place in places), places


def test_a_better_version_becomes_champion_and_a_worse_one_does_not(workspace: Path) -> None:
    changed(workspace, lambda target, prediction: target)
    assert champion() == "2" and versions()[1].tags[VERDICT].startswith("better than version 1: accuracy 0.")
    changed(workspace, lambda target, prediction: np.where(np.arange(target.size) % 9, target, (target + 1) % 3))
    assert len(versions()) == 3 and champion() == "2"
    assert versions()[2].tags[VERDICT].startswith("not shown to be better than version 2: accuracy 1.000 before, 0.8")


def test_a_champion_whose_predictions_are_gone_stays(workspace: Path) -> None:
    shutil.rmtree(workspace / ".dvc/cache")
    changed(workspace, lambda target, prediction: target)
    assert champion() == "1"
    reason = versions()[1].tags[VERDICT]
    assert "version 1 of model sensorium-alpha: not in DVC's cache" in reason and "dvc fetch" in reason
