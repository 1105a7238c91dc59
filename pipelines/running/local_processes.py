"""Run DVC stages in parallel in persistent worker processes; independent of Prefect.

Concurrent `dvc repro` commands conflict at shared upstream stages, and each start takes seconds. Here the caller follows the graph's order,
and each stage is reproduced by itself, in a process that has already imported DVC (0.1 s per stage).
"""

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psutil

from pipelines.running.core_shares import CoreShares
from pipelines.running.executor import StageResult
from pipelines.running.worker import log_path

POLL_S = 0.2
STOP_WITHIN_S = 20.0
N_LINES_KEPT = 60


class LocalProcesses:
    """An executor (executor.py): `n_at_once` processes of this machine that reproduce stages.

    The running stages share the cores (core_shares.py): all stages together use no more than there are, a single one uses all.
    """

    def __init__(self, n_at_once: int) -> None:
        self.n_at_once = n_at_once
        self._shares = CoreShares()
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._all: list[subprocess.Popen[str]] = []
        self._stopping = False

    def __enter__(self) -> "LocalProcesses":
        for _ in range(self.n_at_once):
            self._idle.put(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping = True
        for worker in self._all:
            _stop(worker)

    def reproduce(self, stage: str, on_line: Callable[[str], None] = lambda _: None) -> StageResult:
        """Return the result of `stage`, run by the next idle worker; `on_line` receives its output line by line."""
        if self._stopping:
            return StageResult(stage, "failed", 0.0, "the run is stopping", is_input_error=True)
        worker = self._idle.get()
        started = time.perf_counter()
        log_path(stage).unlink(missing_ok=True)
        output = _Tail(log_path(stage), on_line)
        try:
            with self._shares.slot() as slot:
                response = _request(worker, stage, slot, output)
        finally:
            self._idle.put(worker if worker.poll() is None or self._stopping else self._start())
        output.read(to_the_end=True)
        reported = output.error()
        reason = reported or f"{response['reason']}\n{output.last_line()}".strip()
        seconds, is_failed = time.perf_counter() - started, response["status"] == "failed"
        return StageResult(stage, response["status"], seconds, reason if is_failed else response["reason"], is_input_error=bool(reported))

    def _start(self) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",  # otherwise lines arrive only when the stage ends
            # `python` in dvc.yaml is this interpreter, also if its environment is not activated
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        # A separate session: Ctrl-C reaches only the engine, which then stops the workers (see `_stop`).
        worker = subprocess.Popen([sys.executable, "-m", "pipelines.running.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, env=environment, start_new_session=True)
        self._all.append(worker)
        return worker


class _Tail:
    """Follows a growing log: passes complete lines to `on_line`, keeps the last ones."""

    def __init__(self, path: Path, on_line: Callable[[str], None]) -> None:
        self._path, self._on_line = path, on_line
        self._position, self._rest = 0, b""
        self._kept: deque[str] = deque(maxlen=N_LINES_KEPT)

    def read(self, *, to_the_end: bool = False) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._position)
            self._rest += log.read()
            self._position = log.tell()
        *lines, self._rest = self._rest.split(b"\n")
        if to_the_end and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]  # the last state of a progress bar
            self._kept.append(text)
            self._on_line(text)

    def error(self) -> str:
        """Return the output from `error: …` on, or ""."""
        kept = list(self._kept)
        first = next((i for i, line in enumerate(kept) if line.startswith("error: ")), len(kept))
        return "\n".join(kept[first:]).strip()

    def last_line(self) -> str:
        return next((line for line in reversed(self._kept) if line.strip()), "")


def _request(worker: "subprocess.Popen[str]", stage: str, slot: int, output: _Tail) -> dict[str, str]:
    assert worker.stdin and worker.stdout
    try:
        worker.stdin.write(f"{slot} {stage}\n")
        worker.stdin.flush()
        while not select.select([worker.stdout], [], [], POLL_S)[0]:
            output.read()
        line = worker.stdout.readline()
    except BrokenPipeError:
        line = ""
    if line:
        return dict(json.loads(line))
    return {"status": "failed", "reason": f"the worker process ended (exit status {worker.wait()})"}


def _stop(worker: "subprocess.Popen[str]") -> None:
    """Stop a worker by closing its input and terminating its stage; killing it could truncate dvc.lock."""
    assert worker.stdin and worker.stdout
    with contextlib.suppress(BrokenPipeError):
        worker.stdin.close()
    deadline = time.monotonic() + STOP_WITHIN_S
    while worker.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(worker.pid).children():
                child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(POLL_S)
    if worker.poll() is None:
        worker.kill()
        worker.wait()
    worker.stdout.close()
