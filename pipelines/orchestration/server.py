"""A Prefect server for this workspace: API and dashboard on the loopback interface, database under .prefect/.

Prefect's ephemeral server has no dashboard and outlives a killed engine. This server is a child process that ends when its standard input
closes, also if its parent is killed. `python -m pipelines.orchestration.server [--port N]` serves past runs until Ctrl-C.
"""

import argparse
import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipelines.orchestration.environment import PREFECT_HOME, set_up_prefect
from stages.foundation.errors import InputError

HOST = "127.0.0.1"
DEFAULT_PORT = 4200
START_WITHIN_S = 180.0
STOP_WITHIN_S = 10.0
# A flow's server runs for minutes: it needs no scheduling.
SCHEDULING = ("SCHEDULER", "LATE_RUNS", "FOREMAN", "PAUSE_EXPIRATIONS", "REPOSSESSOR", "CANCELLATION_CLEANUP")


@contextmanager
def running(*, port: int | None = None, schedules: bool = False) -> Iterator[str]:
    """Run a server within the context; yield its URL (the dashboard; the API is below `/api`).

    Args:
        port: default: any free port.
        schedules: whether it starts the runs of deployments.
    Raises:
        InputError: if the port is taken, or the server does not start.
    """
    number = port if port is not None else _free_port()
    refuse_taken(number)
    PREFECT_HOME.mkdir(exist_ok=True)
    arguments = [sys.executable, "-m", "pipelines.orchestration.server", "--port", str(number), "--child"]
    arguments += ["--schedules"] if schedules else []
    with (PREFECT_HOME / "server.log").open("a") as log:
        # A separate session: Ctrl-C is for the engine, which reports its final state to the server.
        server = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
    try:
        with (PREFECT_HOME / "start.lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)  # the first of two servers creates the database
            _wait_until_healthy(server, number)
        yield f"http://{HOST}:{number}"
    finally:
        _stop(server)


def refuse_taken(port: int) -> None:
    """Raise InputError if another process listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(f"port {port} is taken ({error.strerror}); choose another: --port {port + 1}") from error


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/api/health", timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise InputError(f"Prefect's server did not start within {START_WITHIN_S:.0f} s; see {PREFECT_HOME / 'server.log'}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    assert server.stdin
    server.stdin.close()
    try:
        server.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def serve(port: int, *, schedules: bool, child: bool) -> None:
    """Serve until a signal or, as a child, until the end of standard input."""
    set_up_prefect()
    os.environ |= {"PREFECT_SERVER_API_HOST": HOST, "PREFECT_SERVER_API_PORT": str(port)}
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # its warnings go to its log
    os.environ.pop("PREFECT_API_URL", None)  # otherwise the dashboard would connect to that server
    if not schedules:
        os.environ |= {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in SCHEDULING}
    serving: list[Any] = []
    if child:
        threading.Thread(target=_end_with_input, args=(serving,), daemon=True).start()
    # After the environment: Prefect reads it when it is imported.
    import uvicorn
    from prefect.server.api.server import create_app

    from pipelines.orchestration.own_requests import OwnRequests

    app = OwnRequests(create_app(final=True), port)
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=3))
    serving.append(server)
    server.run()


def _end_with_input(serving: Sequence[Any]) -> None:
    sys.stdin.buffer.read()
    for server in serving:
        server.should_exit = True
        time.sleep(STOP_WITHIN_S / 2)
    os._exit(0)  # not started yet, or blocked by a browser's long poll


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the dashboard of past runs until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.orchestration.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s")
    parser.add_argument("--schedules", action="store_true", help="also start the runs of deployments")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.child:
        try:
            refuse_taken(options.port)
        except InputError as error:
            sys.exit(f"error: {error}")
        print(f"Prefect's dashboard: http://{HOST}:{options.port} (ready in about ten seconds; Ctrl-C ends it)", flush=True)
    serve(options.port, schedules=options.schedules, child=options.child)


if __name__ == "__main__":
    main()
