"""Where runs go: the tracking server's address, a connection to it, its experiments.

MLflow is imported by `import_mlflow` alone (3 s), after its telemetry is switched off.
"""

import logging
import os
import re
import sqlite3
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stages.checking.pipeline_settings import PublishEntry
from stages.foundation.errors import InputError
from stages.foundation.lease import held
from stages.foundation.plain_output import plain
from stages.foundation.tables import replacing

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SQLITE = "sqlite:///"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_LOGGING_LEVEL": "WARNING", "GIT_PYTHON_REFRESH": "quiet",
         "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
# A server that is not there is reported within seconds, not after MLflow's 7 retries with back-off (4 minutes).
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
LONGEST_ANSWER = 400  # a proxy answers with a page
REPEATS = "urllib3.connectionpool"  # the log of what is repeated
ANSWER_WITHIN_S = 60.0
SQLITE_REMEDIES = {
    "is locked": "another program is writing the database; wait, or close it (a dashboard, a database browser), then `make publish`",
    "disk is full": "free some space, then `make publish`",
    "disk I/O": "check the disk, its free space and `ulimit -f`, then `make publish`",
    "readonly": "its file or folder is read-only; make both writable, then `make publish`",
    "unable to open": "its file or folder cannot be opened; check that both can be read and written, then `make publish`",
}
OTHER_VERSION = ("if another version of MLflow wrote the database: `mlflow db upgrade {uri}`, or move the file away and `make publish` "
                 "(every run comes back from DVC's files)")
DATASET_TAG = "sensorium.dataset"


CREDENTIALS = re.compile(r"://(?:[^:/?#\s]*:(?!\d+[/?#])(?:(?!://)\S)*|[^/?#\s]*)@")
SECRET = re.compile(  # in relative addresses too, as errors quote them
    r"([?&;#][\w.%-]*"
    r"(?:passw(?:or)?d|pwd|token|secret|api[_-]?key|access[_-]?key|signature|credential)[\w.%-]*=)[^&;#\s\"'<>)]+", re.IGNORECASE
)  # fmt: skip


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
        raise InputError(f"publish.tracking_uri: {redact(uri)!r} names no file; write sqlite:///mlflow.db (or sqlite:////absolute/path.db)")
    # a queued experiment runs in a copy that DVC deletes; DVC_ROOT is the workspace that it was started in
    base = os.environ.get("DVC_ROOT", "") if experiment_of_dvc() else ""
    path = str(Path(base, uri.removeprefix(SQLITE)).absolute())
    if "%" in path or "?" in path:  # SQLAlchemy would decode them, MLflow would not: each would open another file
        raise InputError(f"publish.tracking_uri: {redact(path)}: MLflow cannot keep a sqlite file in a folder with % or ? in its name; "
                         "move the workspace, or set MLFLOW_TRACKING_URI")
    return SQLITE + path


def experiment_of_dvc() -> str | None:
    """Return the name of the experiment that `dvc exp run` is running here, None outside of one."""
    return os.environ.get("DVC_EXP_NAME")


def redact(text: object) -> str:
    """Return `text` with the user and password of every URI in it, and what its query names a secret, replaced by ***.

    A password may hold / or @ as they are: what follows `user:` and is no port belongs to it up to the last @.
    """
    return SECRET.sub(r"\1***", CREDENTIALS.sub("://***@", str(text)))


@contextmanager
def refusals(uri: str) -> Iterator[None]:
    """Turn what a server answers with, or its silence, into one clear error without credentials."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, requests.RequestException, SQLAlchemyError, sqlite3.Error) as error:
        said = textwrap.shorten(redact(error), LONGEST_ANSWER, placeholder=" …")
        # `from None`: the chain of causes would print the URI with its password
        raise InputError(f"MLflow at {redact(uri)}: {said}; {advice(uri, str(error))}") from None


def advice(uri: str, said: str) -> str:
    """Return what a person can do about a tracking server that does not work; a database is never to be deleted while it is in use.

    Args:
        said: its error.
    """
    if uri.startswith(SQLITE):
        return next((remedy for part, remedy in SQLITE_REMEDIES.items() if part in said), OTHER_VERSION.format(uri=redact(uri)))
    return ("check that the server runs and that MLFLOW_TRACKING_URI (or publish.tracking_uri in params.yaml) is right; "
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
        root = artifacts_of(database)
        if database.is_dir():
            raise InputError(f"{database}: is a folder; expected a sqlite file or nothing; move it away and `make publish`")
        with refusals(uri):
            if not database.exists():
                create_database(database)
            relocate(database, root)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    with environment(PROBE):
        answered(uri, lambda: client.search_experiments(max_results=1))
    if root is None:
        logging.getLogger(REPEATS).addHandler(Repeating(uri))
    return Server(client, uri, root)


class Repeating(logging.Handler):
    """Print, once, that a server does not answer and that requests are repeated: MLflow's client does so in silence, for four minutes."""

    def __init__(self, uri: str) -> None:
        super().__init__(logging.WARNING)
        self.uri = uri

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(REPEATS).removeHandler(self)
        print(f"MLflow at {redact(self.uri)} does not answer; requests are repeated for about four minutes", file=sys.stderr, flush=True)


def answered(uri: str, ask: Callable[[], object]) -> None:
    """Ask a server; raise InputError if it refuses, or has not answered after ANSWER_WITHIN_S (one that drips never times out)."""
    errors: list[InputError] = []

    def wait() -> None:
        try:
            with refusals(uri):
                ask()
        except InputError as error:
            errors.append(error)

    asking = threading.Thread(target=wait, daemon=True)
    asking.start()
    asking.join(ANSWER_WITHIN_S)
    if asking.is_alive():
        raise InputError(f"MLflow at {redact(uri)}: no whole answer within {ANSWER_WITHIN_S:.0f} s; {advice(uri, '')}")
    if errors:
        raise errors[0]


def create_database(path: Path) -> None:
    """Write an empty, migrated MLflow database without the experiment "Default"; half a database is never seen."""
    from mlflow import MlflowClient

    with replacing(path) as temporary:
        client = MlflowClient(SQLITE + str(temporary.absolute()))
        for experiment in client.search_experiments():
            client.delete_experiment(experiment.experiment_id)


def relocate(database: Path, root: Path) -> None:
    """Point a database at the artifacts in `root`, next to it, if its workspace was moved or copied: MLflow stores absolute paths."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for old in moved_from(connection, database, root):
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
                                  ("model_versions", "storage_location")):
                connection.execute(f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                                   (str(root), len(old) + 1, len(old) + 1, f"{old}/"))


def moved_from(connection: sqlite3.Connection, database: Path, root: Path) -> set[str]:
    """Return the folders other than `root` in which a database expects our artifacts; addresses of a server's store are not among them."""
    try:
        rows = connection.execute(
            "SELECT artifact_location, value FROM experiments JOIN experiment_tags USING (experiment_id) WHERE key = ?", (DATASET_TAG,)
        ).fetchall()
    except sqlite3.DatabaseError as error:
        if any(part in str(error) for part in SQLITE_REMEDIES):
            raise  # in use, or not readable: nothing is wrong with what is in it
        raise InputError(f"{database.name}: not an MLflow database ({error}); move it away and `make publish`") from error
    ours = [(location, f"/{dataset}") for location, dataset in rows if location.startswith("/")]
    return {location.removesuffix(end) for location, end in ours if location.endswith(end)} - {str(root)}


def show_own_artifacts(uri: str) -> None:
    """Do before a dashboard what `connect` does before publishing: let a database in a moved or copied workspace name its own artifacts.

    Raises:
        InputError: if it has to be written while another run holds the workspace, or cannot be.
    """
    if not uri.startswith(SQLITE):
        return
    database = Path(uri.removeprefix(SQLITE))
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            has_moved = bool(moved_from(connection, database, artifacts_of(database)))
        if has_moved:
            with held("python -m pipelines.ui"):
                relocate(database, artifacts_of(database))
    except sqlite3.Error as error:
        raise InputError(f"MLflow at {redact(uri)}: {error}; {advice(uri, str(error))}") from error


def artifacts_of(database: Path) -> Path:
    """Return the folder of the artifacts of a sqlite file of ours."""
    return database.parent / "mlartifacts"


def plain_values(texts: Mapping[str, str]) -> dict[str, str]:
    """Return tags or parameters as the dashboard shows them, without codes and marks of direction that the data may hold."""
    return {name: plain(text) for name, text in texts.items()}


def experiment_name(dataset: str) -> str:
    """Return the name of a data set's experiment."""
    return f"sensorium/{dataset}"


def open_experiment(server: Server, dataset: str, tags: dict[str, str]) -> str:
    """Return the id of a data set's experiment, made (or restored) if need be, with `tags` set on it."""
    name = experiment_name(dataset)
    tags = {DATASET_TAG: dataset, **plain_values(tags)}
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
