"""A learning rate that falls linearly until step τ and stays: ε_k = (1 − α)·ε₀ + α·ε_τ with α = k / τ up to τ, ε_τ after it."""

from pydantic import Field

from stages.contracts.schedule import Schedule
from stages.contracts.settings import Settings


class LinearDecaySettings(Settings):
    final: float = Field(0.01, ge=0, le=1, description="the last learning rate ε_τ, as a share of the initial one")
    decay_share: float = Field(1.0, gt=0, le=1, description="the steps τ until the last learning rate, as a share of all steps")


def rate(step: int, n_steps: int, initial: float, settings: LinearDecaySettings) -> float:
    """Return ε_k of step k = 0, 1, …; τ = decay_share · n_steps."""
    alpha = min(1.0, step / (settings.decay_share * n_steps))
    return (1 - alpha) * initial + alpha * settings.final * initial


SCHEDULE = Schedule(
    name="linear_decay",
    title="linear decay",
    settings=LinearDecaySettings,
    rate=rate,
    source="the lecture, Parameter Update Strategies; α = k / τ: Goodfellow et al. 2016, Deep Learning, section 8.3.1",
)
