"""The same learning rate at every step: ε_k = ε₀."""

from stages.contracts.schedule import Schedule
from stages.contracts.settings import Settings


class ConstantRateSettings(Settings):
    """No settings."""


def rate(step: int, n_steps: int, initial: float, settings: ConstantRateSettings) -> float:
    """Return the initial learning rate."""
    return initial


SCHEDULE = Schedule(
    name="constant", title="constant", settings=ConstantRateSettings, rate=rate, source="the lecture, Parameter Update Strategies"
)
