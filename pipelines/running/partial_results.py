"""Report and publish what was evaluated, though stages of other data sets failed.

DVC's graph has report and publish read every data set. Where some fail, both run as plain commands without them and are not recorded in
dvc.lock, so that they run again once the rest is there.
"""

import subprocess
import sys
import time
from collections.abc import Mapping

from pipelines.running.dvc_graph import Step
from pipelines.running.executor import StageResult
from pipelines.running.worker import log_path

MODULES = {"report": "stages.report", "publish": "pipelines.publish"}
EVALUATE = "evaluate@"


def left_out(step: Step, results: Mapping[str, StageResult]) -> tuple[str, ...]:
    """Return the data sets without which report or publish can still run; empty for other steps, or if none was evaluated.

    Args:
        results: of all steps upstream.
    """
    evaluated = {name.removeprefix(EVALUATE): result.is_ok for name, result in results.items() if name.startswith(EVALUATE)}
    if step.kind not in MODULES or not any(evaluated.values()):
        return ()
    return tuple(dataset for dataset, is_ok in evaluated.items() if not is_ok)


def run_without(step: Step, datasets: tuple[str, ...]) -> StageResult:
    """Return the result of report or publish without some data sets; its output goes to the step's log."""
    started = time.perf_counter()
    log = log_path(step.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", MODULES[step.kind], f"--without={','.join(datasets)}"]
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        text = log.read_text("utf-8", errors="replace")
        at = text.find("error: ")
        return StageResult(step.name, "failed", seconds, text[at:].strip() if at >= 0 else f"exit status {done.returncode}")
    return StageResult(step.name, "ran", seconds, f"without {', '.join(datasets)}")
