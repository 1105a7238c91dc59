"""Servers of a test on the loopback interface: a free port, a command that runs within a context, its answer once it is up."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from end_to_end import environment

START_WITHIN_S = 180.0


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], folder: Path, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command in a folder within the context, as the head of a process group; its output goes to <folder>.log."""
    with folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment() | variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()  # a command that started others ends them; what is left goes with its group
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a command of `running` and what it started, as `kill -9` does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answer(address: str, content: bytes | None = None, headers: Mapping[str, str] | None = None) -> str:
    """Return what a server answers once it is up; an answer that is an error is raised."""
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, content, dict(headers or {})), timeout=60) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert time.monotonic() < deadline, f"no answer from {address}"
            time.sleep(0.2)
