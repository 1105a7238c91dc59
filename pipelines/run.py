"""Reproduce what changed, independent stages in parallel: `python -m pipelines.run [target …]`, the command of `make run`.

Graph and records are those of `dvc repro`, which has nothing to do afterwards, and of the flow, without Prefect's server. `dvc repro` runs
one stage after another, so that cores idle while a stage starts, reads or writes.
"""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

from pipelines.running.dvc_graph import Step, steps_and_up_to_date
from pipelines.running.dvc_lock import UNSORTED, sorted_at_the_end
from pipelines.running.executor import Executor, StageResult, executor_of
from pipelines.running.partial_results import left_out, run_without
from pipelines.running.ready_steps import blocked_by, counts_of, failures_of, is_alone, line_of, run_in_order
from pipelines.running.recovery import recover
from stages.checking.check_params import checked_params
from stages.checking.pipeline_settings import FlowEntry
from stages.foundation.errors import InputError, machine_errors
from stages.foundation.lease import held
from stages.foundation.parallel import n_cores
from stages.foundation.params_file import section
from stages.foundation.plain_output import plain_output
from stages.own_data.outside import record_outside

STATUS_EVERY_S = 1.0
CLEAR_LINE = "\r\x1b[K"


def run(targets: Sequence[str] = ()) -> dict[str, StageResult]:
    """Return the result of every stage that `targets` (default: all) need.

    Raises:
        InputError: if params.yaml, dvc.yaml or a target is invalid, or another run holds the workspace.
    """
    params = checked_params()
    n_cores()  # raises for an invalid SENSORIUM_CORES
    settings: FlowEntry = section(params, "flow", FlowEntry)
    with held("python -m pipelines.run"):
        for line in recover():
            print(line, flush=True)
        record_outside(params)
        plan, unchanged = steps_and_up_to_date(targets)
        if len(unchanged) == len(plan) and not UNSORTED.exists():
            return {step.name: StageResult(step.name, "unchanged", 0.0) for step in plan}
        with sorted_at_the_end(), executor_of(settings) as executor:
            results = run_plan(plan, executor, unchanged)
    return results


def run_plan(plan: Sequence[Step], executor: Executor, unchanged: Set[str]) -> dict[str, StageResult]:
    """Return the result of every step; print a line for each and, on a terminal, the running steps.

    Args:
        unchanged: names of the up-to-date steps.
    """
    results: dict[str, StageResult] = {}
    running: dict[str, float] = {}

    def start(step: Step, done: Callable[[StageResult], None]) -> None:
        reason = blocked_by(step, results)
        running[step.name] = time.monotonic()
        if reason and (without := left_out(step, results)):
            threading.Thread(target=lambda: done(run_without(step, without)), daemon=True).start()
        elif reason or step.name in unchanged:
            done(StageResult(step.name, "skipped" if reason else "unchanged", 0.0, reason))
        else:
            alone = is_alone(step, plan, results, unchanged)
            threading.Thread(target=lambda: done(executor.reproduce(step.name, alone=alone)), daemon=True).start()

    def report(result: StageResult) -> None:
        results[result.stage] = result
        del running[result.stage]
        if result.status != "unchanged":
            print(f"{CLEAR_LINE if sys.stdout.isatty() else ''}{line_of(result, len(results), len(plan))}", flush=True)

    with status_line(running):
        return run_in_order(plan, start, n_at_once=executor.n_at_once, on_done=report)


@contextmanager
def status_line(running: Mapping[str, float]) -> Iterator[None]:
    """Show the running stages and their durations on a terminal, within the context."""
    ended = threading.Event()

    def show() -> None:
        while not ended.wait(STATUS_EVERY_S):
            now = time.monotonic()
            print(CLEAR_LINE + ", ".join(f"{name} {now - since:.0f} s" for name, since in list(running.items())), end="", flush=True)
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


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run; return the exit status: 0, or 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.run", description="Reproduce what changed, independent stages in parallel.")
    parser.add_argument("targets", nargs="*", help="as for `dvc repro`, such as train@emoji-knn or evaluate; default: everything")
    targets = parser.parse_args(arguments).targets
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with machine_errors():
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
