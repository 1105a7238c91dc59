"""Perceptron, logistic regression and MLP on the same rows: their regions, and what each puts out."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from stages.contracts.fitted import Scores
from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, dots_of, line_chart, region_map
from stages.teaching.learners import fitted_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_TEST = 1000
GRID = 100  # cells per side
LIMITS = (-1.7, 2.7, -1.3, 1.8)
LEVELS = (0.1, 0.5, 0.9)  # probabilities that are drawn as lines
N_BINS = 10
TITLES = {"perceptron": "perceptron", "logistic": "logistic regression", "mlp": "MLP"}
LECTURE = "the lecture, Different concepts"


class ConceptsSettings(LessonSettings):
    n_train: int = Field(200, ge=20, le=2000, description="training rows, half of each moon")
    noise: float = Field(0.25, ge=0, le=1, description="standard deviation of the rows around their moons")
    n_hidden: int = Field(16, ge=1, le=256, description="hidden units of the MLP")
    n_epochs: int = Field(300, ge=1, le=3000, description="epochs of the MLP")


class BinaryPredictions(NamedTuple):
    """What a learner gives for test rows: predicted class and probability of class 1, int (n,) and float (n,)."""

    codes: np.ndarray
    shares: np.ndarray

    def accuracy(self, classes: np.ndarray) -> float:
        return float((self.codes == classes).mean())

    def log_loss(self, classes: np.ndarray) -> float:
        """Return the mean of −log of the right class's probability, none below 10⁻⁷."""
        right = np.where(classes == 1, self.shares, 1 - self.shares)
        return float(-np.log(np.clip(right, 1e-7, 1)).mean())

    def overconfidence(self, classes: np.ndarray) -> float:
        """Return the mean probability of the predicted class minus the accuracy."""
        return float(np.maximum(self.shares, 1 - self.shares).mean()) - self.accuracy(classes)


def two_moons(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, 2) around two half circles that reach into each other, and which of them, int (n,)."""
    classes, angle = rng.permutation(np.arange(n) % 2), rng.uniform(0, np.pi, n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rows = np.where(classes[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return rows + noise * rng.standard_normal((n, 2)), classes


def learners(settings: ConceptsSettings) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return each concept as a model of params.yaml."""
    epochs = settings.n_epochs
    return {
        "perceptron": ("linear", {"loss": ["perceptron"], "n_components": None}),
        "logistic": ("linear", {"loss": ["log"], "C": [100.0], "n_components": None}),
        "mlp": ("mlp", {"hidden_layer_sizes": [[settings.n_hidden]], "activation": ["tanh"], "learning_rate_init": [0.01],
                        "weight_decay": [0.0001], "max_iter": epochs, "n_iter_no_change": epochs, "n_components": None}),
    }  # fmt: skip


def found_of(scores: Scores) -> BinaryPredictions:
    """Return classes and probabilities; the perceptron's are the softmax of its scores, which it was not trained for."""
    shares = np.asarray(scores.decisions[:, 1] if scores.probabilities is None else scores.probabilities[:, 1], float)
    return BinaryPredictions(scores.decisions.argmax(axis=1), shares)


def observe(settings: ConceptsSettings, seed: int) -> Observed:
    """Train the three learners on the rows of each seed, and draw the regions of the first."""
    sides = [np.linspace(LIMITS[k], LIMITS[k + 1], GRID) for k in (0, 2)]
    plane = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    tested: dict[str, list[BinaryPredictions]] = {name: [] for name in TITLES}
    drawn, truth = {}, []
    for repetition in range(settings.n_seeds):
        own = derived_seed(seed, "lessons", "concepts", str(repetition))
        rng = np.random.default_rng(own)
        train, (X, classes) = (two_moons(n, settings.noise, rng) for n in (settings.n_train, N_TEST))
        truth.append(classes)
        rows = np.concatenate([X, plane]) if repetition == 0 else X
        for name, (learner, given) in learners(settings).items():
            found = found_of(fitted_scores(learner, given, train, rows, seed=own))
            tested[name].append(BinaryPredictions(*(part[:N_TEST] for part in found)))
            if repetition == 0:
                shown = BinaryPredictions(*(part[N_TEST:].reshape(GRID, GRID) for part in found))
                drawn[name] = region_chart(shown, train, with_levels=name != "perceptron")
    numbers = numbers_of({name: list(zip(found, truth, strict=True)) for name, found in tested.items()})
    frames = [Frame(TITLES[name], figure) for name, figure in drawn.items()]
    every = {TITLES[name]: BinaryPredictions(*map(np.concatenate, zip(*found, strict=True))) for name, found in tested.items()}
    accuracy = {TITLES[name]: numbers[f"{name}_accuracy"] for name in TITLES}
    return Observed(numbers, [
        LessonFigure("regions", "What each concept predicts", "Perceptron and logistic regression separate the plane by a straight line, "
                     "the MLP by a curve. Where there are probabilities, lines are drawn at 0.1, 0.5 and 0.9.", frames, 2),
        LessonFigure("accuracy", "Accuracy on test rows", "Means and 95 % intervals over the seeds, by learner.",
                     [Frame("all", dots_of(accuracy, "accuracy, with 95 % interval"))]),
        LessonFigure("reliability", "Are the probabilities right?", "Observed share of class 1 against its probability. On the diagonal "
                     "a probability is what it says.", [Frame("all seeds", reliability_chart(every, np.concatenate(truth)))]),
    ])  # fmt: skip


def numbers_of(tested: dict[str, list[tuple[BinaryPredictions, np.ndarray]]]) -> dict[str, Measured]:
    """Return accuracies, log losses and overconfidence, and the paired differences."""
    accuracy = {name: np.array([one.accuracy(classes) for one, classes in found]) for name, found in tested.items()}
    numbers = {f"{name}_accuracy": Measured(f"{TITLES[name]}: accuracy on test rows", list(values), bounds=SHARE)
               for name, values in accuracy.items()}
    numbers |= {
        "curve_gain": Measured("MLP minus logistic regression", list(accuracy["mlp"] - accuracy["logistic"])),
        "loss_gain": Measured("logistic regression minus perceptron", list(accuracy["logistic"] - accuracy["perceptron"])),
    }
    for name, found in tested.items():
        note = ", softmax of its scores" if name == "perceptron" else ""
        numbers[f"{name}_log_loss"] = Measured(f"{TITLES[name]}: log loss{note}", [one.log_loss(classes) for one, classes in found])
    for name, found in tested.items():
        numbers[f"{name}_over"] = Measured(f"{TITLES[name]}: mean probability of the predicted class minus accuracy",
                                           [one.overconfidence(classes) for one, classes in found])  # fmt: skip
    return numbers


def region_chart(plane: BinaryPredictions, train: tuple[np.ndarray, np.ndarray], *, with_levels: bool) -> "Figure":
    """Return the regions of a learner, and lines of equal probability."""
    from stages.pages.drawing import COLOURS, SMALL

    figure, axes = region_map(plane.codes, *train, limits=LIMITS, boundary=not with_levels)
    if with_levels:
        xs, ys = (np.linspace(LIMITS[k], LIMITS[k + 1], GRID) for k in (0, 2))
        styles = [(0, (4, 3)), "-", (0, (4, 3))]
        lines = axes.contour(xs, ys, plane.shares, levels=LEVELS, colors=COLOURS["ink"], linewidths=1.2, linestyles=styles)
        axes.clabel(lines, fmt="%g", fontsize=SMALL, inline=True)
    return figure


def reliability_chart(tested: dict[str, BinaryPredictions], classes: np.ndarray) -> "Figure":
    """Return the observed share of class 1 in bins of its probability, of each learner."""
    from stages.pages.drawing import REFERENCE

    lines = []
    for name, found in tested.items():
        bins = np.minimum((found.shares * N_BINS).astype(int), N_BINS - 1)
        used = [k for k in range(N_BINS) if (bins == k).sum() >= 50]
        lines.append(Line(name, [found.shares[bins == k].mean() for k in used], [classes[bins == k].mean() for k in used], dots=True))
    figure = line_chart(lines, "probability of class 1", "observed share of class 1", limits=(-0.02, 1.02))
    figure.axes[0].plot([0, 1], [0, 1], zorder=0, **REFERENCE)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    logistic, mlp, perceptron = (numbers[f"{name}_log_loss"] for name in ("logistic", "mlp", "perceptron"))
    return [
        Claim("The MLP's curve predicts test rows better than logistic regression's line.", numbers["curve_gain"].lo > 0),
        Claim("Of two lines, logistic regression's predicts better than the perceptron's.", numbers["loss_gain"].lo > 0),
        Claim("The MLP's probabilities have a lower log loss than logistic regression's.", mlp.hi < logistic.lo),
        Claim("The perceptron's scores, as log-odds, have a higher log loss than logistic regression's.", perceptron.lo > logistic.hi),
    ]


def sentences(numbers: Numbers) -> list[str]:
    def share(name: str) -> str:
        return f"{100 * numbers[f'{name}_accuracy'].mean:.3g} %"

    curve, loss = numbers["curve_gain"], numbers["perceptron_log_loss"]
    gains = "higher" if curve.lo > 0 else "lower" if curve.hi < 0 else "not measurably different"
    return [
        f"The perceptron gets {share('perceptron')} of the test rows right, logistic regression {share('logistic')}, the MLP "
        f"{share('mlp')}.",
        f"The MLP's accuracy is {gains}, compared with logistic regression's: the difference is {written(100 * curve.lo)} to "
        f"{written(100 * curve.hi)} percentage points (95 % interval).",
        f"Log loss is {written(numbers['logistic_log_loss'].mean)} for logistic regression and {written(numbers['mlp_log_loss'].mean)} "
        f"for the MLP; the perceptron's scores taken as log-odds give {written(loss.mean)}.",
        f"The mean probability of the predicted class is above the accuracy by {written(100 * numbers['logistic_over'].mean)} percentage "
        f"points for logistic regression, {written(100 * numbers['mlp_over'].mean)} for the MLP and "
        f"{written(100 * numbers['perceptron_over'].mean)} for the perceptron.",
    ]  # fmt: skip


LESSON = Lesson(
    name="concepts", title="Perceptron, logistic regression, MLP", chapter="神经网络", order=240,
    slides=("Different concepts", "Basic Neural Network Building Block", "First Loss Function: Cross Entropy Loss"),
    question="What do a linear classifier, logistic regression and an MLP have in common, and where do they differ?",
    setup="Two moons: synthetic rows around two half circles. The same rows train a perceptron (model linear, loss perceptron), logistic "
          "regression (model linear, loss log) and an MLP (model mlp, one hidden layer, tanh); 1,000 test rows.",
    formulas=(
        Formula("Linear classifier (perceptron)", r"\mathrm{sign}(w^\top x + b)", LECTURE),
        Formula("Logistic function", r"\sigma(x) = \frac{1}{1 + e^{-(w^\top x + b)}}", LECTURE),
        Formula("Softmax function", r"\sigma(x)_y = \frac{e^{x_y}}{\sum_j e^{x_j}}", LECTURE),
        Formula("Cross-entropy loss", r"L(p, y) = -\log \hat{p}_y", LECTURE),
    ),
    settings=ConceptsSettings, observe=observe, claims=claims, sentences=sentences, seconds=8, change="noise: 0.05",
    erratum="“(Linear Function + Activation) × L + Softmax” puts an activation between the last linear function and the softmax. An MLP "
            "has none there: its last layer is linear, as it is here.",
)  # fmt: skip
