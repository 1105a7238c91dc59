"""The maximum margin: many lines separate two classes, one of them is farthest from the rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import region_map
from stages.teaching.separating_lines import Separator, perceptron_line, svm_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOFT = (0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
N_TEST = 2000
GRID, EDGE = 60, 1.15  # cells per side; rows lie in a square from −1 to 1
SAME = 1e-3  # relative difference of two lines that are the same but for rounding
LECTURE = "the lecture, Support Vector Machine: Maximum Margin"


class MarginSettings(LessonSettings):
    n_train: int = Field(40, ge=4, le=500, description="training rows")
    gap: float = Field(0.2, ge=0.02, le=1, description="width of the strip around the true line in which no row lies")
    n_lines: int = Field(5, ge=1, le=5, description="perceptrons per seed, which see the rows in orders of their own")
    n_dimensions: int = Field(10, ge=3, le=200, description="of a second experiment, on rows of a cube of so many dimensions")


def drawn_rows(n: int, gap: float, rng: np.random.Generator, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, d) of a cube and their sides ±1 of the plane through its middle; none is nearer to it than gap / 2.

    Args:
        normal: of the plane, float (d,), of length 1.
    """
    X = np.empty((0, len(normal)))
    while len(X) < n or np.ptp(np.sign(X[:n] @ normal)) == 0:
        drawn = rng.uniform(-1, 1, (4 * n, len(normal)))
        X = np.concatenate([X[n:], drawn[np.abs(drawn @ normal) >= gap / 2]])
    return X[:n], np.sign(X[:n] @ normal)


class SeparatedRows(NamedTuple):
    """The lines of one seed, and the rows that they separate."""

    rows: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    best: Separator
    support: np.ndarray
    others: list[Separator]


def lines_of(settings: MarginSettings, seed: int, n_dimensions: int) -> SeparatedRows:
    """Draw rows and separate them."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(n_dimensions)
    normal /= np.linalg.norm(normal)
    rows, test = (drawn_rows(n, settings.gap, rng, normal) for n in (settings.n_train, N_TEST))
    best, support = svm_line(*rows)
    return SeparatedRows(
        rows, test, best, support, [perceptron_line(*rows, seed=int(rng.integers(2**31))) for _ in range(settings.n_lines)]
    )


def test_accuracies(found: Sequence[SeparatedRows]) -> tuple[np.ndarray, np.ndarray]:
    """Return the accuracy on test rows of the maximum margin, and of the other lines on average: float (seeds,)."""
    others = [np.mean([line.accuracy(*one.test) for line in one.others]) for one in found]
    return np.array([one.best.accuracy(*one.test) for one in found]), np.array(others)


def observe(settings: MarginSettings, seed: int) -> Observed:
    """Compare the lines of every seed, and draw those of the first."""
    seeds = [derived_seed(seed, "lessons", "margin", str(i)) for i in range(settings.n_seeds)]
    found, spatial = ([lines_of(settings, one, d) for one in seeds] for d in (2, settings.n_dimensions))
    widest = [one.best.width for one in found]
    others = np.array([[line.margin(*one.rows) for line in one.others] for one in found])  # (seeds, lines)
    (accuracy, other_accuracy), (more_accuracy, more_other) = map(test_accuracies, (found, spatial))
    soft, hard = ([svm_line(*one.rows, C=C)[0].width for one in found] for C in (SOFT[0], SOFT[-1]))
    numbers = {
        "max_margin": Measured("maximum margin 2 / ‖w‖", widest),
        "twice_distance": Measured("twice the distance of the nearest row", [one.best.margin(*one.rows) for one in found]),
        "other_margin": Measured("margin of the perceptrons' lines", list(others.mean(axis=1))),
        "largest_share": Measured("the widest of them all, as a share of the maximum margin", [float((others.max(axis=1) / widest).max())]),
        "separating": Measured("perceptrons' lines that separate all training rows", list((others > 0).mean(axis=1)), bounds=SHARE),
        "n_support": Measured("support vectors", [float(len(one.support)) for one in found]),
        "same_from_support": Measured("seeds whose support vectors alone give the same line", [same_from_support(one) for one in found],
                                      is_share=True),
        "accuracy": Measured("maximum margin: accuracy on test rows", list(accuracy), bounds=SHARE),
        "other_accuracy": Measured("perceptrons: accuracy on test rows", list(other_accuracy), bounds=SHARE),
        "gain": Measured("difference of the two", list(accuracy - other_accuracy)),
        "more_accuracy": Measured(f"maximum margin in {settings.n_dimensions} dimensions: accuracy on test rows", list(more_accuracy),
                                  bounds=SHARE),
        "more_gain": Measured(f"difference from the perceptrons in {settings.n_dimensions} dimensions", list(more_accuracy - more_other)),
        "soft_width": Measured(f"distance of the two planes at C = {SOFT[0]:g}", soft),
        "hard_width": Measured(f"distance of the two planes at C = {SOFT[-1]:g}", hard),
    }  # fmt: skip
    return Observed(numbers, figures(found[0]))


def same_from_support(found: SeparatedRows) -> float:
    """Return 1 if the support vectors alone give the same line, else 0."""
    X, signs = found.rows
    again, _ = svm_line(X[found.support], signs[found.support])
    ours, theirs = (np.append(line.w, line.b) for line in (found.best, again))
    return float(np.linalg.norm(ours - theirs) < SAME * np.linalg.norm(ours))


def figures(found: SeparatedRows) -> list[LessonFigure]:
    """Return the separating lines, and the SVM's line by C."""
    X, signs = found.rows
    lines = [("maximum margin", found.best), *((f"perceptron {i}", line) for i, line in enumerate(found.others, 1))]
    frames = []
    for name, line in lines:
        nearest = np.flatnonzero(line.distances(X, signs) < line.margin(X, signs) / 2 * (1 + SAME))
        frames.append(Frame(f"{name}: margin {written(line.margin(X, signs))}", strip(found.rows, line, line.margin(X, signs), nearest)))
    soft = []
    for C in SOFT:
        line, support = svm_line(X, signs, C)
        label = f"C = {C:g}: {written(line.width)} wide, {len(support)} support vectors"
        soft.append(Frame(label, strip(found.rows, line, line.width, support)))
    return [
        LessonFigure("lines", "Lines that separate the same rows", "All lines separate the two classes. The strip between the dashed "
                     "lines is the margin, circled rows touch it; the maximum margin has the widest strip.", frames),
        LessonFigure("soft", "The same rows, with a soft margin", "With a small C the two dashed planes lie far apart and rows lie "
                     "between them; as C grows they come closer. Support vectors are circled.", soft, 2),
    ]  # fmt: skip


def strip(rows: tuple[np.ndarray, np.ndarray], line: Separator, width: float, circled: np.ndarray) -> "Figure":
    """Return a line, the planes on both sides of it `width` apart, and the rows, some of them circled."""
    from stages.pages.drawing import COLOURS

    X, signs = rows
    side = np.linspace(-EDGE, EDGE, GRID)
    across, up = np.meshgrid(side, side)
    heights: Any = (line.w[0] * across + line.w[1] * up + line.b) / np.linalg.norm(line.w)
    codes = (heights > 0).astype(int)
    figure, axes = region_map(codes, X, (signs > 0).astype(int), limits=(-EDGE, EDGE, -EDGE, EDGE), boundary=False)
    ink = COLOURS["ink"]
    axes.contour(side, side, heights, levels=[0.0], colors=ink, linewidths=1.8)
    if width > 0:
        axes.contour(side, side, heights, levels=[-width / 2, width / 2], colors=ink, linewidths=1.2, linestyles=[(0, (5, 3))])
    axes.plot(X[circled, 0], X[circled, 1], "o", color="none", markersize=13, markeredgecolor=ink, markeredgewidth=1.4)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    widest, twice = numbers["max_margin"].mean, numbers["twice_distance"].mean
    return [
        Claim("Every perceptron's line separates the training rows: “any of these would be fine”.", numbers["separating"].mean == 1),
        Claim("None of them has a margin as wide as the maximum, with any seed.", numbers["largest_share"].mean < 1),
        Claim("The maximum margin 2 / ‖w‖ is twice the distance of the nearest row.", abs(widest - twice) < SAME * widest),
        Claim("The support vectors alone give the same line.", numbers["same_from_support"].mean == 1),
        Claim("In more dimensions the maximum margin predicts test rows better than the perceptrons.", numbers["more_gain"].lo > 0),
        Claim("A smaller C gives a wider strip between the planes.", numbers["soft_width"].lo > numbers["hard_width"].hi),
    ]


def compared(gain: Measured) -> str:
    """Return what a difference of accuracy says, with its interval in percentage points."""
    verdict = "better than" if gain.lo > 0 else "worse than" if gain.hi < 0 else "not measurably different from"
    return f"{verdict} the perceptrons (difference {written(100 * gain.lo)} to {written(100 * gain.hi)} percentage points)"


def sentences(numbers: Numbers) -> list[str]:
    widest, other, largest = numbers["max_margin"], numbers["other_margin"], numbers["largest_share"]
    reach = "the widest of them all reaches" if largest.mean < 1 else "one of them exceeds it, so a solver is wrong: it has"
    plane, more = (f"{100 * numbers[name].mean:.3g} %" for name in ("accuracy", "more_accuracy"))
    return [
        f"The maximum margin is {written(widest.mean)} wide on average, the perceptrons' margins {written(other.mean)}; {reach} "
        f"{100 * largest.mean:.3g} % of the maximum.",
        f"{written(numbers['n_support'].mean)} rows on average are support vectors; with {numbers['same_from_support']} of the seeds "
        "they alone give the same line.",
        f"In the plane the maximum margin gets {plane} of the test rows right, {compared(numbers['gain'])}; in more dimensions "
        f"{more}, {compared(numbers['more_gain'])}.",
        f"The planes are {written(numbers['soft_width'].mean)} apart at C = {SOFT[0]:g} and {written(numbers['hard_width'].mean)} at "
        f"C = {SOFT[-1]:g}.",
    ]  # fmt: skip


LESSON = Lesson(
    name="margin", title="Any separating line, or the widest margin", chapter="经典机器学习方法", order=120,
    slides=("Linear Classifier", "Classifier Margin", "Support Vector Machine: Maximum Margin"),
    question="Many lines separate two classes: is the one with the maximum margin better?",
    setup="Synthetic rows of a square, on both sides of a line; no row lies in a strip around it. A linear SVM with a very large C gives "
          "the maximum margin, perceptrons that see the rows in several orders give other separating lines. The same in a cube of more "
          "dimensions. 2,000 test rows; each seed has data of its own.",
    formulas=(
        Formula("Linear classifier", r"f(x, w, b) = \mathrm{sign}(w \cdot x + b)", "the lecture, Different concepts"),
        Formula("Plus-plane and minus-plane", r"w \cdot x + b = +1, \qquad w \cdot x + b = -1", LECTURE),
        Formula("Maximum margin", r"\frac{2}{\Vert w \Vert} \rightarrow \max \quad \mathrm{with} \quad y_i (w \cdot x_i + b) \geq 1",
                "Cortes & Vapnik 1995, doi:10.1007/BF00994018"),
    ),
    settings=MarginSettings, observe=observe, claims=claims, sentences=sentences, seconds=3, change="n_train: 10",
    erratum="The slides write sign(wx − b) for the classifier, but w·x + b for the planes: b has opposite signs. The rule “+1 if w·x + b "
            "≥ 1, −1 if w·x + b ≤ −1” says nothing of rows between the planes; the classifier is the sign of w·x + b.",
)  # fmt: skip
