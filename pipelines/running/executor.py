"""Where stages run, behind one interface: today persistent processes of this machine, tomorrow perhaps a cluster.

`make run` and the flow follow DVC's graph and call `Executor.reproduce` for each stage that is ready; nothing else in pipelines/ knows how
a stage is run. Another executor is a class with these members and an entry of EXECUTORS: then `flow.executor` in params.yaml may name it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from stages.checking.pipeline_settings import FlowEntry
from stages.foundation.parallel import n_cores


@dataclass(frozen=True)
class StageResult:
    """The result of a stage. status: ran, restored (from DVC's run cache), unchanged, failed, skipped."""

    stage: str
    status: str
    seconds: float
    reason: str = ""
    is_input_error: bool = False  # the stage reported an error in its input: a retry would fail too

    @property
    def is_ok(self) -> bool:
        return self.status in {"ran", "restored", "unchanged"}


class Executor(AbstractContextManager["Executor"], Protocol):
    """Runs stages. Used as a context manager; `reproduce` is called from up to `n_at_once` threads.

    It must run each stage as `dvc repro --single-item <stage>` does in this workspace: same outputs, same entry of dvc.lock.
    """

    n_at_once: int  # stages that may run at the same time

    def reproduce(self, stage: str, on_line: Callable[[str], None] = ...) -> StageResult:
        """Return the result of `stage`, once it is done; `on_line` receives its output line by line."""
        ...


EXECUTORS = {"local_processes": "pipelines.running.local_processes:LocalProcesses"}


def executor_of(settings: FlowEntry) -> Executor:
    """Return the executor that `flow:` in params.yaml names, for at most `flow.workers` stages at a time."""
    module, _, name = EXECUTORS[settings.executor].partition(":")
    found: Executor = getattr(import_module(module), name)(min(settings.workers, n_cores()))
    return found
