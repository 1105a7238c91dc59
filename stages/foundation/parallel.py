"""Run independent tasks in parallel on the cores that this stage may use.

One thread computes each task (stages/foundation/threads.py limits BLAS to one thread), so that the result does not depend on the number of
parallel tasks. Threads suffice: the numeric libraries release the interpreter's lock.
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
    """Return the number of parallel tasks: SENSORIUM_CORES (set by the flow for each stage), else the available cores.

    Raises:
        InputError: if SENSORIUM_CORES is not a positive whole number.
    """
    declared = os.environ.get(CORES_VARIABLE)
    if declared:
        if not declared.isdecimal() or int(declared) < 1:
            raise InputError(f"{CORES_VARIABLE}: expected a whole number of at least 1, found {declared!r}")
        return int(declared)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return `[function(item) for item in items]`, computed in parallel; the first error is raised."""
    with ThreadPoolExecutor(n_cores()) as pool:
        return list(pool.map(function, items))
