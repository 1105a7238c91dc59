"""Start each step when its upstream steps are done, a few at a time; skip steps downstream of a failure."""

import queue
from collections.abc import Callable, Mapping, Sequence

from pipelines.running.dvc_graph import Step
from pipelines.running.executor import StageResult
from pipelines.running.worker import log_path


def run_in_order(
    steps: Sequence[Step],
    start: Callable[[Step, Callable[[StageResult], None]], None],
    *,
    n_at_once: int,
    on_done: Callable[[StageResult], None],
) -> dict[str, StageResult]:
    """Return the result of every step, by name.

    Args:
        steps: in topological order.
        start: starts a step and returns immediately; calls the function passed to it when the step is done, from any thread.
        n_at_once: maximum number of running steps.
        on_done: called with every result, in this thread.
    """
    waiting = {step.name: step for step in steps}
    results: dict[str, StageResult] = {}
    finished: queue.SimpleQueue[StageResult] = queue.SimpleQueue()
    n_running = 0
    while waiting or n_running:
        for step in [step for step in waiting.values() if all(name in results for name in step.upstream)]:
            if n_running == n_at_once:
                break
            start(waiting.pop(step.name), finished.put)
            n_running += 1
        result = finished.get()
        n_running -= 1
        results[result.stage] = result
        on_done(result)
    return results


def blocked_by(step: Step, results: Mapping[str, StageResult]) -> str:
    """Return why a step cannot run: the failed stage upstream, or "" if there is none."""
    for name in step.upstream:
        result = results[name]
        if not result.is_ok:
            return result.reason if result.status == "skipped" else f"{name} failed"
    return ""


def counts_of(results: Mapping[str, StageResult]) -> str:
    """Return the number of steps by status: `3 ran, 40 unchanged`."""
    statuses = [result.status for result in results.values()]
    counts = {status: statuses.count(status) for status in ("ran", "restored", "unchanged", "failed", "skipped")}
    return ", ".join(f"{n} {status}" for status, n in counts.items() if n) or "no stages"


def failures_of(results: Mapping[str, StageResult]) -> list[str]:
    """Return, for each failed step, its name, the path of its output, and its error."""
    failed = [result for result in results.values() if result.status == "failed"]
    return [f"{result.stage} failed (its output: {log_path(result.stage)})\n{result.reason}" for result in failed]


def line_of(result: StageResult, n_done: int, n_all: int) -> str:
    """Return one line for the console: `[ 3/43] train@emoji-knn: ran, 12.3 s`; the path of another dvc.yaml is left out."""
    reason = f": {result.reason.splitlines()[0]}" if result.reason else ""
    seconds = f", {result.seconds:.1f} s" if result.status in {"ran", "restored"} else ""
    return f"[{n_done:{len(str(n_all))}}/{n_all}] {result.stage.rpartition(':')[2]}: {result.status}{seconds}{reason}"
