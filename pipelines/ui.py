"""`make ui`: MLflow's dashboard of this workspace's runs, on the loopback interface, until Ctrl-C."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.orchestration.server import HOST, refuse_taken
from pipelines.publishing.links import EXPERIMENTS, experiments_on, leaderboard_link
from pipelines.publishing.tracking import QUIET, SQLITE, redact, show_own_artifacts, tracking_uri
from stages.checking.pipeline_settings import PublishEntry
from stages.foundation.errors import InputError
from stages.foundation.params_file import read_params, section
from stages.foundation.plain_output import plain_output

DEFAULT_PORT = 5000


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Show the MLflow dashboard until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.ui", description=main.__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    port = parser.parse_args(arguments).port
    try:
        uri = tracking_uri(section(read_params(), "publish", PublishEntry))
        if uri.startswith(("http://", "https://")):
            print(f"the runs are on a server with its own dashboard: {redact(uri)}/{EXPERIMENTS}\n{leaderboards(uri, redact(uri))}")
            return 0
        refuse_unpublished(uri)
        refuse_taken(port)
        address = f"http://{HOST}:{port}"
        links = leaderboards(uri, address)
        show_own_artifacts(uri)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"MLflow's dashboard: {address}/{EXPERIMENTS} (ready in about ten seconds; Ctrl-C ends it)\n{links}", flush=True)
    return serve(uri, port)


def leaderboards(uri: str, address: str) -> str:
    """Return a line per data set with the link that opens its leaderboard."""
    experiments = experiments_on(uri)
    width = max(map(len, experiments), default=0)
    lines = [f"  {dataset:{width}}  {address.rstrip('/')}/{leaderboard_link(experiment)}" for dataset, experiment in experiments.items()]
    return "\n".join(["Leaderboards:", *lines]) if lines else "no leaderboards yet; `make run` trains and publishes runs"


def serve(uri: str, port: int) -> int:
    """Run MLflow's server until Ctrl-C or SIGTERM; return the exit status."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1",
               "--uvicorn-opts", "--log-level warning"]
    # In the environment, because `ps` shows command lines, and the URI may hold a password.
    # The job runner is for language models; the warnings concern MLflow's own packages.
    environment = {**os.environ, **QUIET, "MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                   "PYTHONWARNINGS": "ignore"}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A separate session: the server prints a traceback on Ctrl-C, none on SIGTERM.
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        return 0


def refuse_unpublished(uri: str) -> None:
    """Raise InputError if there is no database: MLflow would create an empty one."""
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise InputError(f"no runs yet: {Path(uri.removeprefix(SQLITE)).name} is missing; `make run` trains and publishes runs")


if __name__ == "__main__":
    sys.exit(main())
