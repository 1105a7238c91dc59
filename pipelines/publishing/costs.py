"""What a stage cost when it ran, and on what: time, processor time, memory and energy, for its runs on the dashboard.

A clock never gives the same bytes, so no stage writes its duration. The worker of `make run` and the flow keeps it outside of what DVC
tracks, with the hashes of the outputs, so that it is not shown next to other results. Of outputs that came from DVC's cache or from plain
`dvc repro` none is known.
"""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.publishing.energy_counters import energy_counters, joules_since

COSTS = Path(".sensorium") / "costs"
COST = "cost"  # tag of a run
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Cost:
    """A stage's last run. outs: by path, the hash of the output that it wrote.

    peak_bytes: most memory of its process at once (resident set, libraries shared with other stages included); None: DVC started it as a
    process of its own, or it was restored. joules: of the machine's processors while it ran, other stages' too; None: not readable here.
    """

    seconds: float
    processor_seconds: float
    hardware: str
    outs: dict[str, str]
    peak_bytes: int | None = None
    joules: float | None = None

    @property
    def tags(self) -> dict[str, str]:
        """Return it as tags of a run."""
        return {COST: f"{self.processor_seconds:.1f} s", "hardware": self.hardware}

    @property
    def points(self) -> list[tuple[str, float, int]]:
        """Return it as metrics of a run: name, value, step."""
        peak_mb = None if self.peak_bytes is None else self.peak_bytes / 1e6
        known = {"seconds": self.seconds, "cpu_seconds": self.processor_seconds, "peak_memory_mb": peak_mb, "machine_joules": self.joules}
        return [(f"cost/{name}", float(value), 0) for name, value in known.items() if value is not None]


class Stopwatch:
    """Time, processor time and energy since it was made."""

    def __init__(self) -> None:
        self._started_s, self._processor_s, self._energy = time.perf_counter(), _processor_s(), energy_counters()

    def cost(self, outs: Mapping[str, str], *, n_cores: int, peak_bytes: int | None = None) -> Cost:
        """Return what was spent until now by the processes that this one has waited for.

        Args:
            outs: by path, the hash of the output. n_cores: that they could use. peak_bytes: of memory, if known.
        """
        return Cost(seconds=time.perf_counter() - self._started_s, processor_seconds=_processor_s() - self._processor_s,
                    hardware=f"{cpu_name()}, {n_cores} core{'s' if n_cores > 1 else ''}", outs=dict(outs), peak_bytes=peak_bytes,
                    joules=joules_since(self._energy))


def _processor_s() -> float:
    used = os.times()
    return used.children_user + used.children_system


def cpu_name() -> str:
    """Return the name of this machine's processor, its architecture where the system does not tell more."""
    lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines() if CPU_INFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cost_path(stage: str) -> Path:
    """Return where a stage's cost is kept."""
    return COSTS / f"{stage.replace('/', '-').replace(':', '-')}.json"


def keep_cost(stage: str, cost: Cost) -> None:
    """Keep what a stage cost."""
    path = cost_path(stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")  # half a file is never read; no other worker runs this stage
    temporary.write_text(json.dumps(asdict(cost)), encoding="utf-8")
    temporary.replace(path)


def cost_of(stage: str, entry: Mapping[str, Any]) -> Cost | None:
    """Return what the outputs of a stage's lock entry cost; None if that is not known."""
    path = cost_path(stage)
    if not path.is_file():
        return None
    cost = Cost(**json.loads(path.read_text(encoding="utf-8")))
    return cost if cost.outs == {item["path"]: item.get("md5") for item in entry.get("outs", ())} else None
