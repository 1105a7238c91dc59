"""The interface of a component under stages/schedules/: the learning rate of each step of a training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.contracts.settings import Settings


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a function of the step.

    `rate(step, n_steps, initial, settings)` returns the learning rate of one step: a float, not below 0. step: 0, 1, …; at 0 the rate is
    `initial`. n_steps: of the whole training, at least 1; `step` may pass it, as when a training goes on.
    title: as the report writes it.
    source: where the formula is from.
    """

    name: str
    title: str
    settings: type[Settings]
    rate: Callable[[int, int, float, Any], float]
    source: str
