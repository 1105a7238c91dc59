"""L1 against L2: paths of coefficients as the penalty grows, and which of them become exactly 0."""

import math
from typing import Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import new_axes, scaled

NAMES = {"l1": "L1 (lasso)", "l2": "L2 (ridge)"}
STRENGTHS = np.geomspace(1e-3, 1e2, 60)  # α: in units in which a row's loss is half the squared error
N_TEST = 1000


class PenaltiesSettings(LessonSettings):
    n_rows: int = Field(60, ge=10, le=5000, description="training rows")
    n_features: int = Field(30, ge=2, le=500, description="features")
    n_informative: int = Field(5, ge=1, le=500, description="features that the target depends on, at most n_features")
    noise: float = Field(1.0, ge=0, le=10, description="standard deviation of the noise on the target")


def observe(settings: PenaltiesSettings, seed: int) -> Observed:
    """Fit both paths on drawn data, once per seed; choose each strength on other rows, and test on more."""
    informative = min(settings.n_informative, settings.n_features)
    zeros: dict[str, list[float]] = {f"{name}_{what}": [] for name in NAMES for what in ("useless", "useful", "error")}
    frames = []
    for repetition in range(settings.n_seeds):
        rng = np.random.default_rng(derived_seed(seed, "lessons", "penalties", str(repetition)))
        true = np.zeros(settings.n_features)
        true[:informative] = rng.choice([-1, 1], informative) * rng.uniform(0.5, 2, informative)
        X, y = drawn(rng, true, settings.n_rows, settings.noise)
        chosen_on, tested_on = (drawn(rng, true, N_TEST, settings.noise) for _ in range(2))
        for name, path in {"l1": l1_path(X, y), "l2": l2_path(X, y)}.items():
            errors = [float(((chosen_on[0] @ weights - chosen_on[1]) ** 2).mean()) for weights in path]
            best = int(np.argmin(errors))
            zeros[f"{name}_useless"].append(float((path[best][informative:] == 0).mean()) if informative < len(true) else 1.0)
            zeros[f"{name}_useful"].append(float((path[best][:informative] == 0).mean()))
            zeros[f"{name}_error"].append(float(((tested_on[0] @ path[best] - tested_on[1]) ** 2).mean()))
            if repetition == 0:
                frames.append(Frame(NAMES[name], path_chart(path, informative, STRENGTHS[best])))
    titles = {"useless": "useless features with weight 0", "useful": "useful features with weight 0", "error": "test error, squared"}
    numbers = {key: Measured(f"{NAMES[key.split('_')[0]]}: {titles[key.split('_')[1]]}", values,
                             bounds=(0, math.inf) if key.endswith("_error") else SHARE) for key, values in zeros.items()}
    return Observed(numbers, [LessonFigure("paths", "Weights as the penalty grows", "Solid: weights of useful features; dotted: of useless "
                              "ones; vertical line: the strength with the least error on other rows. L1 sets weights to 0 one after the "
                              "other, L2 shrinks all of them together.", frames)])


def drawn(rng: np.random.Generator, true: np.ndarray, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets of a linear model."""
    X = rng.standard_normal((n, len(true)))
    return X, X @ true + noise * rng.standard_normal(n)


def l1_path(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights that minimise ‖y − Xw‖² / 2n + α·Σ|w| for each strength: (n_strengths, n_features)."""
    from sklearn.linear_model import lasso_path

    _, weights, _ = lasso_path(X, y, alphas=STRENGTHS[::-1], tol=1e-10, max_iter=100_000)  # by default some weights stay 0 too long
    return np.asarray(weights.T[::-1])


def l2_path(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weights that minimise ‖y − Xw‖² / 2n + α·Σw² / 2 for each strength."""
    gram, right = X.T @ X / len(X), X.T @ y / len(X)
    return np.stack([np.linalg.solve(gram + strength * np.eye(len(gram)), right) for strength in STRENGTHS])


def path_chart(path: np.ndarray, informative: int, chosen: float) -> Any:
    from stages.pages.drawing import COLOURS, REFERENCE

    figure, axes = new_axes("strength α of the penalty, logarithmic", "weight")
    axes.plot(STRENGTHS, path[:, informative:], color=COLOURS["baseline"], linewidth=0.9, linestyle=(0, (1.5, 1.5)))
    axes.plot(STRENGTHS, path[:, :informative], color=COLOURS["c0"], linewidth=1.6)
    axes.axvline(chosen, **REFERENCE)
    scaled(axes, "x", log=True)
    scaled(axes, "y", log=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    return [
        Claim("L1 gives exact zeros: to most useless features.", 0.5 < numbers["l1_useless"].lo <= 1),
        Claim("L2 gives none.", max(numbers["l2_useless"].values) == 0 and max(numbers["l2_useful"].values) == 0),
        Claim("Where few features matter, L1’s test error is lower.", numbers["l1_error"].hi < numbers["l2_error"].lo),
    ]


def sentences(numbers: Numbers) -> list[str]:
    useless, useful = numbers["l1_useless"], numbers["l1_useful"]
    l1, l2 = numbers["l1_error"], numbers["l2_error"]
    lower = "L1" if l1.mean < l2.mean else "L2"
    apart = l1.hi < l2.lo or l2.hi < l1.lo
    return [
        f"At the strength that other rows choose, L1 sets {100 * useless.mean:.3g} % of the useless weights to exactly 0, and "
        f"{100 * useful.mean:.3g} % of the useful ones; L2 sets {100 * numbers['l2_useless'].mean:.3g} % of the useless ones to 0.",
        f"The test error is {l1} with L1 and {l2} with L2: " + (f"{lower} is better." if apart else "they cannot be told apart."),
    ]


LESSON = Lesson(
    name="penalties", title="L1 and L2 penalties", chapter="优化方法简介", order=390,
    slides=("Parameter Regularization",),
    question="What does a penalty on the weights do, and what is different about L1?",
    setup="A linear model learns a target that depends on a few of its features (synthetic). Along a path of penalties the strength with "
          "the least error on other rows is chosen, and tested on further ones.",
    formulas=(
        Formula("Penalised loss", r"\mathrm{Loss}(x; \theta) + \alpha \, \Vert \theta \Vert", "the lecture, Parameter Regularization"),
        Formula("Norms", r"\Vert \theta \Vert_p = \left( \sum_j |\theta_j|^p \right)^{1/p}", "the lecture, Parameter Regularization"),
    ),
    settings=PenaltiesSettings, observe=observe, claims=claims, sentences=sentences, seconds=6, change="n_informative: 30",
)  # fmt: skip
