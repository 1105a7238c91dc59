"""Bias and variance against capacity: polynomials fitted to bootstraps of few noisy points of a known function."""

from typing import Any

import numpy as np
from numpy.polynomial import legendre
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart, new_axes, scaled

DEGREES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12)
SHOWN = (0, 1, 3, 5, 8, 12)  # frames of the slider
N_GRID, N_CURVES = 101, 15
GRID = np.linspace(-1, 1, N_GRID)


class CapacitySettings(LessonSettings):
    n_points: int = Field(40, ge=15, le=1000, description="training points")
    n_bootstraps: int = Field(60, ge=2, le=1000, description="resampled training sets for each seed")
    noise: float = Field(0.3, ge=0, le=3, description="standard deviation of the noise on the targets")


def truth(x: np.ndarray) -> np.ndarray:
    """Return the function that is to be learned."""
    return np.asarray(np.sin(2.5 * x) + 0.4 * np.cos(6 * x))


def observe(settings: CapacitySettings, seed: int) -> Observed:
    """Decompose the squared error of every degree over bootstraps, once per seed."""
    bias, variance = (np.zeros((settings.n_seeds, len(DEGREES))) for _ in range(2))
    frames: list[Frame] = []
    for repetition in range(settings.n_seeds):
        rng = np.random.default_rng(derived_seed(seed, "lessons", "capacity", str(repetition)))
        x = np.sort(rng.uniform(-1, 1, settings.n_points))
        y = truth(x) + settings.noise * rng.standard_normal(len(x))
        samples = rng.integers(0, len(x), (settings.n_bootstraps, len(x)))
        for place, degree in enumerate(DEGREES):
            curves = np.stack([fitted(x[rows], y[rows], degree) for rows in samples])
            bias[repetition, place], variance[repetition, place] = decomposed(curves, truth(GRID))
            if repetition == 0 and degree in SHOWN:
                frames.append(Frame(f"degree {degree}", fits_chart((x, y), curves[:N_CURVES], degree)))
    error = bias + variance
    best = error.mean(axis=0).argmin()
    numbers = {
        "bias_simplest": Measured(f"bias², degree {DEGREES[0]}", bias[:, 0].tolist()),
        "bias_best": Measured("bias², degree of the least error", bias[:, best].tolist()),
        "bias_largest": Measured(f"bias², degree {DEGREES[-1]}", bias[:, -1].tolist()),
        "variance_simplest": Measured(f"variance, degree {DEGREES[0]}", variance[:, 0].tolist()),
        "variance_best": Measured("variance, degree of the least error", variance[:, best].tolist()),
        "variance_largest": Measured(f"variance, degree {DEGREES[-1]}", variance[:, -1].tolist()),
        "best_degree": Measured("degree of the least error", [float(DEGREES[place]) for place in error.argmin(axis=1)]),
    }
    parts = {"bias²": bias, "variance": variance, "both: the error without noise": error}
    lines = []
    for name, values in parts.items():
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        lines.append(Line(name, DEGREES, middle, low, high, dots=True))
    figures = [
        LessonFigure("parts", "Error against capacity", "Bias falls and variance rises with the degree; their sum is least in between. "
                     "Medians over seeds, bands: the middle half.",
                     [Frame("all", line_chart(lines, "degree of the polynomial", "squared error, logarithmic", log="y"))]),
        LessonFigure("fits", "Fits of resampled training sets", "Thin lines: one bootstrap each; dashed: the true function; dots: the "
                     "training points. Stiff curves agree and are wrong together; flexible ones disagree.", frames, 2),
    ]  # fmt: skip
    return Observed(numbers, figures)


def fitted(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    """Return the least-squares polynomial on the grid, bounded to ±3: between bootstrapped points it may run off."""
    coefficients, _, _, _ = np.linalg.lstsq(legendre.legvander(x, degree), y, rcond=1e-10)
    return np.clip(legendre.legval(GRID, coefficients), -3, 3)


def decomposed(curves: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Return bias² and variance of predictions, means over the grid; their sum is the mean squared error.

    Args:
        curves: (n_fits, n_points). target: (n_points,), without noise.
    """
    mean = curves.mean(axis=0)
    return float(((mean - target) ** 2).mean()), float(((curves - mean) ** 2).mean())


def fits_chart(data: tuple[np.ndarray, np.ndarray], curves: np.ndarray, degree: int) -> Any:
    from stages.pages.drawing import COLOURS

    figure, axes = new_axes("x", "y")
    axes.plot(GRID, curves.T, color=COLOURS["c0"], linewidth=0.7, alpha=0.6)
    axes.plot(GRID, truth(GRID), color=COLOURS["ink"], linestyle=(0, (5, 2)), linewidth=1.6)
    axes.plot(*data, "o", color=COLOURS["c1"], markersize=3.5, markeredgewidth=0)
    axes.set_ylim(-2.2, 2.2)
    for axis in "xy":
        scaled(axes, axis, log=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    return [
        Claim("Simple models: bias is most of the error.", numbers["bias_simplest"].lo > numbers["variance_simplest"].hi),
        Claim("Complex models: variance is most of the error.", numbers["variance_largest"].lo > numbers["bias_largest"].hi),
        Claim("The least error is in between.", DEGREES[0] < numbers["best_degree"].lo and numbers["best_degree"].hi < DEGREES[-1]),
    ]


def sentences(numbers: Numbers) -> list[str]:
    said = []
    for which, name in (("simplest", "simplest"), ("largest", "most flexible")):
        bias, variance = numbers[f"bias_{which}"], numbers[f"variance_{which}"]
        larger = "bias" if bias.mean > variance.mean else "variance"
        said.append(f"Of the {name} polynomial’s error, {larger} is the larger part (bias² {bias}, variance {variance}).")
    return [*said, f"The error is least at degree {numbers['best_degree']}, on average."]


LESSON = Lesson(
    name="capacity", title="Bias and variance", chapter="优化方法简介", order=380,
    slides=("Bias Variance",),
    question="Why are both too simple and too complex models wrong?",
    setup="Points of a known function with noise (synthetic) are fitted by polynomials of growing degree, each to many bootstraps of the "
          "same points. Bias² is the error of the mean fit, variance the spread of single fits around it.",
    formulas=(
        Formula("Decomposition", r"E[(f(x) - \hat{f}(x))^2] = (f(x) - E[\hat{f}(x)])^2 + E[(\hat{f}(x) - E[\hat{f}(x)])^2]",
                "the lecture, Bias Variance; Geman et al. 1992, doi:10.1162/neco.1992.4.1.1"),
    ),
    settings=CapacitySettings, observe=observe, claims=claims, sentences=sentences, seconds=5, change="n_points: 400",
)  # fmt: skip
