"""A run of the flow compares with the accepted version: Prefect's artifact, lines on MLflow, a message.

Real Prefect, DVC, git and MLflow.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from end_to_end import EMOJI
from test_flow import ask
from toy_predictions import SKILL, Toy
from toy_versions import commit, repro, run, write_repository, write_version

from pipelines.compare import main
from pipelines.orchestration.server import running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]
ROOT = Path(__file__).parents[1]
TOY = Toy(dataset="emoji", n_samples=200, n_repeats=2, skill={model: SKILL[model] for model in ("constant", "knn")})
WORSE = replace(TOY, skill={**TOY.skill, "knn": {"image": 0.35, "text": 0.1, "image+text": 0.2}})
TOKEN = "T0KEN-of-the-webhook"
PARAMS: dict[str, Any] = {
    **EMOJI, "models": {"knn": EMOJI["models"]["knn"]}, "flow": EMOJI["flow"] | {"notify": "$TOLD"},
}  # fmt: skip


class Webhook(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    posted: list[tuple[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[str]:
    """Return the address of a webhook, with a token in its path, as Slack's have."""
    Webhook.posted.clear()
    listening = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/{TOKEN}"
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose first version is accepted, as the current folder."""
    root = tmp_path / "workspace"
    root.mkdir()
    write_repository(root, TOY, evaluated=True, **PARAMS)
    repro(root)
    commit(root, "v1")
    monkeypatch.chdir(root)
    assert main(["--accept"]) == 0
    commit(root, "accepted")
    return root


@contextmanager
def server(**variables: str) -> Iterator[str]:
    """Run Prefect's server within the context, with variables set; yield its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        for name, value in variables.items():
            patch.setenv(name, value)
        with running() as url:
            patch.setenv("PREFECT_API_URL", f"{url}/api")
            yield url


def flow(**variables: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables}
    command = [sys.executable, "-m", "pipelines.flow"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_run_tells_what_moved_once(accepted: Path, webhook: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    with server(TOLD=webhook) as url:
        first = flow()
        assert "against the accepted version " in first and "3 identical (artifact 'moved')" in first
        assert "MLflow: run 'history' of emoji has a new point" in first and Webhook.posted == []
        write_version(accepted, WORSE, evaluated=True, **PARAMS)
        second = flow()
        assert "2 moved down, 1 identical" in second and "moved down: emoji · kNN · text: " in second
        assert "notified, as flow.notify asks" in second and TOKEN not in second
        ((path, message),) = Webhook.posted
        assert path == f"/{TOKEN}" and message["text"].startswith("Sensorium: 2 moved down, 1 identical\n\nmoved down: emoji · kNN · ")
        third = flow()
        assert "2 moved down" in third and "has a new point" not in third, "the same version is one point"
        artifacts = [artifact["data"] for artifact in ask(url, "artifacts") if artifact["key"] == "moved"]
        assert len(artifacts) == 3 and sum("| kNN | text | " in text for text in artifacts) == 2
        logs = json.dumps(ask(url, "logs"))
        assert TOKEN not in logs
        missing = flow(TOLD="")
        assert "flow.notify: the environment variable TOLD holds no http(s) address" in missing
        refused = flow(TOLD=f"http://127.0.0.1:1/{TOKEN}")
        assert "flow.notify: $TOLD cannot be reached (ConnectionError)" in refused and TOKEN not in refused
    client = MlflowClient(f"sqlite:///{accepted / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sensorium/emoji")
    (history,) = client.search_runs([experiment.experiment_id], "tags.kind = 'history'")
    points = client.get_metric_history(history.info.run_id, "accuracy/knn text")
    assert [point.step for point in points] == [0, 1] and points[1].value < points[0].value - 0.2
    note = history.data.tags["mlflow.note.content"]
    assert "- step 0: " in note and ": nothing moved" in note and "moved down: knn on text" in note
    assert history.info.status == "FINISHED" and history.data.tags["current"] == "false"


def test_without_an_accepted_version_a_run_says_how_to_accept_one(accepted: Path) -> None:
    run(accepted, "git", "rm", "-q", "accepted.json")
    with server() as url:
        assert url
        said = flow(TOLD="")
        assert "no version is accepted, so nothing is compared; accept one: `make compare ARGS=--accept`" in said
        write_version(accepted, WORSE, evaluated=True, **PARAMS)
        (accepted / "accepted.json").write_text(json.dumps({"commit": "0" * 40, "lock": "0" * 32}))
        said = flow(TOLD="")
        assert "not compared with the accepted version: '0000000000" in said, "the stages have run, so the flow has not failed"


BLOCKS = """
import sys
from pipelines.orchestration.environment import set_up_prefect
set_up_prefect()
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from pipelines.orchestration.notification import notify
from stages.foundation.errors import InputError

Webhook(url=sys.argv[1], allow_private_urls=True).save("nightly")
Secret(value="of no use").save("quiet")
Webhook(url="http://127.0.0.1:1/" + sys.argv[2], allow_private_urls=True).save("gone")
notify("webhook/nightly", "what", "moved")
for name in ("webhook/none", "secret/quiet", "webhook/gone"):
    try:
        notify(name, "what", "moved")
    except InputError as error:
        print(error)
"""


def test_a_block_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webhook: str) -> None:
    monkeypatch.chdir(tmp_path)
    with server():
        done = subprocess.run([sys.executable, "-c", BLOCKS, webhook, TOKEN], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [message for _, message in Webhook.posted] == [{"text": "what\n\nmoved"}]
    none, quiet, gone = done.stdout.splitlines()
    assert none.startswith("flow.notify: Prefect has no block 'webhook/none'; `prefect block ls` lists them")
    assert quiet == "flow.notify: block 'secret/quiet' (Secret) sends nothing; expected one with notify or call"
    assert gone.startswith("flow.notify: block 'webhook/gone' failed (") and TOKEN not in done.stdout + done.stderr
