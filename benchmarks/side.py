"""One side of a comparison in a process of its own, which waits while another side works: `python -m benchmarks.side`.

Reads a JSON object per line and answers with one: first {"function": "module:name", "arguments": {…}}, which prepares the work,
then {"part": i, "repeats": n, "answer": path} per round, which does it n times and writes what came of it. The end of its input ends it.
"""

import gc
import json
import os
import pickle
import sys
import time
from importlib import import_module
from typing import Any

import psutil


def serve() -> None:
    """Answer until the input ends. What libraries print goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    asked = json.loads(sys.stdin.readline())
    module, _, name = asked["function"].partition(":")
    run = getattr(import_module(module), name)(**asked["arguments"])
    reply(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        gc.collect()
        before = _processor_s()
        started = time.perf_counter()
        for _ in range(asked["repeats"]):
            answer = run(asked["part"])
        seconds = (time.perf_counter() - started) / asked["repeats"]
        if callable(answer):  # what is looked up of it takes no time of the work
            answer = answer()
        with open(asked["answer"], "wb") as file:
            pickle.dump(answer, file)
        reply(seconds=seconds, processor_s=(_processor_s() - before) / asked["repeats"], peak_bytes=_peak_bytes())


def _family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _processor_s() -> float:
    """Return the processor time of this process and those that it started."""
    found = 0.0
    for process in _family():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        found += times.user + times.system
    return found


def _peak_bytes() -> int:
    """Return the sum of what this process and those that it started had resident at most (pages that they share count in each)."""
    return sum(high_water(process.pid) for process in _family())


def high_water(pid: int) -> int:
    """Return the most bytes that a process had resident; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = [line.split()[1] for line in file if line.startswith("VmHWM:")]
    except OSError:  # not Linux, or gone by now
        found = []
    if found:
        return 1024 * int(found[0])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit if pid == os.getpid() else 0


if __name__ == "__main__":
    serve()
