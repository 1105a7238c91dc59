"""Cross-entropy and hinge loss: what each is of the margin, what each makes of a linear model, and where Δ belongs."""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, dots_of, line_chart
from stages.teaching.learners import fitted_scores
from stages.teaching.score_gaps import KINDS, loss_of, margins, slopes_of

N_CLASSES, N_TEST = 3, 1000
ANGLES = 2 * np.pi * np.arange(N_CLASSES) / N_CLASSES
CENTERS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
OVERLAP, APART, RADIUS = 1.5, 2.2, 1.5  # distance of the centers from the middle; of overlapping and of separable classes, and their disks
C = 100.0  # so weak a penalty that the loss decides
DELTAS = (0.5, 1.0, 2.0, 4.0)
WIDER = 4.0  # times Δ, to see what Δ changes
N_STEPS, RATE = 1000, 0.1  # of gradient descent
HINGE_SLIDE = "the lecture, Second Loss Function: Hinge Loss"


class LossesSettings(LessonSettings):
    n_train: int = Field(150, ge=6, le=2000, description="training rows, a third of each class")
    delta: float = Field(1.0, ge=0.1, le=10, description="margin Δ of the hinge loss")


class Fit(NamedTuple):
    """A linear model of overlapping classes: its test accuracy, the share of training rows without loss, and the mean |margin| of these."""

    accuracy: float
    free: float
    size: float


def overlapping(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, 2) of three Gaussian classes."""
    classes = rng.permutation(np.arange(n) % N_CLASSES)
    return OVERLAP * CENTERS[classes] + rng.standard_normal((n, 2)), classes


def separable(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, 2) of three classes in disks that lines separate."""
    classes, angle = rng.permutation(np.arange(n) % N_CLASSES), rng.uniform(0, 2 * np.pi, n)
    around = RADIUS * np.sqrt(rng.random(n))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return APART * CENTERS[classes] + around, classes


def descended(kind: str, X: np.ndarray, classes: np.ndarray, delta: float, start: np.ndarray) -> np.ndarray:
    """Return the scores (n, k) of a linear model after gradient descent from weights `start`, float (3, k), the last row of offsets."""
    rows, W = np.column_stack([X, np.ones(len(X))]), start.copy()
    for _ in range(N_STEPS):
        slopes = slopes_of(kind, rows @ W, classes, delta)
        if not slopes.any():
            break  # no row moves W any more
        W -= RATE * rows.T @ slopes / len(X)
    return rows @ W


def fit(settings: LossesSettings, loss: str, delta: float, seed: int) -> Fit:
    """Train model linear on overlapping classes."""
    rng = np.random.default_rng(seed)
    train, test = overlapping(settings.n_train, rng), overlapping(N_TEST, rng)
    given = {"loss": ["log" if loss == "cross-entropy" else "hinge"], "margin": delta, "C": [C], "n_components": None, "max_iter": 1000}
    shares = fitted_scores("linear", given, train, np.concatenate([train[0], test[0]]), seed=seed).decisions
    scores = np.log(np.maximum(shares, np.finfo(float).tiny))  # shares are the softmax of the scores
    own, n = scores[: settings.n_train], settings.n_train
    free = loss_of(loss, own, train[1], delta * (1 - 0.02)) == 0  # the solver rounds the hinge off over Δ / 50
    return Fit(float((scores[n:].argmax(axis=1) == test[1]).mean()), float(free.mean()), float(np.abs(margins(own, train[1])).mean()))


def descents(settings: LossesSettings, seeds: list[int]) -> tuple[dict[str, list[np.ndarray]], dict[str, list[float]]]:
    """Return the margins that gradient descent reaches on separable classes, and the mean loss that it leaves, by kind and seed."""
    reached: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    left: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        X, classes = separable(settings.n_train, rng)
        start = 0.1 * rng.standard_normal((3, N_CLASSES))
        for kind in KINDS:
            scores = descended(kind, X, classes, settings.delta, start)
            reached[kind].append(margins(scores, classes))
            left[kind].append(float(loss_of(kind, scores, classes, settings.delta).mean()))
    return reached, left


def observe(settings: LossesSettings, seed: int) -> Observed:
    """Train on overlapping classes by each loss, and on separable ones by each way to write the hinge."""
    seeds, delta = [derived_seed(seed, "lessons", "loss_functions", str(i)) for i in range(settings.n_seeds)], settings.delta
    wanted = {"log": ("cross-entropy", delta), "hinge": ("hinge", delta), "wide": ("hinge", WIDER * delta)}
    fits = {name: [fit(settings, *one, seed=drawn) for drawn in seeds] for name, one in wanted.items()}
    reached, left = descents(settings, seeds)
    smallest = {kind: [float(one.min()) for one in found] for kind, found in reached.items()}
    size = {name: np.array([one.size for one in found]) for name, found in fits.items()}
    numbers = {
        "log_accuracy": Measured("cross-entropy: test accuracy, overlapping classes", [one.accuracy for one in fits["log"]], bounds=SHARE),
        "hinge_accuracy": Measured(f"hinge, Δ = {delta:g}: test accuracy", [one.accuracy for one in fits["hinge"]], bounds=SHARE),
        "gain": Measured("hinge minus cross-entropy", [b.accuracy - a.accuracy for a, b in zip(fits["log"], fits["hinge"], strict=True)]),
        "log_free": Measured("cross-entropy: training rows without loss", [one.free for one in fits["log"]], bounds=SHARE),
        "hinge_free": Measured("hinge: training rows without loss, and so without gradient", [one.free for one in fits["hinge"]],
                               bounds=SHARE),
        "size_ratio": Measured(f"margins at {WIDER:g} times Δ, as a multiple of those at Δ", list(size["wide"] / size["hinge"])),
        "delta": Measured("Δ", [delta]),
        "inside_margin": Measured("separable classes, Δ inside: smallest margin after training", smallest["hinge"]),
        "outside_margin": Measured("Δ outside: smallest margin after training", smallest["Δ outside"]),
        "inside_left": Measured("Δ inside: loss that is left", left["hinge"]),
        "outside_left": Measured("Δ outside: loss that is left", left["Δ outside"]),
        "outside_zero": Measured("Δ outside: loss of W = 0, that is of no model", [float(loss_of(KINDS[2], *no_model(), delta).mean())]),
    }  # fmt: skip
    return Observed(numbers, figures(settings, numbers, fits["wide"], {kind: found[0] for kind, found in reached.items()}))


def no_model() -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of W = 0 for one row of each class."""
    return np.zeros((N_CLASSES, N_CLASSES)), np.arange(N_CLASSES)


def figures(settings: LossesSettings, numbers: Numbers, wide: list[Fit], reached: dict[str, np.ndarray]) -> list[LessonFigure]:
    """Return the losses as functions of the margin, the margins after training, and the accuracies."""
    z = np.linspace(-3, 5, 161)
    scores, classes = np.stack([z, np.zeros_like(z)], axis=1), np.zeros(len(z), int)
    curves = []
    for delta in DELTAS:
        lines = [Line(kind, z, loss_of(kind, scores, classes, delta)) for kind in KINDS]
        curves.append(Frame(f"Δ = {delta:g}", line_chart(lines, "margin f_y − f_j", "loss of a row, two classes", limits=(-0.3, 7))))
    share = (np.arange(settings.n_train) + 1) / settings.n_train
    steps = [Line(kind, np.sort(found), share) for kind, found in reached.items()]
    accuracy = {
        "cross-entropy": numbers["log_accuracy"],
        f"hinge, Δ = {settings.delta:g}": numbers["hinge_accuracy"],
        f"hinge, Δ = {WIDER * settings.delta:g}": Measured("", [one.accuracy for one in wide], bounds=SHARE),
    }
    return [
        LessonFigure("losses", "Loss against margin", "Cross-entropy falls towards 0 and never reaches it. The hinge loss is 0 from the "
                     "margin Δ on. With Δ outside the maximum it falls to Δ at margin 0, and stays there.", curves, 1),
        LessonFigure("reached", "Margins after training, separable classes", "Share of the rows whose margin is at most x, after "
                     "training by each loss. Rows left of 0 are wrong.",
                     [Frame("first seed", line_chart(steps, "margin f_y − largest wrong score", "share of training rows"))]),
        LessonFigure("accuracy", "Accuracy on test rows, overlapping classes", "Means and 95 % intervals over the seeds, by loss.",
                     [Frame("all", dots_of(accuracy, "accuracy, with 95 % interval"))]),
    ]  # fmt: skip


def claims(numbers: Numbers) -> list[Claim]:
    delta, left, ratio = (numbers[name].mean for name in ("delta", "outside_left", "size_ratio"))
    free = numbers["log_free"]
    return [
        Claim("The hinge loss leaves some rows without loss, cross-entropy none.", free.mean == 0 < numbers["hinge_free"].lo),
        Claim("Δ sets the scale of the scores: four times Δ, about four times the margins.", abs(ratio - WIDER) < 0.1 * WIDER),
        Claim("With Δ inside the maximum, training pushes margins further than with Δ outside.",
              numbers["inside_margin"].lo > numbers["outside_margin"].hi),
        Claim("With Δ outside, at least Δ of the loss is left, however good the model.", left >= delta * (1 - 1e-9)),
        Claim("With Δ outside, W = 0 has a loss as small as that of the trained model.", numbers["outside_zero"].mean <= left * (1 + 1e-9)),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    gain, inside, outside = numbers["gain"], numbers["inside_margin"], numbers["outside_margin"]
    better = "The hinge loss is" if gain.lo > 0 else "Cross-entropy is" if gain.hi < 0 else "Neither is measurably"
    return [
        f"Trained by cross-entropy {100 * numbers['log_accuracy'].mean:.3g} % of the test rows are right, by the hinge loss "
        f"{100 * numbers['hinge_accuracy'].mean:.3g} %. {better} better (difference {written(100 * gain.lo)} to {written(100 * gain.hi)} "
        "percentage points).",
        f"{100 * numbers['hinge_free'].mean:.3g} % of the training rows have no hinge loss and no gradient; by cross-entropy "
        f"{100 * numbers['log_free'].mean:.3g} %.",
        f"With Δ inside the maximum the smallest margin of separable rows becomes {written(inside.mean)}, with Δ outside "
        f"{written(outside.mean)}.",
        f"The loss that is left is {written(numbers['inside_left'].mean)} with Δ inside and {written(numbers['outside_left'].mean)} with "
        f"Δ outside, where W = 0 has {written(numbers['outside_zero'].mean)}.",
    ]  # fmt: skip


LESSON = Lesson(
    name="loss_functions", title="Cross-entropy and hinge loss", chapter="神经网络", order=230,
    slides=("First Loss Function: Cross Entropy Loss", "Second Loss Function: Hinge Loss", "Different concepts"),
    question="How do cross-entropy and hinge loss differ, and does Δ belong inside the maximum?",
    setup="Synthetic rows of three classes in the plane. Model linear learns overlapping Gaussian classes by each loss, with a weak "
          "penalty. Gradient descent without a penalty learns classes that lines separate, from the same start, with Δ inside the "
          "maximum and outside.",
    formulas=(
        Formula("Cross-entropy", r"L_i = -\log \left( \frac{e^{f_{y_i}}}{\sum_j e^{f_j}} \right)", "the lecture, First Loss Function"),
        Formula("Hinge loss", r"L_i = \sum_{j \neq y_i} \, \max(0, f_j - f_{y_i} + \Delta)", "the lecture, Different concepts"),
        Formula("Δ outside, as on the slide", r"L_i = \sum_{j \neq y_i} \, \max(0, f_j - f_{y_i}) + \Delta", HINGE_SLIDE),
    ),
    settings=LossesSettings, observe=observe, claims=claims, sentences=sentences, seconds=8, change="delta: 4.0",
    erratum="“Second Loss Function: Hinge Loss” writes Δ outside the maximum, “Different concepts” inside; inside is right. Outside, Δ "
            "is a constant without a gradient: a row that is right keeps a loss of Δ (or Δ per wrong class), and nothing pushes its "
            "margin above 0.",
)  # fmt: skip
