"""Keep the cores busy where steps wait for one another: the next item's work is queued before this item's result is waited for."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from stages.foundation.parallel import n_cores

Item = TypeVar("Item")


@contextmanager
def workers(count: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Give threads for pieces of work, first come, first served: as many as cores. What is queued when the caller fails is dropped."""
    pool = ThreadPoolExecutor(count or n_cores())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def prefetched(items: Iterable[Item]) -> Iterator[Item]:
    """Yield each item once the next has been made, or there is none: what making that one queues runs while this one is used."""
    items = iter(items)
    for previous in items:
        for item in items:
            yield previous
            previous = item
        yield previous
