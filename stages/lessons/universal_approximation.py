"""Universal approximation: the largest error of a 2-layer network falls with its width, and what gradient descent finds of it."""

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.small_networks import Recipe, activated, flat_parameters, new_layers, outputs_of, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FITTED = np.linspace(-1, 1, 401)  # where the function is known
EVERYWHERE = np.linspace(-1, 1, 2001)  # where the error is measured
SINGULAR = 1e-10  # singular values below this share of the largest are cut: hidden units that are nearly the same
N_DESCENTS = 6  # seeds that gradient descent trains, which takes longer
SOURCE = "the lecture, Universal approximation"


class UniversalApproximationSettings(LessonSettings):
    widths: tuple[int, ...] = Field(
        (2, 4, 8, 16, 32, 64, 128), min_length=3, max_length=7, description="hidden units, ascending, from at least 1 to at most 512"
    )
    activation: Literal["logistic", "tanh", "relu"] = Field("logistic", description="of the hidden units: logistic, tanh or relu")
    n_steps: int = Field(1000, ge=1, le=5000, description="steps of gradient descent (Adam) on a network of the largest width")
    learning_rate: float = Field(0.03, gt=0, le=1, description="of these steps")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.widths != tuple(sorted(set(self.widths))) or self.widths[0] < 1 or self.widths[-1] > 512:
            raise ValueError("widths must ascend, from at least 1 to at most 512")
        return self


def target(x: np.ndarray) -> np.ndarray:
    """Return the function to approximate: continuous, with a kink at 0.3."""
    found: np.ndarray = 0.7 * np.sin(4 * x) + np.abs(x - 0.3)
    return found


def hidden(x: np.ndarray, slopes: np.ndarray, centers: np.ndarray, activation: str) -> np.ndarray:
    """Return the hidden units' outputs and a column of ones: float (n, width + 1)."""
    import torch

    units = activated(activation, torch.from_numpy(slopes * (x[:, None] - centers))).numpy()
    return np.column_stack([units, np.ones(len(x))])


def approximation(width: int, activation: str, seed: int) -> np.ndarray:
    """Return a network's values on EVERYWHERE: hidden units at random places, output weights by least squares on FITTED.

    A unit's slope is drawn from 1 to 2 + width / 2, of either sign: of more units, some are steep enough for a kink.
    """
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-1, 1, width)
    slopes = rng.choice([-1.0, 1.0], width) * rng.uniform(1, 2 + width / 2, width)
    weights = np.linalg.lstsq(hidden(FITTED, slopes, centers, activation), target(FITTED), rcond=SINGULAR)[0]
    found: np.ndarray = hidden(EVERYWHERE, slopes, centers, activation) @ weights
    return found


def descended(settings: UniversalApproximationSettings, seed: int) -> np.ndarray:
    """Return the values on EVERYWHERE of a network of the largest width, all of whose weights gradient descent learns."""
    import torch

    layers = new_layers((1, settings.widths[-1], 1), seed)
    x, y = (torch.from_numpy(values[:, None]) for values in (FITTED[::4], target(FITTED[::4])))
    train(
        flat_parameters(layers),
        lambda rows: ((outputs_of(layers, x[rows], settings.activation) - y[rows]) ** 2).mean(),
        len(x),
        Recipe(learning_rate=settings.learning_rate, n_steps=settings.n_steps),
        seed=seed,
    )
    with torch.no_grad():
        found: np.ndarray = outputs_of(layers, torch.from_numpy(EVERYWHERE[:, None]), settings.activation).numpy()[:, 0]
    return found


def largest_error(values: np.ndarray) -> float:
    """Return the sup-norm error on EVERYWHERE."""
    return float(np.abs(values - target(EVERYWHERE)).max())


def observe(settings: UniversalApproximationSettings, seed: int) -> Observed:
    """Approximate the function with every width and seed; train the largest width by gradient descent, too."""
    seeds = [derived_seed(seed, "lessons", "universal_approximation", str(i)) for i in range(settings.n_seeds)]
    widths, activation = settings.widths, settings.activation
    error = np.array([[largest_error(approximation(width, activation, one)) for width in widths] for one in seeds])
    slopes = [float(np.polyfit(np.log(widths), np.log(of_seed), 1)[0]) for of_seed in error]
    by_descent = [descended(settings, one) for one in seeds[:N_DESCENTS]]
    half = len(widths) // 2
    numbers = {
        "first": Measured(f"largest error, {widths[0]} hidden units", list(error[:, 0])),
        "middle": Measured(f"largest error, {widths[half]} hidden units", list(error[:, half])),
        "last": Measured(f"largest error, {widths[-1]} hidden units", list(error[:, -1])),
        "rate": Measured("slope of log error against log width", slopes),
        "descent": Measured(f"largest error, {widths[-1]} hidden units by gradient descent, {settings.n_steps} steps",
                            [largest_error(values) for values in by_descent]),
    }  # fmt: skip
    return Observed(numbers, figures(settings, seeds[0], error, by_descent[0]))


def figures(settings: UniversalApproximationSettings, seed: int, error: np.ndarray, by_descent: np.ndarray) -> list[LessonFigure]:
    """Return the approximation by width, and the error against width."""
    widths = settings.widths
    fits = []
    for width in widths:
        values = approximation(width, settings.activation, seed)
        fits.append(Frame(f"{width} units: error {written(largest_error(values))}", fit_chart(values)))
    label = f"by Adam, {widths[-1]} units: error {written(largest_error(by_descent))}"
    fits.append(Frame(label, fit_chart(by_descent)))
    return [
        LessonFigure("fits", "The function and its approximation", "The function has bends and a kink at 0.3; a network of few hidden "
                     "units misses them.", fits, 1),
        LessonFigure("rate", "Largest error against width", "Both axes are logarithmic, so that a power of the width is a straight line. "
                     "Band: 95 % interval.", [Frame("all seeds", rate_chart(widths, error))]),
    ]  # fmt: skip


def fit_chart(values: np.ndarray) -> "Figure":
    """Return the function and a network's values."""
    lines = [Line("function", EVERYWHERE, target(EVERYWHERE)), Line("network", EVERYWHERE, values)]
    return line_chart(lines, "x", "f(x)", limits=(-0.9, 2.2))


def rate_chart(widths: tuple[int, ...], error: np.ndarray) -> "Figure":
    """Return the error against width, and the line through the means of the logarithms."""
    found = [Measured("", list(column)) for column in error.T]
    slope, height = np.polyfit(np.log(widths), np.log(error).mean(axis=0), 1)
    lo: Any = [max(one.lo, float(column.min())) for one, column in zip(found, error.T, strict=True)]  # an interval may reach below 0
    return line_chart([
        Line("measured", widths, [one.mean for one in found], lo, [one.hi for one in found], dots=True),
        Line(f"fitted, slope {written(slope)}", widths, np.exp(height + slope * np.log(widths))),
    ], "hidden units", "largest error", log="xy")  # fmt: skip


def claims(numbers: Numbers) -> list[Claim]:
    first, last = numbers["first"], numbers["last"]
    return [
        Claim("The largest error falls as the width grows.", numbers["rate"].hi < 0 and last.hi < first.lo),
        Claim("With the largest width it is below a twentieth of that with the smallest.", 0 <= last.hi < first.lo / 20),
        Claim("Gradient descent does not find so good a network of this width in its steps.", numbers["descent"].lo > last.hi),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    first, last, rate, descent = (numbers[name] for name in ("first", "last", "rate", "descent"))
    way = "falls" if rate.hi < 0 else "grows" if rate.lo > 0 else "does not measurably change"
    found = "more than" if descent.lo > last.hi else "less than" if descent.hi < last.lo else "about as much as"
    return [
        f"The largest error {way} with the width, from {written(first.mean)} to {written(last.mean)}.",
        f"The fitted rate is width to the power of {written(rate.mean)} (95 % interval {written(rate.lo)} to {written(rate.hi)}).",
        f"A network of the largest width that gradient descent trains has a largest error of {written(descent.mean)}, {found} the "
        "constructed one.",
    ]  # fmt: skip


LESSON = Lesson(
    name="universal_approximation", title="Universal approximation", chapter="神经网络", order=260,
    slides=("Brief History of Deep Learning: Universal approximation",),
    question="Does the largest error of a 2-layer network fall as far as one likes with its width?",
    setup="A continuous function with a kink on [−1, 1]. Hidden units have random places and slopes, their output weights are found by "
          "least squares, which needs no training. The theorem says that a good network exists, not that training finds it: Adam trains "
          "all weights of one, too.",
    formulas=(
        Formula("2-layer network", r"g(x) = \sum_{k=1}^{K} \, a_k\,\sigma(w_k x + b_k) + a_0", SOURCE),
        Formula("Universal approximation", r"\forall\ \epsilon > 0\ \exists\ K: \quad \sup_x |f(x) - g(x)| < \epsilon",
                "Cybenko 1989, doi:10.1007/BF02551274; Hornik 1991, doi:10.1016/0893-6080(91)90009-T"),
    ),
    settings=UniversalApproximationSettings, observe=observe, claims=claims, sentences=sentences, seconds=10, change="activation: relu",
)  # fmt: skip
