"""What is wrong with the machine, a server or a damaged file is told in one clear line: no traceback, and no advice that loses data."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.publishing import tracking
from pipelines.publishing.tracking import connect, import_mlflow, refusals
from pipelines.running.repository import opened
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.table_schema import Metadata
from stages.foundation.errors import DEBUG, MACHINE, InputError, machine_errors
from stages.foundation.tables import read_described, write_table

ROOT = Path(__file__).parents[1]


# ---------------------------------------------------------------- the machine
@pytest.mark.parametrize("number", MACHINE)
def test_an_error_of_the_machine_is_one_line_with_its_remedy(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        with machine_errors():
            raise OSError(number, os.strerror(number), "data/x.arrow")

    with pytest.raises(InputError, match=rf"^data/x\.arrow: .*, then run again \({os.strerror(number)}\)$"):
        fail()
    monkeypatch.setenv(DEBUG, "1")
    with pytest.raises(OSError, match="arrow"):
        fail()


def test_another_error_stays_as_it_is() -> None:
    with pytest.raises(FileNotFoundError), machine_errors():
        Path("/nowhere/at/all").read_text()


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (999, 999))


@pytest.mark.integration
def test_a_stage_that_may_not_write_so_much_says_so(tmp_path: Path) -> None:
    code = "from pathlib import Path; import pyarrow as pa; from stages.foundation.entry import run_stage\n"
    code += "from stages.foundation.tables import write_table; from stages.contracts.table_schema import Metadata\n"
    code += "def main(): write_table(Path('x.arrow'), pa.table({'a': list(range(9999))}), Metadata())\nrun_stage(main, [])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=limited)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "the limit of this shell (`ulimit -f`); raise it, then run again" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_git_or_dvc_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no \.dvc/"):
        opened()
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    with pytest.raises(InputError, match="not a git repository, which DVC asks for; `git init`"):
        opened()


# ---------------------------------------------------------------- damaged tables
def test_a_table_with_any_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    texts = pa.array(["one", "twö", None, "four"])
    lists = pa.array([[1.0], [2.0, 3.0], [], [4.0]])
    write_table(path, pa.table({"täxt": texts, "list": lists, "code": texts.dictionary_encode()}), Metadata())
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 3):
        path.unlink()  # the former table is still mapped
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])
        try:
            table, _ = read_described(path, Metadata)
            table.to_pylist()
        except InputError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > len(whole) / 20


# ---------------------------------------------------------------- the tracking server
def settings_of(path: Path) -> PublishEntry:
    return PublishEntry(tracking_uri=f"sqlite:///{path}")


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep MLflow from handing a test's server to the next one: it notes the address in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")


def test_a_locked_database_is_never_to_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE experiments (a)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match=r"database is locked; another program is writing the database; wait") as said:
            connect(settings_of(path))
    assert "delete" not in str(said.value) and "\n" not in str(said.value)
    assert path.is_file()


@pytest.mark.parametrize("said", ["database is locked", "database or disk is full", "disk I/O error", "unable to open database file",
                                  "attempt to write a readonly database", "Detected out-of-date database schema"])
def test_no_error_of_a_database_advises_to_delete_it(said: str) -> None:
    import_mlflow()
    from mlflow.exceptions import MlflowException

    for error in (MlflowException(f"(sqlite3.OperationalError) {said}\n[SQL: SELECT 1]"), sqlite3.OperationalError(said)):
        with pytest.raises(InputError) as told, refusals("sqlite:////x/mlflow.db"):
            raise error
        assert "delete" not in str(told.value) and "\n" not in str(told.value) and "`make publish`" in str(told.value)


def test_a_folder_or_another_file_in_place_of_the_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; expected a sqlite file"):
        connect(settings_of(tmp_path))
    (tmp_path / "mlflow.db").write_text("no database " * 100)
    with pytest.raises(InputError, match=r"not an MLflow database .*; move it away"):
        connect(settings_of(tmp_path / "mlflow.db"))


class Drips(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    do_POST = do_GET


class Refuses(Drips):
    def do_GET(self) -> None:
        page = b"<html>\n" + b"<p>Who are you?</p>\n" * 200 + b"</html>"
        self.send_response(401)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "ANSWER_WITHIN_S", 1.0)
    with serving(Drips) as uri, pytest.raises(InputError, match="no whole answer within 1 s; check that the server runs") as said:
        connect(PublishEntry(tracking_uri=uri))
    assert "secret" not in str(said.value)


def test_a_server_that_refuses_is_one_line() -> None:
    with serving(Refuses) as uri, pytest.raises(InputError, match=r"401.*MLFLOW_TRACKING_USERNAME") as said:
        connect(PublishEntry(tracking_uri=uri))
    assert "secret" not in str(said.value) and "\n" not in str(said.value) and len(str(said.value)) < 900


@pytest.mark.integration
def test_a_prefect_server_that_does_not_answer_is_named(workspace: Path) -> None:
    environment = {**os.environ, "PREFECT_API_URL": "http://user:secret@127.0.0.1:9/api"}
    command = [sys.executable, "-m", "pipelines.flow"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: PREFECT_API_URL: http://***@127.0.0.1:9/api does not answer")
