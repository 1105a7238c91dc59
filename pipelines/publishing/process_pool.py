"""Distribute work over processes of which this one is the first: MLflow logs in Python alone, so threads would wait for each other.

A second process takes as long to import MLflow as the first, so it is started before the first connects.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import psutil

from pipelines.publishing.tracking import import_mlflow
from stages.foundation.entry import end_with
from stages.foundation.errors import InputError

Item = TypeVar("Item")


@contextmanager
def workers(n: int) -> Iterator[Sequence[Executor]]:
    """Yield `n` processes that are importing MLflow; they end with the context, and with this process."""
    context = multiprocessing.get_context("spawn")  # a fork would share this one's connections
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(os.getpid(),)) for _ in range(n)]
    try:
        for pool in pools:
            pool.submit(import_mlflow)
        yield pools
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def distribute(items: Sequence[Item], here: Callable[[Item], None], there: Callable[[Item], None], pools: Sequence[Executor]) -> None:
    """Call `here(item)` in this process or `there(item)` in one of `pools`, whichever is free, for each item in order.

    The first error is raised once the items under way have ended; no further item begins.

    Raises:
        InputError: if another process was ended from outside.
    """
    waiting, errors = deque(items), list[BaseException]()

    def serve(call: Callable[[Item], None]) -> None:
        try:
            while not errors:
                try:
                    item = waiting.popleft()
                except IndexError:  # another took the last one
                    return
                call(item)
        except BaseException as error:  # raised below
            errors.append(error)

    def call_there(pool: Executor, item: Item) -> None:
        try:
            pool.submit(there, item).result()
        except BrokenProcessPool:
            raise InputError("a worker process was ended, perhaps out of memory; `make publish` continues where it stopped "
                             "(SENSORIUM_CORES=1 uses a single process)") from None

    with ThreadPoolExecutor(max(1, len(pools))) as hands:
        for pool in pools:
            hands.submit(serve, partial(call_there, pool))
        serve(here)
    if errors:
        raise errors[0]


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: the first one reports it
    end_with(psutil.Process(parent))
