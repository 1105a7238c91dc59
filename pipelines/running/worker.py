"""A warm process that reproduces one DVC stage at a time: a number of cores and an address per line in, one JSON line out. See
executor.py.

It ends when its input closes, so it cannot outlive the engine for longer than the stage in hand (which ends with the engine).
"""

import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path

from dvc.exceptions import DvcException

from pipelines.running.dvc_lock import use_stagewise_lockfile
from pipelines.running.repository import opened
from stages.foundation.parallel import CORES_VARIABLE

LOGS = Path(".sensorium/logs")


def log_path(stage: str) -> Path:
    """Return where the output of a stage's latest run is."""
    return LOGS / f"{stage.replace('/', '-').replace(':', '-')}.log"


class CommandCounter(logging.Handler):
    """Count the stage commands that DVC starts: none means that it took the outputs from its run cache."""

    def __init__(self) -> None:
        super().__init__()
        self.n_run = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.n_run += record.funcName == "cmd_run"


def reproduce(stage: str) -> dict[str, str]:
    """Return what became of a stage: {status: ran, restored, unchanged or failed; reason: if failed}."""
    commands = CommandCounter()
    logger = logging.getLogger("dvc.stage.run")
    logger.addHandler(commands)
    try:
        # A new Repo each time: another worker may have changed dvc.lock. Waiting for DVC's lock is what makes its
        # reading, changing and writing of dvc.lock one step, whoever else runs.
        with opened(_wait_for_lock=True) as repo:
            repo.scm_context.quiet = True  # no advice on git in every stage's log
            changed = repo.reproduce(stage, single_item=True)
    except DvcException as error:
        return {"status": "failed", "reason": str(error.__cause__ or error)}
    finally:
        logger.removeHandler(commands)
    return {"status": ("ran" if commands.n_run else "restored") if changed else "unchanged", "reason": ""}


def main() -> None:
    """Serve until the input closes."""
    # Children inherit an ignored signal, but not a handled one: stages must stay stoppable.
    signal.signal(signal.SIGINT, lambda *_: None)
    questions, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # stray prints of a library must not be taken for an answer
    logging.getLogger("dvc").setLevel(logging.INFO)
    use_stagewise_lockfile()
    for line in questions:
        os.environ[CORES_VARIABLE], stage = line.rstrip("\n").split(" ", 1)
        _into_log(stage)
        try:
            answer = reproduce(stage)
        except Exception as error:  # a defect, DVC's or ours: told in the stage's log and answer, and the worker lives on
            traceback.print_exc()
            answer = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _into_log(stage: str) -> None:
    path = log_path(stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


if __name__ == "__main__":
    main()
