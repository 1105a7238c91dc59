"""One stage as a Prefect task: run by a worker, logged in the task's log, retried if that may help.

Import after `set_up_prefect`, because Prefect reads its settings at import.
"""

from dataclasses import dataclass
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed

from pipelines.running.dvc_graph import Step
from pipelines.running.executor import Executor, StageResult
from pipelines.running.partial_results import run_without

RETRY_AFTER_S = 2
STATE_NAMES = {"ran": "Completed", "restored": "Restored", "unchanged": "Cached"}
STATE_MESSAGES = {"ran": "ran", "restored": "outputs taken from DVC's run cache", "unchanged": "unchanged: nothing to do"}


@dataclass(frozen=True)
class StageJob:
    """A step, why it cannot run (or ""), whether it is up to date, and the data sets that report or publish runs without."""

    step: Step
    blocked: str
    is_up_to_date: bool
    without: tuple[str, ...] = ()


class StageFailedError(Exception):
    """A stage failed; see `result`."""

    def __init__(self, result: StageResult) -> None:
        super().__init__(result.reason)
        self.result = result


def worth_a_retry(_task: Any, _task_run: Any, state: State[Any]) -> bool:
    """Return whether a failed stage may succeed in a retry: not after an error in its input."""
    error = state.result(raise_on_failure=False)
    return not (isinstance(error, StageFailedError) and error.result.is_input_error)


@task(cache_policy=NO_CACHE, persist_result=False, retry_delay_seconds=RETRY_AFTER_S, retry_condition_fn=worth_a_retry)
def reproduce(job: StageJob, executor: Executor, results: dict[str, StageResult]) -> State[Any]:
    """Reproduce one stage, with its output in this task's log; store its result in `results`."""
    logger, name = get_run_logger(), job.step.name
    if job.blocked:
        results[name] = StageResult(name, "skipped", 0.0, job.blocked)
        return Cancelled(name="Skipped", message=job.blocked)
    if job.without:
        result = run_without(job.step, job.without)
    else:
        result = StageResult(name, "unchanged", 0.0) if job.is_up_to_date else executor.reproduce(name, logger.info)
    results[name] = result
    if not result.is_ok:
        raise StageFailedError(result)
    return Completed(name=STATE_NAMES[result.status], message=" ".join([STATE_MESSAGES[result.status], result.reason]).strip())
