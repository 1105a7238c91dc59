"""Run DVC stages side by side in warm worker processes; knows DVC, knows nothing of Prefect.

Several `dvc repro` at once fail: they meet at shared upstream stages, and each start costs seconds. Here the caller keeps to
the graph's order and every stage is reproduced alone, by a process that has imported DVC already (0.1 s a stage).
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
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from pipelines.running.worker import log_path
from stages.foundation.parallel import n_cores

POLL_S = 0.2
STOP_WITHIN_S = 20.0
N_LINES_KEPT = 60


@dataclass(frozen=True)
class StageResult:
    """What became of a stage. status: ran, restored (from DVC's run cache), unchanged, failed, skipped."""

    stage: str
    status: str
    seconds: float
    reason: str = ""
    is_input_error: bool = False  # the stage explained itself: trying again would fail alike

    @property
    def is_ok(self) -> bool:
        return self.status in {"ran", "restored", "unchanged"}


class Workers:
    """`n_workers` processes that reproduce stages; use as a context, call `reproduce` from as many threads.

    Each stage is told in SENSORIUM_CORES how many cores it may use, so that all together do not use more than there are.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._all: list[subprocess.Popen[str]] = []
        self._stopping = False

    def __enter__(self) -> "Workers":
        for _ in range(self.n_workers):
            self._idle.put(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping = True
        for worker in self._all:
            _stop(worker)

    def reproduce(self, stage: str, on_line: Callable[[str], None] = lambda _: None, *, alone: bool = False) -> StageResult:
        """Return what became of `stage`, once a worker was free and is done; `on_line` gets its output line by line meanwhile.

        alone: no other stage will be under way before this one ends, so that it may use every core.
        """
        if self._stopping:
            return StageResult(stage, "failed", 0.0, "the run is stopping", is_input_error=True)
        worker = self._idle.get()
        started = time.perf_counter()
        log_path(stage).unlink(missing_ok=True)
        output = _Tail(log_path(stage), on_line)
        try:
            answer = _ask(worker, stage, n_cores() if alone else max(1, n_cores() // self.n_workers), output)
        finally:
            self._idle.put(worker if worker.poll() is None or self._stopping else self._start())
        output.read(to_the_end=True)
        said = output.error()
        reason = said or f"{answer['reason']}\n{output.last_line()}".strip()
        return StageResult(stage, answer["status"], time.perf_counter() - started, reason if answer["status"] == "failed" else "", bool(said))

    def _start(self) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",  # or lines would arrive when the stage ends
            # dvc.yaml says `python`: this one, whether or not its environment is activated
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        # A session of its own: Ctrl-C reaches the engine alone, which then stops workers in order (see `_stop`).
        worker = subprocess.Popen([sys.executable, "-m", "pipelines.running.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, env=environment, start_new_session=True)
        self._all.append(worker)
        return worker


class _Tail:
    """Follow a growing log: whole lines to `on_line`, the last ones kept."""

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
            text = line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]  # of a progress bar, its last state
            self._kept.append(text)
            self._on_line(text)

    def error(self) -> str:
        """Return what the stage said from `error: …` on, or ""."""
        kept = list(self._kept)
        first = next((i for i, line in enumerate(kept) if line.startswith("error: ")), len(kept))
        return "\n".join(kept[first:]).strip()

    def last_line(self) -> str:
        return next((line for line in reversed(self._kept) if line.strip()), "")


def _ask(worker: "subprocess.Popen[str]", stage: str, cores: int, output: _Tail) -> dict[str, str]:
    assert worker.stdin and worker.stdout
    try:
        worker.stdin.write(f"{cores} {stage}\n")
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
    """End a worker by closing its input and ending the stage in hand; killing it might cut dvc.lock short."""
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
