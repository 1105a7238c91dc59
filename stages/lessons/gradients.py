"""Analytic gradients of every loss with every activation, against differences of the loss itself."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, heat_map, line_chart
from stages.teaching.closed_forms import ACTIVATIONS, LOSSES, gaps
from stages.teaching.network_gradients import N_CLASSES, N_INPUTS, Probe, analytic, by_autograd, numerical, relative, split, units

N_ROWS = 6
LOSS = "cross-entropy"  # of the curves, and on the kink
LIMIT = 1e-7  # of a relative error
AWAY = 1e-3  # least distance to a kink
STEPS = np.logspace(-12, -1, 23)  # h of the curves


class GradientsSettings(LessonSettings):
    n_hidden: int = Field(5, ge=1, le=64, description="hidden units of the network")
    step: float = Field(1e-5, gt=0, le=0.1, description="h of the differences in the table")


def drawn_probe(n_hidden: int, seed: int) -> Probe:
    """Return drawn rows and parameters that are away from every kink: of ReLU, and of the hinges with each activation."""
    rng = np.random.default_rng(seed)
    n_parameters = n_hidden * (N_INPUTS + 1 + N_CLASSES) + N_CLASSES
    while True:
        X, y = rng.standard_normal((N_ROWS, N_INPUTS)), rng.integers(N_CLASSES, size=N_ROWS)
        probe = Probe(X, y, rng.normal(0, 0.7, n_parameters), n_hidden)
        if kink_distance(probe) > AWAY:
            return probe


def kink_distance(probe: Probe) -> float:
    """Return the least distance to a kink of what goes into a ReLU, of a hinge's gap to 0, and between two gaps."""
    found = [np.abs(units(probe, probe.parameters, "ReLU")[0]).min()]
    for activation in ACTIVATIONS:
        f = units(probe, probe.parameters, activation)[1]
        wrong = gaps(f, np.eye(N_CLASSES)[probe.y])
        found += [np.abs(wrong).min(), np.diff(np.sort(wrong, axis=1)[:, 1:], axis=1).min()]
    return float(min(found))


def moved_onto_kink(probe: Probe) -> Probe:
    """Return the probe with the bias of the first hidden unit such that what goes into it is 0 for the first row."""
    W1, b1, W2, b2 = split(probe.parameters.copy(), probe.n_hidden)
    b1[0] = -(probe.X @ W1.T)[0, 0]
    return probe._replace(parameters=np.concatenate([part.ravel() for part in (W1, b1, W2, b2)]))


def observe(settings: GradientsSettings, seed: int) -> Observed:
    """Compare the gradients at one drawn point per seed."""
    probes = [drawn_probe(settings.n_hidden, derived_seed(seed, "lessons", "gradients", str(i))) for i in range(settings.n_seeds)]
    pairs = [(loss, activation) for loss in LOSSES for activation in ACTIVATIONS]
    known = {pair: [analytic(probe, *pair) for probe in probes] for pair in pairs}
    h = settings.step
    errors = {
        pair: [relative(found, numerical(probe, *pair, h=h)) for found, probe in zip(known[pair], probes, strict=True)] for pair in pairs
    }
    torch_errors = [max(relative(known[pair][i], by_autograd(probe, *pair)) for pair in pairs) for i, probe in enumerate(probes)]
    on_kink = [moved_onto_kink(probe) for probe in probes]
    kinked = {
        name: [relative(analytic(probe, LOSS, name), numerical(probe, LOSS, name, h=h)) for probe in on_kink]
        for name in ("ReLU", "softplus")
    }
    curves = {
        (name, central): step_errors(probes, known[LOSS, name], name, central=central) for name in ACTIVATIONS for central in (True, False)
    }
    numbers = {
        **{f"error_{place}": Measured(f"{loss}: largest relative error of all activations", worst_of(errors, loss))
           for place, loss in enumerate(LOSSES)},
        "autograd": Measured("analytic gradient against torch's: largest relative error", torch_errors),
        "kink_distance": Measured("distance of the probes from the nearest kink", [kink_distance(probe) for probe in probes]),
        "kink_relu": Measured("ReLU on its kink: relative error", kinked["ReLU"]),
        "kink_softplus": Measured("softplus at the same point: relative error", kinked["softplus"]),
        **curve_numbers(curves["sigmoid", True], curves["sigmoid", False]),
        "slope": Measured("slide's examples: largest error of (1 − f)·f and of 2·(x − y)", [example_error(h)]),
    }  # fmt: skip
    return Observed(numbers, [error_table(errors, h), error_curves(curves)])


def worst_of(errors: dict[tuple[str, str], list[float]], loss: str) -> list[float]:
    """Return the largest error of all activations, for each seed."""
    return [max(of_seed) for of_seed in zip(*(errors[loss, name] for name in ACTIVATIONS), strict=True)]


def curve_numbers(two: np.ndarray, one: np.ndarray) -> dict[str, Measured]:
    """Return what the errors (n_steps, n_probes) of differences of both sides and of one show."""
    return {
        "best_step": Measured("step of the smallest error, differences of both sides", STEPS[two.argmin(axis=0)].tolist()),
        "best_error": Measured("error at that step", two.min(axis=0).tolist()),
        "best_error_one": Measured("differences of one side: error at their best step", one.min(axis=0).tolist()),
        "small_step": Measured(f"both sides: error at h = {written(STEPS[0])}", two[0].tolist()),
        "large_step": Measured(f"both sides: error at h = {written(STEPS[-1])}", two[-1].tolist()),
    }  # fmt: skip


def example_error(h: float) -> float:
    """Return the largest difference between the slide's two derivatives and differences of the functions, on −4 to 4."""
    x, y = np.linspace(-4, 4, 81), 0.5
    logistic, square = ACTIVATIONS["sigmoid"].value, lambda values: (values - y) ** 2
    found = [
        (function(x + h) - function(x - h)) / (2 * h) - slope
        for function, slope in ((logistic, (1 - logistic(x)) * logistic(x)), (square, 2 * (x - y)))
    ]
    return float(np.abs(found).max())


def step_errors(probes: Sequence[Probe], known: Sequence[np.ndarray], activation: str, *, central: bool) -> np.ndarray:
    """Return the relative errors (n_steps, n_probes) at every h of STEPS."""
    return np.array([[relative(found, numerical(probe, LOSS, activation, h=float(h), central=central))
                      for found, probe in zip(known, probes, strict=True)] for h in STEPS])  # fmt: skip


def error_table(errors: dict[tuple[str, str], list[float]], h: float) -> LessonFigure:
    """Return the heat map of the largest errors of all seeds."""
    worst = np.array([[np.log10(max(errors[loss, name])) for name in ACTIVATIONS] for loss in LOSSES])
    texts = [[f"{value:.1f}".replace("-", "−") for value in row] for row in worst]
    chart = heat_map(worst, list(LOSSES), list(ACTIVATIONS), f"log₁₀ of the largest relative error, h = {written(h)}", texts=texts)
    described = ("A table of losses and activations: the power of ten of the largest relative error of all seeds. −10 means that the "
                 "first ten digits agree.")  # fmt: skip
    return LessonFigure("errors", "Analytic against numerical gradient", described, [Frame(f"h = {written(h)}", chart)])


def error_curves(curves: dict[tuple[str, bool], np.ndarray]) -> LessonFigure:
    """Return the error against the step, a frame for each activation."""
    frames = []
    for name in ACTIVATIONS:
        lines = [
            Line(title, STEPS, *np.quantile(np.maximum(curves[name, central], 1e-17), [0.5, 0.05, 0.95], axis=1))
            for title, central in (("both sides", True), ("one side", False))
        ]
        chart = line_chart(lines, "step h of the difference", "relative error of the gradient", log="xy", limits=(1e-13, 1))
        frames.append(Frame(name, chart))
    described = ("Two curves like a V: on the left rounding dominates and the error rises as h falls, on the right what the "
                 "difference cuts off. Lines: median of the seeds; bands: 90 % of them.")  # fmt: skip
    return LessonFigure("steps", f"Error against the step h, {LOSS}", described, frames, 1)


def claims(numbers: Numbers) -> list[Claim]:
    worst = [max(numbers[f"error_{place}"].values) for place in range(len(LOSSES))]
    at_best = numbers["best_error"].hi
    return [
        Claim(f"With every loss and activation the two gradients agree to {written(LIMIT)} at all probes.",
              all(0 <= error <= LIMIT for error in worst)),
        Claim("Differences of both sides are at their best step more exact than those of one side.",
              0 < at_best < numbers["best_error_one"].lo),
        Claim("A step can be too small as well as too large: both ends have at least 100 times the error of the best step.",
              0 < 100 * at_best < min(numbers["small_step"].lo, numbers["large_step"].lo)),
        Claim("On the kink of ReLU the two gradients differ; of softplus, its differentiable approximation, they agree.",
              numbers["kink_relu"].lo > 1e-3 and 0 <= numbers["kink_softplus"].hi <= LIMIT),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    worst = max(max(numbers[f"error_{place}"].values) for place in range(len(LOSSES)))
    one, two = numbers["best_error_one"], numbers["best_error"]
    relu, softplus = numbers["kink_relu"], numbers["kink_softplus"]
    return [
        f"The largest relative error of all losses, activations and seeds is {written(worst)}: the formulas are "
        + ("right." if worst <= LIMIT else "wrong, or a probe is on a kink."),
        f"Differences of both sides reach an error of {two} at a step of about {written(numbers['best_step'].mean)}, those of one side "
        f"{one}" + (", at best." if two.hi < one.lo else ": no clear difference."),
        f"The probes are {written(min(numbers['kink_distance'].values))} or more away from every kink; on the kink of ReLU the error is "
        f"{relu}, with softplus {softplus}" + (": there ReLU has no derivative." if relu.lo > softplus.hi else "."),
    ]


LESSON = Lesson(
    name="gradients", title="Analytic and numerical gradients", chapter="优化方法简介", order=310,
    slides=("Learning Model Parameters", "Analytical Gradient"),
    question="Do the formulas of the gradient say what the loss does when a parameter changes?",
    setup="A network with one hidden layer, in float64, at drawn parameters. Its gradient by the formulas and the chain rule is compared "
          "with differences of the loss, parameter by parameter, for four losses and five activations. ReLU and the hinges have kinks, "
          "where there is no derivative: the probes are drawn away from them, and then moved onto a kink on purpose.",
    formulas=(
        Formula("Sigmoid", r"f(x) = \frac{1}{1 + e^{-x}},\quad \frac{df}{dx} = (1 - f(x))\,f(x)", "the lecture, Analytical Gradient"),
        Formula("Squared loss", r"f(x) = (x - y)^2,\quad \frac{df}{dx} = 2\,(x - y)", "the lecture, Analytical Gradient"),
        Formula("Difference of both sides", r"\frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2\,h}",
                "Nocedal & Wright 2006, Numerical Optimization, section 8.1"),
        Formula("Relative error of gradients a and b", r"\frac{\Vert a - b \Vert}{\Vert a \Vert + \Vert b \Vert}",
                "the size of a difference as a share of the sizes of both"),
    ),
    settings=GradientsSettings, observe=observe, claims=claims, sentences=sentences, seconds=9, change="step: 0.01",
)  # fmt: skip
