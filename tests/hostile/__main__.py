"""Read hostile inputs one at a time, each in a child of bounded memory and time, as a bomb that is not refused ends its process.

Answers each name on standard input with a line of JSON: how the input was refused, in how many seconds, and the most memory that it took.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile import Case
from hostile.cases import CASES, SOUND

MAX_ADDRESSES, KILLED_AFTER_S = 6 * 2**30, 20  # Arrow reserves more than it uses


def child(work: Callable[[], Any]) -> str:
    """Return the JSON of what `work` returns in a child process; "" if it was killed."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(reader)
            os.dup2(2, 1)  # progress bars
            signal.alarm(KILLED_AFTER_S)
            with os.fdopen(writer, "w") as answer:
                json.dump(work(), answer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(process, 0)
    return said


def reading(case: Case) -> dict[str, Any]:
    """Return how the input is refused, in how many seconds, with how many bytes, and what code in it wrote."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    before, started = set(Path().rglob("*")), time.perf_counter()
    error: BaseException | None = None
    try:
        case.read()
    except (Exception, MemoryError) as caught:  # whichever: the test judges
        error = caught
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {
        "seconds": time.perf_counter() - started,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "kinds": kinds,
        "message": str(error),
        "pwned": [str(path) for path in set(Path().rglob("*")) - before if "pwned" in path.name],
    }


def refusal(name: str) -> str:
    """Write an input and return what `reading` finds, as JSON."""
    case = SOUND[name] if name in SOUND else CASES[name][0]
    with tempfile.TemporaryDirectory() as workspace, contextlib.chdir(workspace):
        child(case.write)
        return child(lambda: reading(case)) or json.dumps({"kinds": ["killed"], "message": f"not refused in {KILLED_AFTER_S} s"})


if __name__ == "__main__":
    for line in sys.stdin:
        print(refusal(line.rstrip("\n")), flush=True)
