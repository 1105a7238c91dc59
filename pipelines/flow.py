"""The Prefect flow: DVC's own graph, one task per stage, independent stages in parallel.

`python -m pipelines.flow [target …]` runs it manually (targets as for `dvc repro`; default: everything). DVC decides what has
changed, runs it and records it, so that afterwards `dvc repro` has nothing to do, and vice versa.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

from pipelines.orchestration.environment import set_up_prefect

set_up_prefect()  # before Prefect is imported: it reads its settings at import

from prefect import allow_failure, flow, get_run_logger  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.objects import State  # noqa: E402
from prefect.futures import PrefectFuture  # noqa: E402
from prefect.runtime import deployment, flow_run  # noqa: E402
from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: E402
from prefect.states import Completed, Failed  # noqa: E402

from pipelines.orchestration.artifacts import create_artifacts  # noqa: E402
from pipelines.orchestration.moves import report_moves  # noqa: E402
from pipelines.orchestration.server import running  # noqa: E402
from pipelines.orchestration.stage_task import StageJob, reproduce  # noqa: E402
from pipelines.orchestration.zombie_runs import close_zombie_runs  # noqa: E402
from pipelines.publishing.tracking import redact  # noqa: E402
from pipelines.running.dvc_graph import Step, steps, steps_and_up_to_date  # noqa: E402
from pipelines.running.dvc_lock import sorted_at_the_end  # noqa: E402
from pipelines.running.executor import Executor, StageResult, executor_of  # noqa: E402
from pipelines.running.partial_results import left_out  # noqa: E402
from pipelines.running.ready_steps import blocked_by, counts_of, failures_of, line_of, run_in_order  # noqa: E402
from pipelines.running.recovery import recover  # noqa: E402
from stages.checking.check_params import checked_params  # noqa: E402
from stages.checking.pipeline_settings import FlowEntry  # noqa: E402
from stages.foundation.errors import InputError, machine_errors  # noqa: E402
from stages.foundation.lease import held  # noqa: E402
from stages.foundation.parallel import n_cores  # noqa: E402
from stages.foundation.params_file import section  # noqa: E402
from stages.foundation.plain_output import plain_output  # noqa: E402
from stages.own_data.outside import record_outside  # noqa: E402

END_WITHIN_S = 10


def run_name() -> str:
    """Return the name of a flow run: its targets."""
    return ", ".join(flow_run.parameters.get("targets") or ()) or "all stages"


@flow(name="sensorium", flow_run_name=run_name)
def sensorium(targets: list[str] | None = None) -> State[Any]:
    """Reproduce every stage of dvc.yaml that changed (or those that `targets` need), then publish the results."""
    if deployment.id:
        threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    params = checked_params()
    settings: FlowEntry = section(params, "flow", FlowEntry)
    with held("the flow (python -m pipelines.flow)"):
        for line in recover():
            log(line)
        record_outside(params)
        plan, unchanged = steps_and_up_to_date(targets or ())
        with sorted_at_the_end(), executor_of(settings) as executor:
            results = run_plan(plan, unchanged, executor, settings, tuple(params["datasets"]))
        for line in create_artifacts(tuple(params["datasets"]), results.values()):
            log(line)
        if not targets:
            for line in report_moves(params, unfinished(results, tuple(params["datasets"]))):
                log(line)
    return verdict(results)


def end_with_parent(parent: int) -> None:
    """End this process when its parent changes: the schedule or worker that started it was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_WITHIN_S)
    os._exit(128 + signal.SIGTERM)  # Prefect still tries to reach a server that may be gone


def run_plan(
    plan: Sequence[Step], unchanged: Set[str], executor: Executor, settings: FlowEntry, datasets: Sequence[str]
) -> dict[str, StageResult]:
    """Return the result of every step; each is a task that waits for its upstream tasks. unchanged: as in `pipelines.run`."""
    futures: dict[str, PrefectFuture[Any]] = {}
    results: dict[str, StageResult] = {}  # as tasks see them: a failed one may be retried
    reported: dict[str, StageResult] = {}

    def start(step: Step, done: Callable[[StageResult], None]) -> None:
        labelled = reproduce.with_options(name=step.kind, task_run_name=step.name, tags=tags(step, datasets), retries=settings.retries)
        # Prefect starts no task downstream of a cancelled one, as skipped tasks are: it could not be marked as skipped
        above = [allow_failure(futures[name]) for name in step.upstream if reported[name].status != "skipped"]
        blocked = blocked_by(step, reported)
        without = left_out(step, reported) if blocked else ()
        job = StageJob(step, "" if without else blocked, step.name in unchanged, without)
        future = labelled.submit(job, executor, results, wait_for=above)
        futures[step.name] = future
        future.add_done_callback(lambda _: done(results.get(step.name) or StageResult(step.name, "failed", 0.0, "its task crashed")))

    def report(result: StageResult) -> None:
        reported[result.stage] = result
        log(line_of(result, len(reported), len(plan)))

    return run_in_order(plan, start, n_at_once=executor.n_at_once, on_done=report)


def tags(step: Step, datasets: Sequence[str]) -> set[str]:
    """Return the tags of a step's task: its kind and its data set."""
    return {step.kind} | datasets_of(step.name, datasets)


def datasets_of(stage: str, datasets: Sequence[str]) -> set[str]:
    """Return the data set of a stage; none of a stage of all."""
    member = stage.partition("@")[2]
    return {name for name in datasets if member == name or member.startswith(f"{name}-")}


def unfinished(results: Mapping[str, StageResult], datasets: Sequence[str]) -> set[str]:
    """Return the data sets of which a stage failed or was skipped."""
    return {name for stage, result in results.items() if not result.is_ok for name in datasets_of(stage, datasets)}


def verdict(results: Mapping[str, StageResult]) -> State[Any]:
    """Return the flow's final state, which names every stage that failed."""
    for failure in failures_of(results):
        log(f"\n{failure}")
    message = counts_of(results)
    log(f"\n{len(results)} stages: {message}")
    failed = [result.stage for result in results.values() if result.status == "failed"]
    if failed:
        return Failed(message=f"{message}: {', '.join(failed)}")
    return Completed(message=message)


def log(line: str) -> None:
    """Print a line on the console and in the flow run's log."""
    print(line, flush=True)
    get_run_logger().info(line.strip())


def send_logs() -> None:
    """Flush the logs to Prefect's server before it ends."""
    for handler in logging.getLogger("prefect.flow_runs").handlers:
        handler.flush()


@contextmanager
def server() -> Iterator[str]:
    """Connect to the server of PREFECT_API_URL, else to a server started for the context; yield its URL."""
    if url := os.environ.get("PREFECT_API_URL"):
        with get_client(sync_client=True) as client:
            if error := client.api_healthcheck():
                said = str(error) or type(error).__name__
                raise InputError(f"PREFECT_API_URL: {redact(url)} does not answer ({redact(said)}); check that the server runs, or "
                                 "unset PREFECT_API_URL: the flow then starts a server of its own")
        yield url.removesuffix("/api")
        return
    print("starting Prefect's server …", flush=True)
    with running() as url, temporary_settings({PREFECT_API_URL: f"{url}/api"}):
        close_zombie_runs(sensorium.name, started_only=True)
        yield url


@plain_output()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow manually; return the exit status: 0, or 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.flow", description=sensorium.__doc__)
    parser.add_argument("targets", nargs="*", help="as for `dvc repro`, such as train@emoji-knn or evaluate; default: everything")
    targets = parser.parse_args(arguments).targets
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        checked_params()
        n_cores()  # raises for an invalid SENSORIUM_CORES
        with machine_errors(), held("the flow (python -m pipelines.flow)"):  # before the server, whose start takes seconds
            steps(targets)
            with server() as url:
                print(f"Prefect's server: {redact(url)}", flush=True)
                state = sensorium(targets or None, return_state=True)
                send_logs()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr, flush=True)
        return 130
    if state.is_failed() or state.is_crashed():
        print(f"error: {state.message}", file=sys.stderr, flush=True)
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(main())
