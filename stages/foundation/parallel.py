"""Run independent tasks in parallel on the cores that this stage may use now.

One thread computes each task (stages/foundation/threads.py limits BLAS to one thread), so that the result does not depend on the number of
parallel tasks. Threads suffice: the numeric libraries release the interpreter's lock.

`make run` and the flow run several stages at a time and divide the cores between them. The share of each changes while it runs: a stage
takes over the core of another one that has ended, from its next task on. A stage started by hand or by `dvc repro` has all cores.
"""

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from stages.foundation.errors import InputError

CORES_VARIABLE = "SENSORIUM_CORES"
SHARE_VARIABLE = "SENSORIUM_CORES_FILE"
POLL_S = 0.2  # how often a waiting task looks at the share

Item = TypeVar("Item")
Result = TypeVar("Result")


def n_cores() -> int:
    """Return the most cores that this stage may ever use: SENSORIUM_CORES, else the available cores.

    Raises:
        InputError: if SENSORIUM_CORES is not a positive whole number.
    """
    declared = os.environ.get(CORES_VARIABLE)
    if declared:
        if not declared.isdecimal() or int(declared) < 1:
            raise InputError(f"{CORES_VARIABLE}: expected a whole number of at least 1, found {declared!r}")
        return int(declared)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores_now() -> int:
    """Return the cores that this stage may use now: the number in the file SENSORIUM_CORES_FILE, which the run rewrites, else all."""
    path = os.environ.get(SHARE_VARIABLE)
    if not path:
        return n_cores()
    try:
        return min(int(Path(path).read_text(encoding="ascii")), n_cores())
    except FileNotFoundError:  # the run has ended, and nothing else shares the cores
        return n_cores()


class TaskCounts:
    """Numbers of tasks that all pools of this process have queued and finished, for progress lines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.queued = self.finished = 0

    def add(self, queued: int, finished: int) -> None:
        with self._lock:
            self.queued += queued
            self.finished += finished


TASKS = TaskCounts()


class CorePool(ThreadPoolExecutor):
    """A pool with a thread for each core that the stage may ever use, of which `cores_now()` run at a time.

    Tasks start in the order of their submission. Tasks that wait for tasks of another pool do not block it: each pool counts its own.
    """

    def __init__(self) -> None:
        super().__init__(n_cores())
        self._changed = threading.Condition()
        self._tickets = itertools.count()
        self._waiting: deque[int] = deque()  # tickets of tasks that a thread has taken and not started
        self._n_running = 0

    def submit(self, function: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Queue a task."""
        TASKS.add(1, 0)
        return super().submit(self._run, function, *args, **kwargs)

    def _run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        with self._changed:
            ticket = next(self._tickets)
            self._waiting.append(ticket)
            while self._waiting[0] != ticket or self._n_running >= cores_now():
                self._changed.wait(POLL_S)
            self._waiting.popleft()
            self._n_running += 1
            self._changed.notify_all()
        try:
            return function(*args, **kwargs)
        finally:
            TASKS.add(0, 1)
            with self._changed:
                self._n_running -= 1
                self._changed.notify_all()


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return `[function(item) for item in items]`, computed in parallel; the first error is raised."""
    with CorePool() as pool:
        return list(pool.map(function, items))
