"""The interface of a component under stages/lessons/: one concept of the lecture as a small experiment.

`observe` does the experiment and draws; `claims` and `sentences` see its numbers alone, so that the page says what was measured: other
numbers give other sentences, and a claim that the numbers do not carry is shown as one that does not hold.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from pydantic import Field

from stages.contracts.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAPTERS = {  # of the lecture, in its order: what follows from each title
    "单模态基础表示": "Representations of one modality",
    "经典机器学习方法": "Classic learners",
    "神经网络": "Neural networks",
    "优化方法简介": "Optimization",
}
CONFIDENCE = 0.95
SHARE = (0.0, 1.0)  # bounds of an accuracy and of any other share of rows


class LessonSettings(Settings):
    """What every lesson has that draws random numbers; one that draws none has settings of its own alone."""

    n_seeds: int = Field(20, ge=2, le=1000, description="repetitions, each with random numbers of its own")


@dataclass(frozen=True)
class Formula:
    """latex: in the subset that matplotlib's mathtext draws. source: the lecture's slide, or a paper."""

    name: str
    latex: str
    source: str


@dataclass(frozen=True)
class Measured:
    """A number with its interval over seeds. values: one per seed; a single one where nothing is drawn at random.

    is_share: whether the values are 0 or 1, so that their mean is a share of the seeds. bounds: what the mean cannot leave, and so
    its interval does not.
    """

    title: str
    values: Sequence[float]
    unit: str = ""
    is_share: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean: Student's t, cut at the bounds; of a share Wilson's; None of a single value.

        Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
        """
        from scipy.special import ndtri, stdtrit  # half a second, which checking settings need not wait for

        n, tail = len(self.values), (1 + CONFIDENCE) / 2
        if n < 2:
            return None
        if self.is_share:
            z = float(ndtri(tail))
            center = (self.mean + z * z / (2 * n)) / (1 + z * z / n)
            half = z / (1 + z * z / n) * math.sqrt(self.mean * (1 - self.mean) / n + z * z / (4 * n * n))
            return max(0.0, center - half), min(1.0, center + half)
        half = float(stdtrit(n - 1, tail)) * stdev(self.values) / math.sqrt(n)
        return max(self.bounds[0], self.mean - half), min(self.bounds[1], self.mean + half)

    @property
    def lo(self) -> float:
        """Return the lower end of the interval; of a single value itself."""
        return self.interval[0] if self.interval else self.mean

    @property
    def hi(self) -> float:
        """Return the upper end of the interval; of a single value itself."""
        return self.interval[1] if self.interval else self.mean

    def __str__(self) -> str:
        """Return "0.73 (0.7 to 0.76) s", or "73 %"."""
        if self.is_share:
            return f"{100 * self.mean:.3g} %"
        unit = f" {self.unit}" if self.unit else ""
        return f"{written(self.mean)}{unit}"


def written(value: float) -> str:
    """Return a number with three significant digits: 0.731, 1,240, −3.2 × 10⁻⁹."""
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value and not 1e-3 <= abs(value) < 1e6:
        digits, power = f"{value:.2e}".split("e")
        exponent = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{float(digits):g} × 10{exponent}".replace("-", "−")
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}").replace("-", "−")


Numbers = Mapping[str, Measured]


@dataclass(frozen=True)
class Claim:
    """A statement of the lecture, or its opposite where that is what is measured, and whether the numbers carry it."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Frame:
    """One position of a figure's slider. label: the value, with its name (k = 5)."""

    label: str
    figure: "Figure"


@dataclass(frozen=True)
class LessonFigure:
    """frames: one, or those of a slider; `first` is the one that is shown without a touch, and in print.

    description: what is to be seen, for who does not see it.
    """

    name: str
    title: str
    description: str
    frames: Sequence[Frame]
    first: int = 0


@dataclass(frozen=True)
class Observed:
    """What an experiment found. numbers: by name, in the order of the page; each becomes a metric of the tracking server."""

    numbers: Numbers
    figures: Sequence[LessonFigure]


@dataclass(frozen=True)
class Lesson:
    """One concept. name: that of its file and of its entry in params.yaml.

    chapter: a key of CHAPTERS. order: its place in the lecture, unique. slides: titles of the slides that it is about.
    question: what the experiment answers, ending with a question mark. setup: data, learners and protocol, in two or three sentences.
    `observe(settings, seed)` returns the same for the same arguments, whatever the number of threads.
    `claims(numbers)` and `sentences(numbers)` are functions of the numbers alone.
    seconds: about how long it takes on one core. change: a line of params.yaml that is worth trying, of keys and values (`n_hidden: 2`).
    erratum: where the slide errs, and what is right.
    """

    name: str
    title: str
    chapter: str
    order: int
    slides: Sequence[str]
    question: str
    setup: str
    formulas: Sequence[Formula]
    settings: type[Settings]
    observe: Callable[[Any, int], Observed]
    claims: Callable[[Numbers], Sequence[Claim]]
    sentences: Callable[[Numbers], Sequence[str]]
    seconds: float
    change: str
    erratum: str = ""
