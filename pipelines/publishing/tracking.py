"""Where runs go: the tracking server's address, a connection to it, its experiments.

MLflow is imported by `import_mlflow` alone (3 s), after its telemetry is switched off.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stages.checking.pipeline_settings import PublishEntry
from stages.foundation.errors import InputError
from stages.foundation.tables import replacing

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SQLITE = "sqlite:///"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_LOGGING_LEVEL": "WARNING", "GIT_PYTHON_REFRESH": "quiet",
         "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
# A server that is not there is reported within seconds, not after MLflow's 7 retries with back-off (4 minutes).
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
DATASET_TAG = "sensorium.dataset"


@dataclass(frozen=True)
class Server:
    """A tracking server that answered. `artifact_root` is set where artifacts lie beside a sqlite file of ours."""

    client: "MlflowClient"
    uri: str
    artifact_root: Path | None = None


def tracking_uri(settings: PublishEntry) -> str:
    """Return MLFLOW_TRACKING_URI, else the parameter; a sqlite path is made absolute, relative to the workspace."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or settings.tracking_uri
    if not uri.startswith("sqlite:"):
        return uri
    if not uri.startswith(SQLITE) or uri == SQLITE:
        raise InputError(f"publish.tracking_uri: {uri!r} names no file; write sqlite:///mlflow.db (or sqlite:////absolute/path.db)")
    path = str(Path(uri.removeprefix(SQLITE)).absolute())
    if "%" in path or "?" in path:  # SQLAlchemy would decode them, MLflow would not: each would open another file
        raise InputError(f"publish.tracking_uri: {path}: MLflow cannot keep a sqlite file in a folder with % or ? in its name; "
                         "move the workspace, or set MLFLOW_TRACKING_URI")
    return SQLITE + path


def redact(text: object) -> str:
    """Return `text` with the user and password of every URI in it replaced by ***."""
    return re.sub(r"//[^/\s]*@", "//***@", str(text))


@contextmanager
def refusals(uri: str) -> Iterator[None]:
    """Turn what a server answers with, or its silence, into one clear error without credentials."""
    import requests
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, requests.RequestException) as error:
        # `from None`: the chain of causes would print the URI with its password
        raise InputError(f"MLflow at {redact(uri)}: {redact(error)}\n{advice(uri)}") from None


def advice(uri: str) -> str:
    """Return what a person can do about a tracking server that does not work."""
    if uri.startswith(SQLITE):
        return (f"If another version of MLflow wrote the database: `mlflow db upgrade {uri}`, or delete the file and `make publish` "
                "(every run comes back from DVC's files).")
    return ("Check that the server runs and that MLFLOW_TRACKING_URI (or publish.tracking_uri in params.yaml) is right; "
            "user and password can stand in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. Then `make publish`.")


def import_mlflow() -> None:
    """Import MLflow, without telemetry, advice or progress bars."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401


def connect(settings: PublishEntry) -> Server:
    """Return a connection to the tracking server; a sqlite database is created and migrated first.

    Raises:
        InputError: if the server does not answer within seconds, or refuses.
    """
    uri = tracking_uri(settings)
    import_mlflow()
    import mlflow

    root = None
    if uri.startswith(SQLITE):
        database = Path(uri.removeprefix(SQLITE))
        root = database.parent / "mlartifacts"
        if not database.exists():
            create_database(database)
        with refusals(uri):
            relocate(database, root)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    with refusals(uri), environment(PROBE):
        client.search_experiments(max_results=1)
    return Server(client, uri, root)


def create_database(path: Path) -> None:
    """Write an empty, migrated MLflow database without the experiment "Default"; half a database is never seen."""
    from mlflow import MlflowClient

    with replacing(path) as temporary:
        client = MlflowClient(SQLITE + str(temporary.absolute()))
        for experiment in client.search_experiments():
            client.delete_experiment(experiment.experiment_id)


def relocate(database: Path, root: Path) -> None:
    """Point a database at the artifacts beside it, if its workspace was moved or copied: MLflow stores absolute paths."""
    with closing(sqlite3.connect(database)) as connection, connection:
        try:
            rows = connection.execute(
                "SELECT artifact_location, value FROM experiments JOIN experiment_tags USING (experiment_id) WHERE key = ?", (DATASET_TAG,)
            ).fetchall()
        except sqlite3.DatabaseError as error:
            raise InputError(f"{database.name}: not an MLflow database ({error}); delete the file and `make publish`") from error
        old_roots = {location.removesuffix(f"/{dataset}") for location, dataset in rows} - {str(root)}
        for old in old_roots:
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location")):
                connection.execute(f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                                   (str(root), len(old) + 1, len(old) + 1, f"{old}/"))


def experiment_name(dataset: str) -> str:
    """Return the name of a data set's experiment."""
    return f"sensorium/{dataset}"


def open_experiment(server: Server, dataset: str, tags: dict[str, str]) -> str:
    """Return the id of a data set's experiment, made (or restored) if need be, with `tags` set on it."""
    name = experiment_name(dataset)
    tags = {DATASET_TAG: dataset, **tags}
    found = server.client.get_experiment_by_name(name)
    if found is None:
        location = str(server.artifact_root / dataset) if server.artifact_root else None
        return str(server.client.create_experiment(name, artifact_location=location, tags=tags))
    if found.lifecycle_stage == "deleted":
        server.client.restore_experiment(found.experiment_id)
    for key, value in tags.items():
        if found.tags.get(key) != value:
            server.client.set_experiment_tag(found.experiment_id, key, value)
    return str(found.experiment_id)


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables that are not set, and unset them afterwards."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
