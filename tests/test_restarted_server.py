"""A tracking server that is killed and started again while runs are published to it: nothing is lost, nothing stands there twice."""

import http.client
import http.server
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from end_to_end import EMOJI, Said
from end_to_end import run as run_command
from loopback import answer, free_port, kill_group, running

pytestmark = [
    pytest.mark.integration,
    # MLflow 3.17's own type hints, where it is imported
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
N_MODELS = len(EMOJI["models"])
# a run per model, and of the control size, for each modality combination; a constant, identifiers, the summary
N_RUNS = (N_MODELS + 1) * 3 + 3
# Requests after which the server is killed before the client has the answer, so that it cannot know what was done: the first of each.
KILLED_AFTER = ("/runs/create", "/runs/log-batch", "/mlflow/logged-models", "/artifacts/")


class Tracking:
    """MLflow's server on sqlite, to kill and to start again at the same address with the same files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack, self.port = folder, stack, free_port()
        folder.mkdir()
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
                   "--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}", "--artifacts-destination", str(self.folder / "store")]
        self.process = self.stack.enter_context(running(command, self.folder, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"))
        answer(f"http://127.0.0.1:{self.port}/health")

    def restart(self) -> None:
        kill_group(self.process)
        self.start()


@contextmanager
def in_between(port: int, after: Callable[[str, str], bool]) -> Iterator[int]:
    """Pass requests on to the server at `port` within the context; yield the port to send them to.

    Args:
        after: called with method and path once the server has answered; whether the client never gets that answer.
    """

    class Passing(http.server.BaseHTTPRequestHandler):
        def passed(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                upstream.request(self.command, self.path, content, dict(self.headers) | {"Host": f"127.0.0.1:{port}"})
                response = upstream.getresponse()
                found = response.read()
            finally:
                upstream.close()
            if after(self.command, self.path):
                return  # the connection is closed
            self.send_response(response.status)
            self.send_header("Content-Type", response.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = passed

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def published(uri: str) -> tuple[list[str], Counter[str], list[str]]:
    """Return names of the finished runs, all active runs by status, and the models with theirs; assert that no metric stands twice."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("sensorium/emoji")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    models = client.search_logged_models([experiment.experiment_id])
    for run in runs:
        history = client.get_metric_history(run.info.run_id, "fold/accuracy")
        assert sorted(point.step for point in history) == ([] if run.info.run_name == "summary" else [0, 1])
    assert {model.source_run_id for model in models} <= {run.info.run_id for run in runs}
    return (sorted(run.info.run_name for run in runs if run.info.status == "FINISHED"), Counter(run.info.status for run in runs),
            sorted(f"{model.name} {model.status}" for model in models))


def publish(folder: Path, port: int, **variables: str) -> Said:
    """Publish a workspace to the server at a port of this machine."""
    return run_command(folder, sys.executable, "-m", "pipelines.publish", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}", **variables)


def test_a_server_that_is_killed_and_started_again_gets_every_run_once(copy: Path, tmp_path: Path) -> None:
    killed: list[str] = []
    with ExitStack() as stack:
        tracking = Tracking(tmp_path / "tracking", stack)

        def after(method: str, path: str) -> bool:
            part = next((part for part in KILLED_AFTER if part in path and method != "GET" and part not in killed), None)
            if part is None:
                return False
            killed.append(part)
            tracking.restart()
            return True

        with in_between(tracking.port, after) as port:
            first = publish(copy, port)
        assert first.returncode == 0, first.stderr
        assert f"emoji: {N_RUNS} new, 0 refreshed, 0 unchanged" in first.stdout
        assert sorted(killed) == sorted(KILLED_AFTER)
        assert first.stderr == f"MLflow at http://127.0.0.1:{port} does not answer; requests are repeated for about four minutes\n"
        uri = f"http://127.0.0.1:{tracking.port}"
        names, statuses, models = published(uri)
        assert len(set(names)) == len(names) == N_RUNS and statuses == {"FINISHED": N_RUNS}
        assert models == sorted(f"emoji-{model} READY" for model in EMOJI["models"])
        again = publish(copy, tracking.port)
        assert f"emoji: 0 new, 0 refreshed, {N_RUNS} unchanged" in again.stdout, again.stderr
        assert published(uri) == (names, statuses, models)


def test_a_server_that_stays_away_ends_the_publish_in_one_line_and_the_next_completes_it(copy: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        tracking = Tracking(tmp_path / "tracking", stack)
        runs: list[str] = []

        def after(method: str, path: str) -> bool:
            runs.extend([path] if "/runs/create" in path else [])
            if len(runs) == 3 and tracking.process.poll() is None:
                kill_group(tracking.process)
            return len(runs) >= 3

        with in_between(tracking.port, after) as port:
            first = publish(copy, port, MLFLOW_HTTP_REQUEST_MAX_RETRIES="2")
        assert first.returncode == 1 and "Traceback" not in first.stderr
        (line,) = [line for line in first.stderr.splitlines() if line.startswith("error: ")]
        assert f"MLflow at http://127.0.0.1:{port}: " in line and "check that the server runs" in line and "make publish" in line
        tracking.start()
        again = publish(copy, tracking.port)
        assert f"emoji: {N_RUNS - 2} new, 0 refreshed, 2 unchanged" in again.stdout, again.stderr
        names, statuses, models = published(f"http://127.0.0.1:{tracking.port}")
        assert len(set(names)) == len(names) == N_RUNS and statuses == {"FINISHED": N_RUNS} and len(models) == N_MODELS
