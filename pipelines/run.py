"""Reproduce what changed, independent stages side by side: `python -m pipelines.run [target …]`, which is what `make run` runs.

The same graph and the same records as `dvc repro`, which has nothing to do afterwards, and as the flow, without Prefect's server:
`dvc repro` runs one stage after another, so a core waits whenever a stage starts, reads or writes.
"""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

from pipelines.running.dvc_graph import Step, steps_and_up_to_date
from pipelines.running.dvc_lock import sort_lock
from pipelines.running.executor import StageResult, Workers
from pipelines.running.ready_steps import blocked_by, counts_of, failures_of, is_alone, line_of, run_in_order
from stages.check import checked_params
from stages.checking.pipeline_settings import FlowEntry
from stages.foundation.errors import InputError
from stages.foundation.lease import held
from stages.foundation.parallel import n_cores
from stages.foundation.params_file import section
from stages.own_data.outside import record_outside

STATUS_EVERY_S = 1.0
CLEAR_LINE = "\r\x1b[K"


def run(targets: Sequence[str] = ()) -> dict[str, StageResult]:
    """Return what became of every stage that `targets` (default: all) need.

    Raises:
        InputError: where params.yaml, dvc.yaml or a target is wrong, or another run holds the workspace.
    """
    params = checked_params()
    n_cores()  # refuses what SENSORIUM_CORES cannot be
    settings: FlowEntry = section(params, "flow", FlowEntry)
    with held("python -m pipelines.run"):
        record_outside(params)
        plan, unchanged = steps_and_up_to_date(targets)
        if len(unchanged) == len(plan):
            return {step.name: StageResult(step.name, "unchanged", 0.0) for step in plan}
        with Workers(min(settings.workers, n_cores())) as workers:
            results = run_plan(plan, workers, unchanged)
        sort_lock()
    return results


def run_plan(plan: Sequence[Step], workers: Workers, unchanged: Set[str]) -> dict[str, StageResult]:
    """Return what became of every step; say so line by line, and on a terminal what is under way.

    Args:
        unchanged: names of the steps that need not be looked at.
    """
    results: dict[str, StageResult] = {}
    under_way: dict[str, float] = {}

    def start(step: Step, done: Callable[[StageResult], None]) -> None:
        reason = blocked_by(step, results)
        under_way[step.name] = time.monotonic()
        if reason or step.name in unchanged:
            done(StageResult(step.name, "skipped" if reason else "unchanged", 0.0, reason))
        else:
            alone = is_alone(step, plan, results, unchanged)
            threading.Thread(target=lambda: done(workers.reproduce(step.name, alone=alone)), daemon=True).start()

    def report(result: StageResult) -> None:
        results[result.stage] = result
        del under_way[result.stage]
        if result.status != "unchanged":
            print(f"{CLEAR_LINE if sys.stdout.isatty() else ''}{line_of(result, len(results), len(plan))}", flush=True)

    with status_line(under_way):
        return run_in_order(plan, start, n_at_once=workers.n_workers, on_done=report)


@contextmanager
def status_line(under_way: Mapping[str, float]) -> Iterator[None]:
    """Show on a terminal which stages are under way and for how long, while the context lasts."""
    ended = threading.Event()

    def show() -> None:
        while not ended.wait(STATUS_EVERY_S):
            now = time.monotonic()
            print(CLEAR_LINE + ", ".join(f"{name} {now - since:.0f} s" for name, since in list(under_way.items())), end="", flush=True)
        print(CLEAR_LINE, end="", flush=True)

    shown = threading.Thread(target=show, daemon=True)
    if sys.stdout.isatty():
        shown.start()
    try:
        yield
    finally:
        ended.set()
        if shown.is_alive():
            shown.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; return the exit status: 0, or 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.run", description="Reproduce what changed, independent stages side by side.")
    parser.add_argument("targets", nargs="*", help="as for `dvc repro`, such as train@emoji-knn or evaluate; default: everything")
    targets = parser.parse_args(arguments).targets
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results = run(targets)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr, flush=True)
        return 130
    print(f"{len(results)} stages: {counts_of(results)}", flush=True)
    for failure in failures_of(results):
        print(f"\nerror: {failure}", file=sys.stderr, flush=True)
    return 0 if all(result.is_ok for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
