"""Superposition of functions of one variable, as in Kolmogorov's theorem, against a 2-layer network with as many parameters."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, dots_of, line_chart, new_axes, scaled
from stages.teaching.least_squares import Model, least_squares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Target = Callable[[np.ndarray], np.ndarray]  # of rows (n, 2): float (n,)
N_INPUTS = 2
N_TERMS = 2 * N_INPUTS + 1  # of the outer sum
SIDE = 41  # of the grid on which errors are measured
TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])  # by about 29°
TARGETS: dict[str, tuple[str, Target]] = {
    "product": ("product x₁·x₂", lambda X: X[:, 0] * X[:, 1]),
    "pyramid": ("turned pyramid", lambda X: np.abs(X @ TURN).max(axis=1)),
    "rings": ("rings cos 5(x₁² + x₂²)", lambda X: np.cos(5 * (X**2).sum(axis=1))),
}
KINDS = {"splines": "superposition", "network": "network"}
LECTURE = "the lecture, Universal approximation"


class SuperpositionSettings(LessonSettings):
    n_seeds: int = Field(12, ge=2, le=1000, description="repetitions, each with random numbers of its own")
    n_coefficients: int = Field(8, ge=4, le=16, description="of each spline; the network has as many parameters as all splines together")
    n_train: int = Field(400, ge=50, le=2000, description="random rows of the square at which the function is known")
    n_steps: int = Field(60, ge=1, le=1000, description="steps of Levenberg's and Marquardt's method")


def spline_basis(x: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n cubic B-splines on [−1, 1] and their derivatives at x, float (..., n) each."""
    width = 2 / (n - 3)
    z = (x[..., None] + 1) / width - np.arange(n) + 1
    u = np.abs(z)
    values = np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.maximum(2 - u, 0) ** 3 / 6)
    slopes = np.where(u < 1, -2 * u + 1.5 * u**2, -(np.maximum(2 - u, 0) ** 2) / 2) * np.sign(z) / width
    return values, slopes


def superposed(X: np.ndarray, n: int) -> Model:
    """Return Σ_q Φ_q(tanh(Σ_p φ_qp(x_p))) as a function of the coefficients: of φ (terms, inputs, n), then of Φ (terms, n).

    tanh keeps the sums where the outer splines are; it is a part of these functions of one variable.
    """
    inner = spline_basis(X, n)[0].reshape(len(X), -1)

    def outputs(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        phi, outer = np.split(parameters, [N_TERMS * N_INPUTS * n])
        sums = np.tanh(inner @ phi.reshape(N_TERMS, -1).T)  # (rows, terms)
        values, slopes = spline_basis(sums, n)
        by_sum = np.einsum("rqn,qn->rq", slopes, outer.reshape(N_TERMS, n)) * (1 - sums**2)
        of_phi, of_outer = (by_sum[:, :, None] * inner[:, None]).reshape(len(X), -1), values.reshape(len(X), -1)
        return of_outer @ outer, np.hstack([of_phi, of_outer])

    return outputs


def networked(X: np.ndarray) -> Model:
    """Return a 2-layer network with tanh as a function of its weights: (hidden, 3), the last of each the offset, and (hidden + 1,)."""
    rows = np.column_stack([X, np.ones(len(X))])

    def outputs(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_hidden = (len(parameters) - 1) // 4
        first, second = np.split(parameters, [3 * n_hidden])
        units = np.tanh(rows @ first.reshape(n_hidden, 3).T)
        of_first = ((1 - units**2) * second[:-1])[:, :, None] * rows[:, None]
        return units @ second[:-1] + second[-1], np.hstack([of_first.reshape(len(X), -1), units, np.ones((len(X), 1))])

    return outputs


def n_hidden_of(n_coefficients: int) -> int:
    """Return the hidden units of a network that has about as many parameters as the splines: 4 per unit, and 1."""
    return round((N_TERMS * (N_INPUTS + 1) * n_coefficients - 1) / 4)


def model_of(kind: str, X: np.ndarray, settings: SuperpositionSettings) -> Model:
    """Return the model of rows X."""
    return superposed(X, settings.n_coefficients) if kind == "splines" else networked(X)


def trained(kind: str, settings: SuperpositionSettings, target: Target, seed: int) -> np.ndarray:
    """Return the parameters that a model learns from random rows, the same ones for both kinds."""
    rng = np.random.default_rng(seed)
    X, n = rng.uniform(-1, 1, (settings.n_train, N_INPUTS)), settings.n_coefficients
    if kind == "splines":
        start = np.concatenate([0.5 * rng.standard_normal(N_TERMS * N_INPUTS * n), 0.3 * rng.standard_normal(N_TERMS * n)])
    else:
        n_hidden = n_hidden_of(n)
        start = np.concatenate([rng.standard_normal(3 * n_hidden), rng.standard_normal(n_hidden + 1) / np.sqrt(n_hidden)])
    return least_squares(model_of(kind, X, settings), target(X), start, settings.n_steps)


def observe(settings: SuperpositionSettings, seed: int) -> Observed:
    """Learn each function by both models with each seed, and draw what they learn with the first."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2), axis=-1).reshape(-1, 2)
    seeds = [derived_seed(seed, "lessons", "superposition", str(i)) for i in range(settings.n_seeds)]
    numbers, learned = dict[str, Measured](), np.empty(0)
    maps = dict[str, np.ndarray]()
    for name, (title, target) in TARGETS.items():
        logs = {}
        for kind in KINDS:
            found = [trained(kind, settings, target, one) for one in seeds]
            outputs = [model_of(kind, grid, settings)(parameters)[0] for parameters in found]
            errors = [float(np.sqrt(((one - target(grid)) ** 2).mean())) for one in outputs]
            numbers[f"{name}_{kind}"] = Measured(f"{title}: root mean squared error, {KINDS[kind]}", errors)
            logs[kind] = np.log10(errors)
            if name == "pyramid":
                maps |= {"function": target(grid), KINDS[kind]: outputs[0]}
                learned = found[0] if kind == "splines" else learned
        ratio = list(logs["splines"] - logs["network"])
        numbers[f"{name}_ratio"] = Measured(f"{title}: log₁₀ of (superposition's error / network's)", ratio)
    return Observed(numbers, figures(settings, numbers, maps, learned))


def figures(settings: SuperpositionSettings, numbers: Numbers, maps: dict[str, np.ndarray], learned: np.ndarray) -> list[LessonFigure]:
    """Return the pyramid and what is learned of it, the errors, and the inner functions."""
    n = settings.n_coefficients
    errors = {f"{title}, {KINDS[kind]}": numbers[f"{name}_{kind}"] for name, (title, _) in TARGETS.items() for kind in KINDS}
    x = np.linspace(-1, 1, 101)
    values = np.einsum("xn,qpn->qpx", spline_basis(x, n)[0], learned[: N_TERMS * N_INPUTS * n].reshape(N_TERMS, N_INPUTS, n))
    span = (float(values.min()), float(values.max()))
    inner = [line_chart([Line("φ(x₁)", x, one), Line("φ(x₂)", x, two)], "x", "inner function", limits=span) for one, two in values]
    return [
        LessonFigure("maps", "The turned pyramid", "Lines of equal height: of the function itself they are squares with sharp corners; "
                     "smooth models round the corners off.",
                     [Frame(name, height_chart(heights)) for name, heights in maps.items()]),
        LessonFigure("errors", "Errors on a grid", "Root mean squared error of both models on each function, on a logarithmic axis.",
                     [Frame("all", dots_of(errors, "error (RMS), 95 % interval", log=True))]),
        LessonFigure("inner", "Inner functions, turned pyramid", "Each term has a learned curve of x₁ and one of x₂.",
                     [Frame(f"q = {q}", figure) for q, figure in enumerate(inner)]),
    ]  # fmt: skip


def height_chart(heights: np.ndarray) -> "Figure":
    """Return lines of equal height over the square."""
    from stages.pages.drawing import COLOURS, SMALL

    figure, axes = new_axes("x₁", "x₂", height=250.0, width=330.0)
    side = np.linspace(-1, 1, SIDE)
    lines = axes.contour(side, side, heights.reshape(SIDE, SIDE), levels=np.arange(0.1, 1.4, 0.2), colors=COLOURS["c0"], linewidths=1.4)
    axes.clabel(lines, fmt="%.1f", fontsize=SMALL)
    for axis in "xy":
        scaled(axes, axis, log=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    small = max(numbers[f"product_{kind}"].hi for kind in KINDS)
    rough = min(numbers[f"pyramid_{kind}"].lo for kind in KINDS)
    return [
        Claim("Both models learn the smooth product with an error of less than 1 %.", 0 <= small < 0.01),
        Claim("Both learn the pyramid, which has edges, less exactly than the product.", rough > small),
        Claim("The network learns the turned pyramid more exactly.", numbers["pyramid_ratio"].lo > 0),
        Claim("Superposition learns the rings more exactly.", numbers["rings_ratio"].hi < 0),
    ]


def sentences(numbers: Numbers) -> list[str]:
    said = []
    for name, (title, _) in TARGETS.items():
        ratio, errors = numbers[f"{name}_ratio"], [written(numbers[f"{name}_{kind}"].mean) for kind in KINDS]
        better = "the network is" if ratio.lo > 0 else "superposition is" if ratio.hi < 0 else "neither is measurably"
        said.append(
            f"{title[0].upper()}{title[1:]}: superposition has an error of {errors[0]}, the network of {errors[1]}; {better} more exact."
        )
    return said


LESSON = Lesson(
    name="superposition", title="Superposition or a 2-layer network", chapter="神经网络", order=265,
    slides=("Brief History of Deep Learning: Universal approximation",),
    question="Do sums of functions of one variable represent functions of two as well as a 2-layer network does?",
    setup="Three functions on a square. Superposition has 15 cubic splines for φ and Φ, which are learned; the network has tanh units, "
          "and as many parameters. Both learn the same random rows by Levenberg's and Marquardt's method. The theorem is exact, with φ "
          "that are continuous but not smooth; these splines are smooth and few, so that an error is left. The rings are a single term "
          "of the formula.",
    formulas=(
        Formula("Superposition", r"f(x_1, \ldots, x_n) = \sum_{q=0}^{2n} \, \Phi_q \left( \sum_{p=1}^{n} \, \phi_{q,p}(x_p) \right)",
                f"{LECTURE}; Kolmogorov 1957"),
        Formula("2-layer network", r"g(x) = W_2\,\tanh(W_1 x + b_1) + b_2", "the lecture, Multi-Layer Perceptron"),
    ),
    settings=SuperpositionSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="n_coefficients: 12",
)  # fmt: skip
