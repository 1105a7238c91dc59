"""Optimizers next to each other on one network: loss against steps and against rows, by learning rate; Adam with and without correction."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.budgeted_training import BudgetedCurve, budgeted_curve
from stages.teaching.charts import Line, dots_of, heat_map, line_chart
from stages.teaching.digit_draws import N_CLASSES, drawn_digits, mean_cross_entropy
from stages.teaching.small_networks import Recipe, flat_parameters, new_layers, train

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

ON_BATCHES = ("sgd", "rmsprop", "adadelta", "adam", "adam_uncorrected", "adamw")
SEARCHING = {"newton": {"damping": 0.01, "max_iter": 10}, "bfgs": {}, "lbfgs": {}}  # they find the length of a step: settings
NAMES = {"gradient_descent": "gradient descent", "sgd": "SGD, momentum", "rmsprop": "RMSProp", "adadelta": "Adadelta", "adam": "Adam",
         "adam_uncorrected": "Adam, uncorrected", "adamw": "AdamW", "newton": "damped Newton", "bfgs": "BFGS",
         "lbfgs": "L-BFGS"}  # fmt: skip
RATES = (0.001, 0.01, 0.1, 1.0, 10.0)
HIGH, LOW = 0.1, 0.01  # learning rates of Adam: at which it is compared, and at which its steps are measured
N_ROWS, N_PIXELS, BATCH = 200, 64, 25
TARGET = 0.5  # cross-entropy of all rows
N_LENGTHS = 60  # steps of Adam whose lengths are measured
FIRST_STEPS = {"adam": 1.0, "adam_uncorrected": (1 - 0.9) / (1 - 0.999) ** 0.5}  # in learning rates, with the default β₁ and β₂
SLIDE = "the lecture, Adaptive Learning Rate"
MOST_SHOWN, LEAST_SHOWN = 10.0, 0.01  # losses, in shades


class OptimizersSettings(LessonSettings):
    n_seeds: int = Field(5, ge=2, le=50, description="repetitions, each with rows and first weights of its own")
    n_hidden: int = Field(8, ge=1, le=32, description="hidden units of the network")
    n_passes: int = Field(25, ge=5, le=200, description="rows that a training may use, in multiples of all rows")


class SeedNetworks(NamedTuple):
    """One network per seed, each with rows of its own: X (s, n, d), y (s, n), first weights and biases (s, …)."""

    X: "torch.Tensor"
    y: "torch.Tensor"
    start: "Sequence[torch.Tensor]"

    def of(self, place: int) -> "SeedNetworks":
        """Return the network of one seed."""
        part = slice(place, place + 1)
        return SeedNetworks(self.X[part], self.y[part], [values[part] for values in self.start])

    def fresh(self) -> "list[torch.Tensor]":
        """Return the first weights and biases as leaves with gradients."""
        return [values.clone().requires_grad_() for values in self.start]

    def losses(self, parameters: "Sequence[torch.Tensor]", rows: "torch.Tensor") -> "torch.Tensor":
        """Return the mean cross-entropy of rows by seed (s,)."""
        W1, b1, W2, b2 = parameters
        return mean_cross_entropy((self.X[:, rows] @ W1 + b1).tanh() @ W2 + b2, self.y[:, rows])


def observe(settings: OptimizersSettings, seed: int) -> Observed:
    """Train the networks of all seeds by each rule at each learning rate; then measure the lengths of Adam's steps."""
    seeds = [derived_seed(seed, "lessons", "optimizers_compared", str(repetition)) for repetition in range(settings.n_seeds)]
    networks = drawn_networks(seeds, settings.n_hidden)
    tried = {name: {rate: curve_of(networks, name, rate, settings.n_passes, seeds[0]) for rate in RATES}
             for name in ("gradient_descent", *ON_BATCHES)}  # fmt: skip
    best = {name: min(found, key=lambda rate: last(found[rate])) for name, found in tried.items()}
    curves = {name: [one_seed(found[best[name]], place) for place in range(len(seeds))] for name, found in tried.items()}
    for name in SEARCHING:
        curves[name] = [curve_of(networks.of(place), name, 1.0, settings.n_passes, drawn) for place, drawn in enumerate(seeds)]
    ends = {name: Measured(f"{NAMES[name]}: loss after {settings.n_passes} passes" + at_rate(best.get(name)),
                           [float(curve.losses[-1, 0]) for curve in found]) for name, found in curves.items()}  # fmt: skip
    lengths = {name: step_lengths(networks, name) for name in ("adam", "adam_uncorrected")}
    numbers = {f"{name}_loss": ends[name] for name in ("gradient_descent", "sgd", "adam", "adam_uncorrected", "newton", "lbfgs")}
    numbers |= {f"{name}_high": Measured(f"{NAMES[name]}: loss after {settings.n_passes} passes at the rate {HIGH:g}",
                                         [float(loss) for loss in tried[name][HIGH].losses[-1]]) for name in lengths}  # fmt: skip
    numbers |= {f"{name}_first": Measured(f"{NAMES[name]}: length of the first step, in learning rates", list(found[0]))
                for name, found in lengths.items()}  # fmt: skip
    numbers |= {f"{name}_{unit}": Measured(f"{NAMES[name]}: {unit} to a loss of {TARGET:g}",
                                           [to_target(curve, unit, settings.n_passes) for curve in curves[name]])
                for unit in ("steps", "passes") for name in ("sgd", "lbfgs")}  # fmt: skip
    needed = {NAMES[name]: Measured("", [to_target(curve, "passes", settings.n_passes) for curve in found])
              for name, found in curves.items()}  # fmt: skip
    first = {name: found[0] for name, found in curves.items()}
    searching = {name: first[name] for name in ("gradient_descent", "sgd", *SEARCHING)}
    return Observed(numbers, [
        LessonFigure("rates", "Loss by learning rate", f"Mean loss of all rows after {settings.n_passes} passes; darker is higher. The "
                     "last three find the length of a step themselves and have no learning rate.", [Frame("all", rate_map(tried, ends))]),
        LessonFigure("curves", "Loss against steps and passes", "First seed, each at the best of the rates tried. A pass is a gradient of "
                     "every row: what a step costs differs from rule to rule. Then the passes to a loss of "
                     f"{TARGET:g}, where {settings.n_passes} is: not reached.",
                     [Frame("mini-batches", curve_chart({name: first[name] for name in ON_BATCHES}, "passes")),
                      Frame("all rows: steps", curve_chart(searching, "steps", most=settings.n_passes)),
                      Frame("all rows: passes", curve_chart(searching, "passes")),
                      Frame("passes to the target", dots_of(needed, f"passes to a loss of {TARGET:g}, with 95 % interval"))], 0),
        LessonFigure("lengths", "Adam’s steps with and without correction", "Mean length of the parameters’ steps, in learning rates, at "
                     f"the rate {LOW:g}, mean of the seeds. Uncorrected, the first steps are several times as long.",
                     [Frame("all", length_chart(lengths))]),
    ])  # fmt: skip


def drawn_networks(seeds: Sequence[int], n_hidden: int) -> SeedNetworks:
    import torch

    X, y = drawn_digits(seeds, N_ROWS)
    each = []
    for drawn in seeds:
        W1, b1, W2, b2 = flat_parameters(new_layers((N_PIXELS, n_hidden, N_CLASSES), drawn))
        each.append([W1.T, b1[None], W2.T, b2[None]])
    return SeedNetworks(X, y, [torch.stack(parts).detach() for parts in zip(*each, strict=True)])


def curve_of(networks: SeedNetworks, name: str, rate: float, n_passes: int, seed: int) -> BudgetedCurve:
    """Train by a rule until the budget is spent; mini-batches are looked at once per pass, rules on all rows after each step."""
    parameters, on_batches = networks.fresh(), name in ON_BATCHES
    steps = n_passes * (N_ROWS // BATCH if on_batches else 1)
    recipe = Recipe(name, rate, steps, batch_size=BATCH if on_batches else None, optimizer_settings=SEARCHING.get(name, {}))
    return budgeted_curve(parameters, lambda rows: networks.losses(parameters, rows), N_ROWS, recipe, n_passes=n_passes, seed=seed,
                          every=N_ROWS // BATCH if on_batches else 1)  # fmt: skip


def step_lengths(networks: SeedNetworks, name: str) -> np.ndarray:
    """Return the mean length of the parameters' steps over the learning rate: float64 (steps, n_seeds)."""
    import torch

    parameters = networks.fresh()
    points: list[np.ndarray] = []

    def record(loss: float) -> bool:
        points.append(torch.cat([values.detach().reshape(len(values), -1) for values in parameters], dim=1).numpy())
        return False

    record(np.nan)
    train(parameters, lambda rows: networks.losses(parameters, rows).sum(), N_ROWS, Recipe(name, LOW, N_LENGTHS), seed=0, until=record)
    return np.asarray(np.abs(np.diff(np.array(points), axis=0)).mean(axis=2) / LOW)


def one_seed(curve: BudgetedCurve, place: int) -> BudgetedCurve:
    return BudgetedCurve(curve.steps, curve.passes, curve.losses[:, place:place + 1])


def last(curve: BudgetedCurve) -> float:
    """Return the mean loss at the end; infinite if one is not finite."""
    return float(np.nan_to_num(curve.losses[-1], nan=np.inf).mean())


def to_target(curve: BudgetedCurve, unit: str, n_passes: int) -> float:
    """Return the steps or passes at which the loss is first at the target; of a training that never is, all of them."""
    there = np.flatnonzero(curve.losses[:, 0] <= TARGET)
    counts = getattr(curve, unit)
    return float(counts[there[0]]) if len(there) else float(n_passes if unit == "passes" else counts[-1])


def at_rate(rate: float | None) -> str:
    return "" if rate is None else f", rate {rate:g}"


def rate_map(tried: Mapping[str, Mapping[float, BudgetedCurve]], ends: Mapping[str, Measured]) -> "Figure":
    rows = [[*(last(curve) for curve in found.values()), np.nan] for found in tried.values()]
    rows += [[np.nan] * len(RATES) + [ends[name].mean] for name in SEARCHING]
    texts = [["" if np.isnan(loss) else written(float(f"{loss:.2g}")) for loss in row] for row in rows]
    shades = np.log10(np.clip(np.array(rows), LEAST_SHOWN, MOST_SHOWN))
    return heat_map(shades, [NAMES[name] for name in (*tried, *SEARCHING)], [*(f"{rate:g}" for rate in RATES), "none"], "learning rate",
                    texts=texts)  # fmt: skip


def curve_chart(found: Mapping[str, BudgetedCurve], unit: str, *, most: float = np.inf) -> "Figure":
    lines = []
    for name, curve in found.items():
        counts = getattr(curve, unit)
        lines.append(Line(NAMES[name], counts[counts <= most], np.maximum(curve.losses[counts <= most, 0], LEAST_SHOWN / 10)))
    label = "passes over the rows" if unit == "passes" else "steps"
    return line_chart(lines, label, "cross-entropy of all rows", log="y")


def length_chart(lengths: Mapping[str, np.ndarray]) -> "Figure":
    steps = np.arange(1, N_LENGTHS + 1)
    lines = [Line(NAMES[name], steps, found.mean(axis=1)) for name, found in lengths.items()]
    most = max(float(found.mean(axis=1).max()) for found in lengths.values())
    return line_chart(lines, "step", "mean length of a step, in learning rates", limits=(0.0, 1.1 * most))


def claims(numbers: Numbers) -> list[Claim]:
    of = {name: numbers[f"{name}_loss"] for name in ("gradient_descent", "sgd", "adam", "newton")}
    return [
        Claim("Adam’s first step is as long as the learning rate; without the correction it is (1 − β₁) / √(1 − β₂) = 3.16 times as long.",
              all(abs(numbers[f"{name}_first"].mean / right - 1) < 0.01 for name, right in FIRST_STEPS.items())),
        Claim(f"At a learning rate of {HIGH:g} Adam ends lower with the correction than without.",
              numbers["adam_high"].hi < numbers["adam_uncorrected_high"].lo),
        Claim("For the same number of gradients of rows, SGD with momentum and Adam on mini-batches end lower than gradient descent.",
              max(of["sgd"].hi, of["adam"].hi) < of["gradient_descent"].lo),
        Claim("L-BFGS needs fewer steps to the target than SGD with momentum, but more passes over the rows.",
              numbers["lbfgs_steps"].hi < numbers["sgd_steps"].lo and numbers["lbfgs_passes"].lo > numbers["sgd_passes"].hi),
        Claim("Damped Newton, whose products with the Hessian are counted, ends higher than gradient descent.",
              of["newton"].lo > of["gradient_descent"].hi),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    names = ("gradient_descent", "sgd", "adam", "adam_uncorrected", "newton", "lbfgs")
    ended = "; ".join(f"{NAMES[name]} {numbers[f'{name}_loss']}" for name in sorted(names, key=lambda name: numbers[f"{name}_loss"].mean))
    with_it, without = numbers["adam_high"], numbers["adam_uncorrected_high"]
    apart = with_it.hi < without.lo or without.hi < with_it.lo
    return [
        f"Loss at the end of the budget, each at the best of the rates tried, lowest first: {ended}.",
        f"To a loss of {TARGET:g} L-BFGS needs {numbers['lbfgs_steps']} steps and {numbers['lbfgs_passes']} passes over the rows, SGD with "
        f"momentum {numbers['sgd_steps']} steps and {numbers['sgd_passes']} passes.",
        f"Adam’s first step is {numbers['adam_first']} times the learning rate, without the correction "
        f"{numbers['adam_uncorrected_first']} times.",
        f"At a learning rate of {HIGH:g} Adam ends at {with_it} with the correction and at {without} without it"
        + (f": {'the correction' if with_it.mean < without.mean else 'no correction'} is better there." if apart else
           ": they cannot be told apart there.")
        + f" At the best of the rates tried they end at {numbers['adam_loss']} and {numbers['adam_uncorrected_loss']}.",
    ]  # fmt: skip


LESSON = Lesson(
    name="optimizers_compared", title="Optimizers next to each other", chapter="优化方法简介", order=330,
    slides=("How to follow the gradient", "Adaptive Learning Rate"),
    question="Which optimizer is fastest, by the step and by what a step costs, and how much does the learning rate matter?",
    setup=f"A network of one hidden layer (tanh) learns {N_ROWS} handwritten digits (real, 8 × 8 pixels), from the same first weights by "
          f"each rule: six on mini-batches of {BATCH} rows, gradient descent, damped Newton, BFGS and L-BFGS on all rows. Cost is counted "
          "in passes, gradients of all rows; a product with the Hessian counts as two. The loss is that of the training rows.",
    formulas=(
        Formula("RMSProp", r"c \leftarrow \rho\, c + (1 - \rho)\, g^2, \quad "
                r"\theta \leftarrow \theta - \epsilon\, g / (\sqrt{c} + \delta)", SLIDE),
        Formula("Adam, as on the slide", r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \quad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, "
                r"\quad \theta \leftarrow \theta - \epsilon\, m / (\sqrt{v} + \delta)", SLIDE),
        Formula("Adam’s correction, at step k", r"\hat{m} = m / (1 - \beta_1^k), \quad \hat{v} = v / (1 - \beta_2^k), \quad "
                r"\theta \leftarrow \theta - \epsilon\, \hat{m} / (\sqrt{\hat{v}} + \delta)",
                "Kingma & Ba 2015, arXiv:1412.6980, algorithm 1"),
        Formula("Adadelta", r"c \leftarrow \rho\, c + (1 - \rho)\, g^2, \quad u = \frac{\sqrt{d + \delta}}{\sqrt{c + \delta}}\, g, \quad "
                r"d \leftarrow \rho\, d + (1 - \rho)\, u^2, \quad \theta \leftarrow \theta - \epsilon\, u",
                "Zeiler 2012, arXiv:1212.5701, algorithm 1"),
        Formula("Damped Newton", r"\theta \leftarrow \theta - t\, (H + \lambda I)^{-1} g",
                "Nocedal & Wright 2006, Numerical Optimization, section 3.3"),
    ),
    settings=OptimizersSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="n_passes: 50",
    erratum="“Adaptive Learning Rate” writes Adam without the correction of m and v for their start at 0. For β₁ = 0.9 and β₂ = 0.999 its "
            "first step is 3.16 times as long as Adam’s; of the same gradients the 12th is 6.57 times as long, and after a few thousand "
            "steps both agree. Both rules are here: adam and adam_uncorrected.",
)  # fmt: skip
