"""Quasi-Newton's claims: no learning rate, fast next to the minimum, not for mini-batches; and a method without gradients next to it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.budgeted_training import BudgetedCurve, budgeted_curve
from stages.teaching.charts import Line, line_chart, new_axes, scaled
from stages.teaching.digit_draws import N_CLASSES, drawn_digits, mean_cross_entropy
from stages.teaching.rosenbrock_descents import WayDown, descent, descents_at, drawn_start, rosenbrock, simplex_descent
from stages.teaching.small_networks import Recipe

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

TITLES = {"gradient_descent": "gradient descent, best rate", "bfgs": "BFGS", "lbfgs": "L-BFGS", "newton": "Newton",
          "nelder_mead": "Nelder–Mead"}  # fmt: skip
DIMENSIONS = (2, 20)
TARGET, EXACT = 1e-6, 1e-12  # gaps to the minimum: to reach, and at which a descent ends
MOST = 1000  # evaluations of a method
RATES = (0.01, 0.02, 0.03, 0.05)  # of gradient descent
LAST = 3  # steps next to the minimum, whose shares of the gap are averaged
N_ROWS, N_PIXELS, PENALTY = 200, 64, 0.01
SGD_RATES = (0.03, 0.1, 0.3)
REFERENCE = Recipe("newton", n_steps=6, optimizer_settings={"tol": 1e-3})  # to the least loss on the digits
LATE = 5  # passes over the rows, in which gaps on the digits are averaged
FLOOR = 1e-5  # of gaps on the digits that are drawn
METHODS = {"all": "L-BFGS, all rows", "batches": "L-BFGS, mini-batches", "sgd": "SGD, mini-batches, best rate"}


class QuasiNewtonSettings(LessonSettings):
    n_seeds: int = Field(5, ge=2, le=100, description="repetitions, each with random numbers of its own")
    steepness: float = Field(5.0, ge=1, le=1000, description="factor s of Rosenbrock’s function: the larger, the narrower its valley")
    batch_size: int = Field(40, ge=10, le=N_ROWS, description="rows of a mini-batch")
    n_passes: int = Field(30, ge=LATE, le=200, description="rows that a training on digits may use, in multiples of all rows")


def observe(settings: QuasiNewtonSettings, seed: int) -> Observed:
    """Minimize a function whose minimum is known by each method; then train on digits, on all rows and on mini-batches."""
    seeds = [derived_seed(seed, "lessons", "quasi_newton", str(repetition)) for repetition in range(settings.n_seeds)]
    starts = [drawn_start(n, drawn) for n in DIMENSIONS for drawn in seeds]
    by_rate = {rate: descents_at(rate, starts, settings.steepness, most=MOST, exact=TARGET) for rate in RATES}
    ways = {"gradient_descent": [min((found[place] for found in by_rate.values()), key=lambda way: (cost(way), way.losses.min()))
                                 for place in range(len(starts))]}  # fmt: skip
    for name in ("bfgs", "lbfgs", "newton"):
        ways[name] = [descent(name, start, settings.steepness, learning_rate=1.0, most=MOST, exact=EXACT) for start in starts]
    ways["nelder_mead"] = [simplex_descent(start, settings.steepness, most=MOST, exact=EXACT) for start in starts]
    small = settings.n_seeds  # the first starts are of 2 variables
    numbers = {}
    for name in ("gradient_descent", "bfgs", "lbfgs", "nelder_mead"):
        for n, part in zip(DIMENSIONS, (slice(small), slice(small, None)), strict=True):
            numbers[f"{name}_{n}"] = Measured(f"{TITLES[name]}, {n} variables: evaluations to a gap of 10⁻⁶",
                                              [cost(way) for way in ways[name][part]])  # fmt: skip
    reached = [[cost(way) < MOST for way in found] for found in by_rate.values()]
    numbers["rates_reached"] = Measured(f"gradient descent: share of {len(RATES)} learning rates that reach it",
                                        [float(np.mean([found[k::small] for found in reached])) for k in range(small)])  # fmt: skip
    numbers |= {f"{name}_ratio": Measured(f"{TITLES[name]}, 2 variables: share of the gap that a late step leaves",
                                          [late_ratio(way, settings.steepness) for way in ways[name][:small]])
                for name in ("gradient_descent", "bfgs")}  # fmt: skip
    gaps = trained_gaps(settings, seeds)
    numbers |= {f"{name}_gap": Measured(f"digits, {title}: gap in the last {LATE} of {settings.n_passes} passes",
                                        [late_gap(*found) for found in gaps[name]])
                for name, title in METHODS.items()}  # fmt: skip
    return Observed(numbers, [
        LessonFigure("ways", "The way down, 2 variables", "Lines of equal height of Rosenbrock’s function, a bent valley; the star is its "
                     "minimum. Dots: after each step.",
                     [Frame(TITLES[name], way_chart(found[0], settings.steepness)) for name, found in ways.items()], 1),
        LessonFigure("evaluations", "Evaluations", "Least gap found so far against evaluations, first seed; then the evaluations that each "
                     f"method needs at each learning rate, where {written(MOST)} is: not reached.",
                     [*(Frame(f"{n} variables: gap", gap_chart({TITLES[name]: found[place] for name, found in ways.items()}))
                        for n, place in zip(DIMENSIONS, (0, small), strict=True)),
                      Frame("by learning rate", rate_chart(by_rate, ways["bfgs"]))], 1),
        LessonFigure("batches", "Mini-batches", "Gap of the loss of all digits against passes over them, first seed. On mini-batches "
                     "L-BFGS ends above where it ends on all rows.",
                     [Frame("all", batch_chart({name: found[0] for name, found in gaps.items()}))]),
    ])  # fmt: skip


def cost(way: WayDown) -> float:
    return way.cost_until(TARGET, MOST)


def late_ratio(way: WayDown, steepness: float) -> float:
    """Return the share of the gap that a step leaves, the geometric mean of the last steps."""
    heights = rosenbrock(way.points, steepness)
    return float((heights[-1] / heights[-1 - LAST]) ** (1 / LAST))


def late_gap(passes: np.ndarray, gaps: np.ndarray) -> float:
    """Return the mean gap after the steps of the last passes over the rows."""
    return float(gaps[passes > passes[-1] - LATE].mean())


def trained_gaps(settings: QuasiNewtonSettings, seeds: Sequence[int]) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return, by method, the passes over the rows and the gap of the loss of all rows after each step, for each seed."""
    X, y = drawn_digits(seeds, N_ROWS)
    size = settings.batch_size
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"all": [], "batches": []}
    least = []
    for place, drawn in enumerate(seeds):
        own = X[place:place + 1], y[place:place + 1]
        least.append(float(trained(own, REFERENCE, np.inf, drawn).losses[-1, 0]))
        for name, rows in (("all", None), ("batches", size)):
            curve = trained(own, Recipe("lbfgs", n_steps=settings.n_passes * N_ROWS, batch_size=rows), settings.n_passes, drawn)
            found[name].append((curve.passes, curve.losses[:, 0] - least[-1]))
    n_steps = settings.n_passes * -(-N_ROWS // size)
    by_rate = [trained((X, y), Recipe("sgd", rate, n_steps, batch_size=size, optimizer_settings={"momentum": 0.0}), settings.n_passes,
                       seeds[0]) for rate in SGD_RATES]  # fmt: skip
    found["sgd"] = [min(((curve.passes, curve.losses[:, place] - least[place]) for curve in by_rate), key=lambda each: late_gap(*each))
                    for place in range(len(seeds))]  # fmt: skip
    return found


def trained(data: "tuple[torch.Tensor, torch.Tensor]", recipe: Recipe, n_passes: float, seed: int) -> BudgetedCurve:
    """Train softmax regression with an L² penalty, all seeds of the data at once."""
    import torch

    X, y = data
    weights, bias = (torch.zeros((len(X), n, N_CLASSES), dtype=torch.float64, requires_grad=True) for n in (N_PIXELS, 1))

    def losses_of(rows: torch.Tensor) -> torch.Tensor:
        return mean_cross_entropy(X[:, rows] @ weights + bias, y[:, rows]) + PENALTY / 2 * (weights**2).sum(dim=(1, 2))

    return budgeted_curve([weights, bias], losses_of, X.shape[1], recipe, n_passes=n_passes, seed=seed)


def way_chart(way: WayDown, steepness: float) -> "Figure":
    from stages.pages.drawing import COLOURS

    figure, axes = new_axes("θ₁", "θ₂")
    x, y = np.meshgrid(np.linspace(-2, 2, 161), np.linspace(-1.2, 2.4, 145))
    heights = rosenbrock(np.stack([x, y], axis=-1), steepness)
    axes.contour(x, y, heights, levels=[0.1, 0.5, 2, 5, 10, 20, 40], colors=COLOURS["baseline"], linewidths=0.7)
    axes.plot(*way.points.T, "-o", color=COLOURS["c0"], markersize=3.5, linewidth=1.2, markeredgewidth=0)
    axes.plot([1], [1], "*", color=COLOURS["c1"], markersize=12, markeredgewidth=0)
    axes.set_xlim(-2, 2)
    axes.set_ylim(-1.2, 2.4)
    for axis in "xy":
        scaled(axes, axis, log=False)
    return figure


def gap_chart(ways: dict[str, WayDown]) -> "Figure":
    lines = [Line(name, way.costs[way.costs <= MOST], np.maximum(np.minimum.accumulate(way.losses), EXACT)[way.costs <= MOST])
             for name, way in ways.items()]  # fmt: skip
    return line_chart(lines, "evaluations; a product with the Hessian counts as two", "gap to the minimum", log="xy")


def rate_chart(by_rate: dict[float, list[WayDown]], bfgs: Sequence[WayDown]) -> "Figure":
    lines, small = [], len(bfgs) // len(DIMENSIONS)
    for n, part in zip(DIMENSIONS, (slice(small), slice(small, None)), strict=True):
        means = [float(np.mean([cost(way) for way in found[part]])) for found in by_rate.values()]
        lines.append(Line(f"descent, {n} variables", list(by_rate), means, dots=True))
        flat = float(np.mean([cost(way) for way in bfgs[part]]))
        lines.append(Line(f"BFGS, {n} variables", list(by_rate), [flat] * len(by_rate), dots=True))
    return line_chart(lines, "learning rate, which BFGS does not use", "evaluations to a gap of 10⁻⁶, mean", log="y",
                      limits=(10, 1.3 * MOST))  # fmt: skip


def batch_chart(found: dict[str, tuple[np.ndarray, np.ndarray]]) -> "Figure":
    lines = [Line(METHODS[name], passes, np.maximum(gap, FLOOR)) for name, (passes, gap) in found.items()]
    return line_chart(lines, "passes over the rows", "gap of the loss of all rows", log="y")


def claims(numbers: Numbers) -> list[Claim]:
    descent_2, descent_20, bfgs_2, bfgs_20 = (numbers[f"{name}_{n}"] for name in ("gradient_descent", "bfgs") for n in DIMENSIONS)
    return [
        Claim("BFGS needs no learning rate and fewer evaluations than gradient descent at its best one, in 2 and in 20 variables.",
              bfgs_2.hi < descent_2.lo and bfgs_20.hi < descent_20.lo),
        Claim("Gradient descent reaches the gap at some of its learning rates and not at others.",
              numbers["rates_reached"].lo > 0 and numbers["rates_reached"].hi < 1),
        Claim("Next to the minimum a step of BFGS leaves a tenth of the gap or less, one of gradient descent nine tenths or more.",
              numbers["bfgs_ratio"].hi < 0.1 and numbers["gradient_descent_ratio"].lo > 0.9),
        Claim("On mini-batches L-BFGS ends further from the minimum than on all rows, and further than SGD at its best rate.",
              numbers["batches_gap"].lo > max(numbers["all_gap"].hi, numbers["sgd_gap"].hi) >= 0),
        Claim("Without gradients, 20 variables need more than ten times the evaluations of 2, BFGS not.",
              numbers["nelder_mead_20"].lo > 10 * numbers["nelder_mead_2"].hi and bfgs_20.hi < 10 * bfgs_2.lo),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    of = {name: [numbers[f"{name}_{n}"] for n in DIMENSIONS] for name in ("gradient_descent", "bfgs", "lbfgs", "nelder_mead")}
    every, batches, sgd = (numbers[f"{name}_gap"] for name in METHODS)
    apart = batches.lo > sgd.hi or sgd.lo > batches.hi
    return [
        f"In 2 variables BFGS needs {of['bfgs'][0]} evaluations, L-BFGS {of['lbfgs'][0]}, gradient descent at its best rate "
        f"{of['gradient_descent'][0]}; gradient descent reaches the gap at {100 * numbers['rates_reached'].mean:.3g} % of the rates tried.",
        f"Nelder–Mead, which sees no gradient, needs {of['nelder_mead'][0]} in 2 variables and "
        + (f"more than {MOST:,}" if min(of["nelder_mead"][1].values) >= MOST else str(of["nelder_mead"][1]))
        + f" in 20, where BFGS needs {of['bfgs'][1]}.",
        f"Next to the minimum a step of BFGS leaves {100 * numbers['bfgs_ratio'].mean:.2g} % of the gap, a step of gradient descent "
        f"{100 * numbers['gradient_descent_ratio'].mean:.3g} %.",
        f"On digits L-BFGS ends {every} above the least loss with all rows in every step, {batches} with mini-batches; SGD ends {sgd} above"
        + (f" and is {'better' if sgd.mean < batches.mean else 'worse'} on mini-batches." if apart else "."),
    ]  # fmt: skip


LESSON = Lesson(
    name="quasi_newton", title="Quasi-Newton, and no gradient at all", chapter="优化方法简介", order=320,
    slides=("How to follow the gradient",),
    question="Do BFGS and L-BFGS need no learning rate, and why are they rarely used on mini-batches?",
    setup="Rosenbrock’s function of 2 and 20 variables, a bent valley whose minimum is known, from drawn starts. An evaluation is one "
          "value of the function, with or without its gradient; the search for the length of a step is counted, and the start of each "
          "step, which these rules evaluate again. Then softmax regression "
          f"with an L² penalty on {N_ROWS} handwritten digits (real, 8 × 8 pixels), where each method may use as many rows.",
    formulas=(
        Formula("Rosenbrock’s function", r"L(\theta) = \sum_{j} (1 - \theta_{2j-1})^2 + s\,(\theta_{2j} - \theta_{2j-1}^2)^2",
                "Rosenbrock 1960, doi:10.1093/comjnl/3.3.175; of more variables: Moré et al. 1981, doi:10.1145/355934.355936"),
        Formula("Quasi-Newton", r"\theta^{(t+1)} = \theta^{(t)} - \epsilon_t B_t \nabla L, \quad B_{t+1} y_t = s_t",
                "Nocedal & Wright 2006, Numerical Optimization, section 6.1"),
        Formula("Step and change of the gradient", r"s_t = \theta^{(t+1)} - \theta^{(t)}, \quad y_t = \nabla L^{(t+1)} - \nabla L^{(t)}",
                "Nocedal & Wright 2006, Numerical Optimization, section 6.1"),
        Formula("Superlinear", r"\lim_{t \to \infty} \| \theta^{(t+1)} - \theta^* \| \, / \, \| \theta^{(t)} - \theta^* \| = 0",
                "Nocedal & Wright 2006, Numerical Optimization, theorem 6.6"),
    ),
    settings=QuasiNewtonSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="steepness: 20",
)  # fmt: skip
