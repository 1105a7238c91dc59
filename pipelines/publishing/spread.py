"""Spread work over processes of which this one is the first: MLflow logs in Python alone, so threads would wait for each other.

A second process takes as long to import MLflow as the first, so it is started before the first connects.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import psutil

from pipelines.publishing.tracking import import_mlflow
from stages.entry import end_with

Item = TypeVar("Item")


@contextmanager
def helpers(n: int) -> Iterator[list[Executor]]:
    """Yield `n` processes that are importing MLflow; they end with the context, and with this process."""
    context = multiprocessing.get_context("spawn")  # a fork would share this one's connections
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(os.getpid(),)) for _ in range(n)]
    try:
        for pool in pools:
            pool.submit(import_mlflow)
        yield list(pools)
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def spread(items: Sequence[Item], here: Callable[[Item], None], there: Callable[[Item], None], pools: Sequence[Executor]) -> None:
    """Call `here(item)` in this process or `there(item)` in one of `pools`, whichever is free, for each item in order.

    The first error is raised once what is under way has ended; what has not begun by then does not begin.
    """
    waiting = deque(items)

    def serve(call: Callable[[Item], None]) -> None:
        try:
            while waiting:
                call(waiting.popleft())
        except BaseException:
            waiting.clear()
            raise

    def serve_there(pool: Executor) -> None:
        serve(lambda item: pool.submit(there, item).result())

    with ThreadPoolExecutor(len(pools)) if pools else nullcontext() as hands:
        served = [hands.submit(serve_there, pool) for pool in pools] if hands else []
        serve(here)
    for hand in served:
        hand.result()


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: the first one says what becomes of it
    end_with(psutil.Process(parent))
