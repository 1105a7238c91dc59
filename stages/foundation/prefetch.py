"""Prefetch: submit the next item's tasks before waiting for this item's result, so that cores do not idle."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from stages.foundation.parallel import CorePool

Item = TypeVar("Item")


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool with one thread per core; tasks still queued when the caller fails are cancelled."""
    pool = CorePool()
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """Yield each item after requesting the next one: the tasks that the next one submits run while this one is used."""
    items = iter(items)
    for previous in items:
        for item in items:
            yield previous
            previous = item
        yield previous
