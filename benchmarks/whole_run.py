"""`make run` of a fresh clone: wall time beside what its stages say they took. It takes as long as a run does, so only where asked for.

Each stage's log ends with `<stage>: x s, y s of processor time on all cores`; the first counts from the start of its main, the second from
the start of its process, with those that it started. What the wall time has beyond the stages is DVC, make, and the start of a process
for each stage.
"""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Busy, significant
from pipelines.running.worker import LOGS
from stages.foundation.parallel import n_cores

SAID = re.compile(
    r"^(?P<stage>[a-z]+(?: [\w-]+)*): (?P<wall>[\d.]+) s, (?P<processor>[\d.]+) s of processor time on all cores$", re.MULTILINE
)


def measure() -> dict[str, Any]:
    """Clone the repository, run it with this environment, and return the times. The data sets are fetched, or come from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        (clone / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
        of_make = ("MAKE", "MFLAGS", "ARGS")  # what `make bench ARGS=…` hands on would be ARGS of `make run` too
        environment = {name: value for name, value in os.environ.items() if not name.startswith(of_make)}
        # make sees that the clone's lock file is newer than the environment, which is looked through once
        subprocess.run(["make", ".venv/.locked"], cwd=clone, env=environment, stdout=subprocess.DEVNULL, check=True)
        busy, started = Busy(), time.perf_counter()
        run = subprocess.run(
            ["make", "run"], cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        wall_s = time.perf_counter() - started
        if run.returncode:
            raise RuntimeError("make run failed:\n" + run.stdout[-3000:])
        said = "".join(log.read_text("utf-8") for log in sorted((clone / LOGS).glob("*.log")))
        return summary(said, wall_s, busy)


def summary(said: str, wall_s: float, busy: Busy) -> dict[str, Any]:
    """Return wall time, the stages' own times, and their ratios, of what a run's stages printed."""
    found = [(match["stage"], float(match["wall"]), float(match["processor"])) for match in SAID.finditer(said)]
    if not found:
        raise ValueError("no stage said what it took: nothing had to run")
    walls, processor_s = sum(wall for _, wall, _ in found), sum(processor for *_, processor in found)
    return {
        "wall_s": round(wall_s), "stages": len(found), "stages_wall_s": round(walls), "processor_s": round(processor_s), "cores": n_cores(),
        "over_stages": significant(wall_s / walls, 3), "over_numerics": significant(wall_s * n_cores() / processor_s, 3),
        "others_cores": busy.others(processor_s), "longest": [[stage, wall] for stage, wall, _ in sorted(found, key=lambda f: -f[1])[:5]],
    }  # fmt: skip
