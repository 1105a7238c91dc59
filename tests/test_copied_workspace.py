"""A copied workspace is one of its own: its dashboard shows its own artifacts, before anything was published from it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from end_to_end import Route, environment, module
from loopback import answer, free_port, running

from pipelines.publishing.tracking import relocate


def query(folder: Path, sql: str) -> list[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return [value for (value,) in connection.execute(sql)]


LOCATIONS = ("SELECT artifact_location FROM experiments JOIN experiment_tags USING (experiment_id) WHERE key = 'sensorium.dataset' "
             "UNION ALL SELECT artifact_uri FROM runs UNION ALL SELECT artifact_location FROM logged_models "
             "UNION ALL SELECT storage_location FROM model_versions")  # fmt: skip


@contextmanager
def dashboard(folder: Path) -> Iterator[str]:
    """Run `make ui`'s command in a workspace within the context; yield its address."""
    port = free_port()
    with running([sys.executable, "-m", "pipelines.ui", "--port", str(port)], folder):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.integration
def test_the_dashboard_of_a_copy_shows_the_artifacts_of_the_copy(copy: Path, by_flow: Route) -> None:
    (summary,) = query(copy, "SELECT run_uuid FROM runs WHERE name = 'summary'")
    model = query(copy, "SELECT model_id FROM logged_models WHERE name = 'emoji-knn'")[0]
    (mine,) = copy.glob(f"mlartifacts/emoji/{summary}/artifacts/leaderboard.csv")
    mine.write_text("of the copy\n", encoding="utf-8")
    with (copy / f"mlartifacts/emoji/models/{model}/artifacts/MLmodel").open("a", encoding="utf-8") as about:
        about.write("# of the copy\n")
    with dashboard(copy) as address:
        shown = answer(f"{address}/get-artifact?{urlencode({'path': 'leaderboard.csv', 'run_uuid': summary})}")
        listed = answer(f"{address}/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path=MLmodel")
    assert shown == "of the copy\n"
    assert listed.endswith("# of the copy\n")
    assert all(path.startswith(f"{copy}{os.sep}mlartifacts{os.sep}") for path in query(copy, LOCATIONS))
    assert not (copy / ".sensorium/lock.json").exists(), "the lease is given back before it serves"
    originals = query(by_flow.folder, LOCATIONS)
    assert originals and all(path.startswith(f"{by_flow.folder}{os.sep}") for path in originals)


@pytest.mark.integration
def test_a_run_that_holds_the_copy_is_named_and_the_database_stays(copy: Path) -> None:
    before = query(copy, LOCATIONS)
    with subprocess.Popen([sys.executable, "-c", HOLD], cwd=copy, env=environment(), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdin and holder.stdout.readline() == b"held\n"
        said = module(copy, "pipelines.ui", "--port", str(free_port()))
        holder.stdin.close()
    assert said.returncode == 1 and "error: another run holds this workspace: a run" in said.stderr
    assert query(copy, LOCATIONS) == before


HOLD = """
import sys
from stages.foundation.lease import held
with held("a run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_addresses_of_a_servers_own_store_stay(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.executescript("""
            CREATE TABLE experiments (experiment_id INTEGER, artifact_location TEXT);
            CREATE TABLE experiment_tags (experiment_id INTEGER, key TEXT, value TEXT);
            CREATE TABLE runs (artifact_uri TEXT);
            CREATE TABLE logged_models (artifact_location TEXT);
            CREATE TABLE model_versions (storage_location TEXT);
            INSERT INTO experiments VALUES (1, 'mlflow-artifacts:/1'), (2, '/old/mlartifacts/words'), (3, 's3://bucket/tweets');
            INSERT INTO experiment_tags VALUES (1, 'sensorium.dataset', 'emoji'), (2, 'sensorium.dataset', 'words'),
                (3, 'sensorium.dataset', 'tweets');
            INSERT INTO runs VALUES ('mlflow-artifacts:/1/ab/artifacts'), ('/old/mlartifacts/words/cd/artifacts');
            INSERT INTO logged_models VALUES ('mlflow-artifacts:/1/models/m'), ('/older/words/models/m');
            INSERT INTO model_versions VALUES (NULL), ('/old/mlartifacts/words/models/m/artifacts');
        """)
    relocate(tmp_path / "mlflow.db", Path("/new/mlartifacts"))
    assert query(tmp_path, LOCATIONS) == [
        "mlflow-artifacts:/1", "/new/mlartifacts/words", "s3://bucket/tweets", "mlflow-artifacts:/1/ab/artifacts",
        "/new/mlartifacts/words/cd/artifacts",
        "mlflow-artifacts:/1/models/m", "/older/words/models/m", None, "/new/mlartifacts/words/models/m/artifacts",
    ]  # fmt: skip
