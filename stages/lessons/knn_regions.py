"""k nearest neighbors: what the number of neighbors and the distance do to the regions and to the accuracy."""

from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed, written
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart, region_map
from stages.teaching.learners import fitted_scores

L1, L2 = "manhattan", "euclidean"
NAMES = {L1: "L1", L2: "L2"}
N_CENTERS = 10  # of each class
N_HELD_OUT = 1000  # rows to choose k by, and as many to test
GRID, EDGE = 100, 3.0  # cells per side; the plane is drawn from −EDGE to EDGE
TURN = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)  # by 45°


class KnnRegionsSettings(LessonSettings):
    n_train: int = Field(200, ge=20, le=2000, description="training rows, half of each class")
    n_neighbors: tuple[int, ...] = Field(
        (1, 3, 7, 15, 31, 75, 151), min_length=3, max_length=8, description="values of k, ascending from 1, at most `n_train`"
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.n_neighbors != tuple(sorted(set(self.n_neighbors))) or self.n_neighbors[0] != 1 or self.n_neighbors[-1] > self.n_train:
            raise ValueError(f"n_neighbors must ascend from 1 to at most n_train ({self.n_train})")
        return self


class Drawn(NamedTuple):
    """Rows of one seed, and their classes: to train, and to choose k and test, in this order."""

    train: tuple[np.ndarray, np.ndarray]
    held_out: np.ndarray
    classes: np.ndarray


def drawn_rows(n_train: int, seed: int) -> Drawn:
    """Return rows of two classes, each a mixture of ten Gaussians. Source: Hastie et al., Elements of Statistical Learning, 2.3.3."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((2, N_CENTERS, 2)) + np.array([[1.0, 0.0], [0.0, 1.0]])[:, None]

    def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
        classes = rng.permutation(np.arange(n) % 2)
        return centers[classes, rng.integers(N_CENTERS, size=n)] + rng.standard_normal((n, 2)) / np.sqrt(5), classes

    return Drawn(rows(n_train), *rows(2 * N_HELD_OUT))


def predicted(train: tuple[np.ndarray, np.ndarray], X: np.ndarray, k: int, metric: str) -> np.ndarray:
    """Return class codes (n,) of rows X."""
    given = {"n_neighbors": [k], "metric": [metric]}
    return fitted_scores("knn", given, train, X, seed=0).decisions.argmax(axis=1)  # kNN draws nothing at random


def accuracies(drawn: Drawn, k: int, metric: str) -> tuple[float, float, float]:
    """Return the accuracy on the training rows, on the rows that choose k, and on the test rows."""
    rows, target = drawn.train
    right = predicted(drawn.train, np.concatenate([rows, drawn.held_out]), k, metric) == np.concatenate([target, drawn.classes])
    n = len(rows)
    return float(right[:n].mean()), float(right[n : n + N_HELD_OUT].mean()), float(right[n + N_HELD_OUT :].mean())


def changed_by_turning(drawn: Drawn, k: int, metric: str) -> float:
    """Return the share of held-out rows that are predicted differently if all rows are turned by 45°."""
    rows, target = drawn.train
    turned = predicted((rows @ TURN, target), drawn.held_out @ TURN, k, metric)
    return float((turned != predicted(drawn.train, drawn.held_out, k, metric)).mean())


def observe(settings: KnnRegionsSettings, seed: int) -> Observed:
    """Measure every k and distance with each seed, and draw the regions with the first."""
    ks, n = settings.n_neighbors, settings.n_seeds
    draws = [drawn_rows(settings.n_train, derived_seed(seed, "lessons", "knn_regions", str(i))) for i in range(n)]
    found = {metric: np.array([[accuracies(one, k, metric) for k in ks] for one in draws]) for metric in NAMES}  # (seeds, k, 3)
    chosen = {metric: values[:, :, 1].argmax(axis=1) for metric, values in found.items()}
    test = {metric: values[range(n), chosen[metric], 2] for metric, values in found.items()}
    turned = {
        metric: [changed_by_turning(one, ks[place], metric) for one, place in zip(draws, chosen[metric], strict=True)] for metric in NAMES
    }
    every = found[L2]
    numbers = {
        "train_1": Measured("k = 1: accuracy on the training rows", list(every[:, 0, 0]), bounds=SHARE),
        "test_1": Measured("k = 1: accuracy on the test rows", list(every[:, 0, 2]), bounds=SHARE),
        "chosen_k": Measured("k that is best on other rows than the test's", [float(ks[place]) for place in chosen[L2]]),
        "test_chosen": Measured("this k: accuracy on the test rows", list(test[L2]), bounds=SHARE),
        "gain_over_1": Measured("this k: test accuracy above that of k = 1", list(test[L2] - every[:, 0, 2])),
        "gain_over_largest": Measured(f"this k: test accuracy above that of k = {ks[-1]}", list(test[L2] - every[:, -1, 2])),
        "gain_of_l2": Measured("test accuracy by L2 above that by L1, each with its best k", list(test[L2] - test[L1])),
        "turned_l1": Measured("predictions that change as the rows turn by 45°, L1", turned[L1], bounds=SHARE),
        "turned_l2": Measured("predictions that change as the rows turn by 45°, L2", turned[L2], bounds=SHARE),
    }
    return Observed(numbers, figures(settings, draws[0], found, int(np.median(chosen[L2]))))


def figures(settings: KnnRegionsSettings, drawn: Drawn, found: dict[str, np.ndarray], middle: int) -> list[LessonFigure]:
    """Return the regions by k and by distance, and the accuracy against k. middle: place of the k that is shown first."""
    side = np.linspace(-EDGE, EDGE, GRID)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    draw = partial(region_map, points=drawn.train[0], classes=drawn.train[1], limits=(-EDGE, EDGE, -EDGE, EDGE))
    ks = settings.n_neighbors

    def region(k: int, metric: str) -> Any:
        return draw(predicted(drawn.train, plane, k, metric).reshape(GRID, GRID))[0]

    small = ks[min(1, middle)]
    return [
        LessonFigure("regions", "Regions of the two classes, by k (L2)", "With k = 1 every training row has an island of its own class "
                     "around it; the boundary becomes smoother as k grows.", [Frame(f"k = {k}", region(k, L2)) for k in ks], middle),
        LessonFigure("accuracy", "Accuracy against k", "Accuracy on the training rows, which include the row that is predicted, and on "
                     "test rows. Bands: 95 % intervals.", [Frame("all k", accuracy_chart(ks, found))]),
        LessonFigure("distances", f"Regions by distance, k = {small}", "The regions of both distances are much alike; their edges differ.",
                     [Frame(f"{NAMES[metric]} distance", region(small, metric)) for metric in NAMES], 1),
    ]  # fmt: skip


def accuracy_chart(ks: tuple[int, ...], found: dict[str, np.ndarray]) -> Any:
    """Return accuracy against k, on training and test rows."""
    wanted = (("test rows, L2", L2, 2), ("training rows, L2", L2, 0), ("test rows, L1", L1, 2))
    lines = []
    for name, metric, part in wanted:
        values = [Measured("", list(found[metric][:, place, part]), bounds=SHARE) for place in range(len(ks))]
        lines.append(Line(name, ks, [one.mean for one in values], [one.lo for one in values], [one.hi for one in values], dots=True))
    return line_chart(lines, "k, number of neighbors", "accuracy", log="x")


def claims(numbers: Numbers) -> list[Claim]:
    turned = numbers["turned_l2"]
    return [
        Claim("With k = 1 every training row is predicted right.", numbers["train_1"].mean == 1),
        Claim("The accuracy of k = 1 is lower on test rows than on training rows.", numbers["test_1"].hi < numbers["train_1"].lo),
        Claim("A larger k, chosen on other rows, predicts test rows better than k = 1.", numbers["gain_over_1"].lo > 0),
        Claim("It also predicts them better than the largest k.", numbers["gain_over_largest"].lo > 0),
        Claim("L1 depends on the directions of the axes, L2 does not.", turned.mean < 1e-3 and turned.hi < numbers["turned_l1"].lo),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    train, test, chosen = numbers["train_1"], numbers["test_1"], numbers["test_chosen"]
    gain, l2 = numbers["gain_over_1"], numbers["gain_of_l2"]
    verdict = "more than k = 1" if gain.lo > 0 else "less than k = 1" if gain.hi < 0 else "not measurably different from k = 1"
    apart = (
        "The two distances are not measurably different"
        if l2.lo <= 0 <= l2.hi
        else f"{'L2' if l2.lo > 0 else 'L1'} predicts test rows better"
    )
    return [
        f"With k = 1, {100 * train.mean:.3g} % of the training rows are predicted right, and {100 * test.mean:.3g} % of the test rows.",
        f"The k that is best on other rows ({written(numbers['chosen_k'].mean)} on average) gets {100 * chosen.mean:.3g} % of the test "
        f"rows right, {verdict}.",
        f"{apart}: L2 minus L1 is {written(100 * l2.lo)} to {written(100 * l2.hi)} percentage points (95 % interval).",
        f"When all rows turn by 45°, {written(100 * numbers['turned_l1'].mean)} % of the predictions by L1 change, and "
        f"{written(100 * numbers['turned_l2'].mean)} % of those by L2.",
    ]


LESSON = Lesson(
    name="knn_regions", title="k nearest neighbors: k and the distance", chapter="经典机器学习方法", order=110,
    slides=("Simple Classifier: Nearest Neighbor", "Definition of K-Nearest Neighbor"),
    question="What do the number of neighbors k and the distance metric change?",
    setup="Synthetic rows in the plane: two classes, each a mixture of ten Gaussians, which overlap. Model knn predicts with each k, by "
          "L1 and by L2. 1,000 rows choose k, 1,000 others test it; each seed has data of its own.",
    formulas=(
        Formula("L1 (Manhattan) distance", r"d_1(x_1, x_2) = \sum_j \, |x_1^j - x_2^j|",
                "the lecture, Simple Classifier: Nearest Neighbor"),
        Formula("L2 (Euclidean) distance", r"d_2(x_1, x_2) = \sqrt{\sum_j \, (x_1^j - x_2^j)^2}",
                "the lecture, Simple Classifier: Nearest Neighbor"),
    ),
    settings=KnnRegionsSettings, observe=observe, claims=claims, sentences=sentences, seconds=10, change="n_train: 1000",
)  # fmt: skip
