"""Counters of the energy that the machine's processors have used, where Linux shows them (RAPL by way of powercap).

They count the whole machine, whatever runs on it, and wrap around. Many systems have none or let root alone read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class EnergyCounter:
    """microjoules: counted since some time. most: after which it begins at 0 again."""

    microjoules: int
    most: int


def energy_counters(folder: Path = POWERCAP) -> dict[str, EnergyCounter]:
    """Return the counter of each processor package, by the name of its folder; none where they cannot be read."""
    found = {}
    for zone in sorted(folder.glob("intel-rapl:*")):
        try:
            if (zone / "name").read_text(encoding="ascii").startswith("package"):  # others are parts of a package, or hold it
                found[zone.name] = EnergyCounter(*(int((zone / name).read_text(encoding="ascii"))
                                                   for name in ("energy_uj", "max_energy_range_uj")))
        except OSError:  # for root alone, or a zone without a counter
            continue
    return found


def joules_since(before: Mapping[str, EnergyCounter], folder: Path = POWERCAP) -> float | None:
    """Return the energy used since `before` was read, J; None where a counter of then cannot be read."""
    now = energy_counters(folder)
    if not before or before.keys() - now.keys():
        return None
    return sum((now[name].microjoules - start.microjoules) % (start.most + 1) for name, start in before.items()) / 1e6
