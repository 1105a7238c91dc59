"""Learning rates: too low, good, high and divergent on a quadratic with a known threshold; decay against a constant rate under noise."""

from typing import Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.registry import component
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart, new_axes, scaled

SHARES = {"too low": 0.02, "good": 0.5, "high": 0.98, "divergent": 1.02}  # of the threshold 2 / λ_max
NEAR = (0.9, 0.99, 0.999, 1.001, 1.01, 1.1)  # of the threshold, each below or above it
LONG = 20_000  # steps after which a rate next to the threshold has shown what it does
N_DRAWN = 60  # steps of a curve
START = np.array([-4.0, 1.5])


class LearningRatesSettings(LessonSettings):
    curvature: float = Field(10.0, gt=1, le=1000, description="largest eigenvalue λ of the quadratic; the least is 1")
    n_steps: int = Field(300, ge=10, le=5000, description="steps under noise")
    noise: float = Field(1.0, ge=0, le=100, description="standard deviation of each entry of the noisy gradient")


def observe(settings: LearningRatesSettings, seed: int) -> Observed:
    """Follow the gradient of a quadratic at several rates; then with noise, at a constant rate and with linear decay."""
    curvatures = np.array([1.0, settings.curvature])
    threshold = 2 / settings.curvature
    shrinks = {share: bool(np.abs(path(curvatures, share * threshold, LONG, START)[-1]).max() < np.abs(START).max()) for share in NEAR}
    paths = {name: path(curvatures, share * threshold, N_DRAWN, START) for name, share in SHARES.items()}
    losses = {name: loss(curvatures, found) for name, found in paths.items()}
    ends: dict[str, list[float]] = {"constant": [], "linear_decay": []}
    curves = {}
    for repetition in range(settings.n_seeds):
        rng = np.random.default_rng(derived_seed(seed, "lessons", "learning_rates", str(repetition)))
        noise = settings.noise * rng.standard_normal((settings.n_steps, 2))
        for schedule in ends:
            found = loss(curvatures, noisy_path(curvatures, 0.5 * threshold, noise, schedule))
            ends[schedule].append(float(found[-1]))
            if repetition == 0:
                curves[schedule] = found
    numbers = {
        "threshold": Measured("threshold 2 / λ of the rate", [threshold]),
        "below_shrinks": Measured("rates below it (0.9, 0.99, 0.999 of it) that come nearer", [sum(shrinks[s] for s in NEAR[:3]) / 3]),
        "above_shrinks": Measured("rates above it (1.001, 1.01, 1.1 of it) that come nearer", [sum(shrinks[s] for s in NEAR[3:]) / 3]),
        **{f"{name.replace(' ', '_')}_loss": Measured(f"{name}: loss after {N_DRAWN} steps, as a share of the first",
                                                      [float(found[-1] / found[0])]) for name, found in losses.items()},
        "constant_loss": Measured("with noise, constant rate: loss at the end", ends["constant"]),
        "decay_loss": Measured("with noise, linear decay: loss at the end", ends["linear_decay"]),
    }  # fmt: skip
    steps = np.arange(N_DRAWN + 1)
    chart = line_chart([Line(name, steps, np.maximum(found, 1e-12)) for name, found in losses.items()], "steps", "loss", log="y",
                       limits=(1e-8, 1e4))  # fmt: skip
    noisy = line_chart([Line(name.replace("_", " "), np.arange(len(found)), np.maximum(found, 1e-6)) for name, found in curves.items()],
                       "steps", "loss with noisy gradients", log="y")  # fmt: skip
    return Observed(numbers, [
        LessonFigure("paths", "The way down at four rates", "Ellipses: lines of equal loss. A low rate creeps, a good one arrives, a high "
                     "one jumps from side to side, and above the threshold each jump is longer than the one before.",
                     [Frame(f"{name}: {written(SHARES[name])} of the threshold", path_chart(curvatures, found)) for name, found in
                      paths.items()], 1),
        LessonFigure("losses", "Loss against steps", "The same four rates; then the good one under noise, constant and with linear decay.",
                     [Frame("four rates", chart), Frame("noise", noisy)]),
    ])  # fmt: skip


def path(curvatures: np.ndarray, rate: float, n_steps: int, start: np.ndarray) -> np.ndarray:
    """Return the points of gradient descent on ½ Σ λ_j θ_j²: float64 (n_steps + 1, 2)."""
    with np.errstate(over="ignore"):
        return np.asarray(np.clip((1 - rate * curvatures) ** np.arange(n_steps + 1)[:, None] * start, -1e300, 1e300))


def noisy_path(curvatures: np.ndarray, rate: float, noise: np.ndarray, schedule: str) -> np.ndarray:
    """Return the points of gradient descent with noise on each gradient, its rate by a file of stages/schedules/."""
    rule, points = component("schedules", schedule), [START]
    for step, drawn in enumerate(noise):
        points.append(points[-1] - rule.rate(step, len(noise), rate, rule.settings()) * (curvatures * points[-1] + drawn))
    return np.array(points)


def loss(curvatures: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return ½ Σ λ_j θ_j² of points (n, 2)."""
    return np.asarray((curvatures * np.clip(points, -1e100, 1e100) ** 2).sum(axis=1) / 2)


def path_chart(curvatures: np.ndarray, points: np.ndarray) -> Any:
    from stages.pages.drawing import COLOURS

    figure, axes = new_axes("θ₁", "θ₂")
    x, y = np.meshgrid(np.linspace(-5, 5, 101), np.linspace(-3, 3, 61))
    axes.contour(x, y, (curvatures[0] * x**2 + curvatures[1] * y**2) / 2, levels=10, colors=COLOURS["baseline"], linewidths=0.7)
    shown = points[np.abs(points).max(axis=1) < 50][:25]
    axes.plot(*shown.T, "-o", color=COLOURS["c0"], markersize=3.5, linewidth=1.2, markeredgewidth=0)
    axes.plot([0], [0], "*", color=COLOURS["c1"], markersize=11, markeredgewidth=0)
    axes.set_xlim(-5, 5)
    axes.set_ylim(-3, 3)
    for axis in "xy":
        scaled(axes, axis, log=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    good = numbers["good_loss"].mean
    return [
        Claim("The threshold is 2 / λ: every rate below it comes nearer, every rate above it goes away.",
              numbers["below_shrinks"].mean == 1 and numbers["above_shrinks"].mean == 0),
        Claim("Of the four rates the good one leaves the least loss.",
              0 <= good < min(numbers[f"{name}_loss"].mean for name in ("too_low", "high", "divergent"))),
        Claim("The divergent rate ends above the loss it started from.", numbers["divergent_loss"].mean > 1),
        Claim("Under noise a rate that decays linearly ends lower than a constant one.",
              numbers["decay_loss"].hi < numbers["constant_loss"].lo),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    constant, decay = numbers["constant_loss"], numbers["decay_loss"]
    apart = constant.lo > decay.hi or decay.lo > constant.hi
    nearer = [f"{100 * numbers[f'{side}_shrinks'].mean:.3g}" for side in ("below", "above")]
    left = ", ".join(f"{name} {numbers[name.replace(' ', '_') + '_loss']}" for name in SHARES)
    return [
        f"Gradient descent converges up to a rate of {numbers['threshold']}; of the rates tried below it {nearer[0]} % come nearer, of "
        f"those above it {nearer[1]} %.",
        f"After {N_DRAWN} steps the share of the first loss that is left is: {left}.",
        f"With noisy gradients the constant rate ends at {constant} and the decaying one at {decay}"
        + (f": {'decay' if decay.mean < constant.mean else 'the constant rate'} is better." if apart else ": they cannot be told apart."),
    ]  # fmt: skip


LESSON = Lesson(
    name="learning_rates", title="Learning rates and their decay", chapter="优化方法简介", order=350,
    slides=("Interpreting learning rates", "Parameter Update Strategies"),
    question="What happens when the learning rate is too low, good, high or too high?",
    setup="Gradient descent on a quadratic of two variables whose curvatures are known (synthetic). Then noise is added to every gradient, "
          "and the rate is kept constant or decays linearly to 1 % of itself.",
    formulas=(
        Formula("Gradient descent", r"\theta^{(t+1)} = \theta^t - \epsilon_k \nabla_\theta L",
                "the lecture, Parameter Update Strategies"),
        Formula("Linear decay", r"\epsilon_k = (1 - \alpha)\,\epsilon_0 + \alpha\,\epsilon_\tau, \quad \alpha = k / \tau",
                "the lecture, Parameter Update Strategies"),
        Formula("On a quadratic", r"\theta_j^{(t)} = (1 - \epsilon \lambda_j)^t\, \theta_j^{(0)}, \quad \epsilon < 2 / \lambda_{\max}",
                "Nocedal & Wright 2006, Numerical Optimization, section 3.3"),
    ),
    settings=LearningRatesSettings, observe=observe, claims=claims, sentences=sentences, seconds=3, change="curvature: 100",
)  # fmt: skip
