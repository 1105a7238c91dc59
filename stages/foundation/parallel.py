"""Run independent pieces side by side on the cores that this stage may use.

Each piece is computed by one thread from start to end (stages/foundation/threads.py gives BLAS one thread), so the result does not
depend on how many run at once. Threads suffice: the libraries that do the work release the interpreter's lock.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stages.foundation.errors import InputError

CORES_VARIABLE = "SENSORIUM_CORES"

Item = TypeVar("Item")
Result = TypeVar("Result")


def n_cores() -> int:
    """Return how many pieces may run at once: SENSORIUM_CORES (the flow shares the machine out), else the cores we may use.

    Raises:
        InputError: if SENSORIUM_CORES is no such number.
    """
    declared = os.environ.get(CORES_VARIABLE)
    if declared:
        if not declared.isdecimal() or int(declared) < 1:
            raise InputError(f"{CORES_VARIABLE}: expected a whole number of at least 1, found {declared!r}")
        return int(declared)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return `[function(item) for item in items]`, computed side by side; the first error is raised."""
    with ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(function, items))
