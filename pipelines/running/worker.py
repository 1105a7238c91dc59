"""A persistent process that reproduces one DVC stage at a time: reads a slot (core_shares.py) and an address per line, writes a JSON line.

It ends when its input closes, so that it outlives the engine (local_processes.py) at most until its current stage ends.
"""

import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path

from dvc.exceptions import DvcException

from pipelines.publishing.costs import Stopwatch, keep_cost
from pipelines.running.core_shares import share_path
from pipelines.running.dvc_lock import use_stagewise_lockfile
from pipelines.running.forked_stages import peaks_bytes, use_forks
from pipelines.running.repository import opened
from pipelines.running.verified_cache import VerifiedStageCache
from stages.foundation.errors import InputError, machine_errors
from stages.foundation.parallel import SHARE_VARIABLE, n_cores

LOGS = Path(".sensorium/logs")


def log_path(stage: str) -> Path:
    """Return the path of the output of a stage's latest run."""
    return LOGS / f"{stage.replace('/', '-').replace(':', '-')}.log"


class CommandCounter(logging.Handler):
    """Counts the stage commands that DVC starts; none: it restored the outputs from its run cache."""

    def __init__(self) -> None:
        super().__init__()
        self.n_run = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.n_run += record.funcName == "cmd_run"


def reproduce(stage: str) -> dict[str, str]:
    """Return the result of a stage: {status: ran, restored, unchanged or failed; reason: if failed, or if it had to run again}."""
    commands = CommandCounter()
    logger = logging.getLogger("dvc.stage.run")
    logger.addHandler(commands)
    stopwatch = Stopwatch()
    peaks_bytes.clear()
    try:
        # A new Repo each time: another worker may have changed dvc.lock. Waiting for DVC's lock makes reading,
        # changing and writing dvc.lock atomic across workers.
        with machine_errors(), opened(_wait_for_lock=True) as repo:
            repo.scm_context.quiet = True  # no hints on git in every stage's log
            repo.stage_cache = cache = VerifiedStageCache(repo)
            changed = repo.reproduce(stage, single_item=True)
            for ran in changed if commands.n_run else ():
                outs = {out.def_path: out.hash_info.value for out in ran.outs}
                keep_cost(stage, stopwatch.cost(outs, n_cores=n_cores(), peak_bytes=max(peaks_bytes, default=None)))
    except DvcException as error:
        return {"status": "failed", "reason": str(error.__cause__ or error)}
    except InputError as error:
        return {"status": "failed", "reason": f"error: {error}"}
    finally:
        logger.removeHandler(commands)
    corrupt = f"damaged in DVC's cache, computed again: {', '.join(cache.dropped)}" if cache.dropped else ""
    return {"status": ("ran" if commands.n_run else "restored") if changed else "unchanged", "reason": corrupt}


def main() -> None:
    """Serve until the input closes."""
    # Children inherit an ignored signal, but not a handler: stages must be stoppable.
    signal.signal(signal.SIGINT, lambda *_: None)
    requests, responses = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # prints of libraries must not be read as a response
    logging.getLogger("dvc").setLevel(logging.INFO)
    use_stagewise_lockfile()
    use_forks()
    for line in requests:
        slot, stage = line.rstrip("\n").split(" ", 1)
        os.environ[SHARE_VARIABLE] = str(share_path(int(slot)).absolute())
        _redirect_output(stage)
        try:
            response = reproduce(stage)
        except Exception as error:  # a bug, here or in DVC: report it in the log and the response, keep the worker
            traceback.print_exc()
            response = {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        sys.stdout.flush()
        sys.stderr.flush()
        responses.write(json.dumps(response) + "\n")
        responses.flush()


def _redirect_output(stage: str) -> None:
    path = log_path(stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


if __name__ == "__main__":
    main()
