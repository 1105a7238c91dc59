"""The XOR problem: a perceptron cannot separate four points, an MLP can."""

from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import region_map
from stages.teaching.learners import fitted_scores

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
CLASSES = np.array([0, 1, 1, 0])
REPEATED = 16  # copies of each point, so that inner folds and batches have some
GRID, EDGE = 120, 1.8  # cells per side; the plane is drawn from −EDGE to EDGE
BEST_LINE = 0.75  # of the four points, three: Minsky & Papert


class XorSettings(LessonSettings):
    n_hidden: int = Field(8, ge=1, le=512, description="hidden units of the MLP")
    n_epochs: int = Field(400, ge=1, le=5000, description="epochs of the MLP")
    learning_rate: float = Field(0.03, gt=0, le=1, description="of the MLP's optimizer")


def observe(settings: XorSettings, seed: int) -> Observed:
    """Train both learners on the four points with each seed, and draw their regions with the first."""
    side = np.linspace(-EDGE, EDGE, GRID)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    learners: dict[str, tuple[str, dict[str, Any]]] = {
        "perceptron": ("linear", {"loss": ["perceptron"]}), "MLP": ("mlp", mlp_settings(settings)),
    }  # fmt: skip
    accuracy: dict[str, list[float]] = {name: [] for name in learners}
    regions = {}
    train = np.repeat(CORNERS, REPEATED, axis=0), np.repeat(CLASSES, REPEATED)
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "xor", str(repetition))
        for name, (learner, given) in learners.items():
            scores = fitted_scores(learner, given, train, np.concatenate([CORNERS, plane]), seed=drawn)
            codes = scores.decisions.argmax(axis=1)
            accuracy[name].append(float((codes[:4] == CLASSES).mean()))
            if repetition == 0:
                regions[name] = codes[4:].reshape(GRID, GRID)
    solved = [float(value == 1) for value in accuracy["MLP"]]
    numbers = {
        "perceptron_accuracy": Measured("perceptron: share of the four points that are right", accuracy["perceptron"], bounds=SHARE),
        "perceptron_best": Measured("perceptron: the best of all seeds", [max(accuracy["perceptron"])], bounds=SHARE),
        "mlp_accuracy": Measured("MLP: share of the four points that are right", accuracy["MLP"], bounds=SHARE),
        "mlp_solved": Measured("MLP: seeds that get all four right", solved, is_share=True),
    }
    draw = partial(region_map, points=CORNERS, classes=CLASSES, limits=(-EDGE, EDGE, -EDGE, EDGE))
    frames = [Frame(name, draw(codes)[0]) for name, codes in regions.items()]
    figure = LessonFigure("regions", "What each learner predicts in the plane", "The perceptron parts the plane by one straight line and "
                          "leaves at least one of the four points on the wrong side; the MLP bends its boundary around them.", frames, 1)
    return Observed(numbers, [figure])


def mlp_settings(settings: XorSettings) -> dict[str, Any]:
    """Return the MLP as params.yaml would declare it: one hidden layer, no early stopping to speak of."""
    return {"hidden_layer_sizes": [[settings.n_hidden]], "activation": ["tanh"], "learning_rate_init": [settings.learning_rate],
            "weight_decay": [0.0], "n_iter": "all", "max_iter": settings.n_epochs, "n_iter_no_change": settings.n_epochs,
            "batch_size": 4 * REPEATED, "n_components": None}  # fmt: skip


def claims(numbers: Numbers) -> list[Claim]:
    return [
        Claim("No perceptron gets more than three of the four points right.", numbers["perceptron_best"].mean <= BEST_LINE),
        Claim("An MLP gets all four right with at least 95 % of the seeds.", numbers["mlp_solved"].mean >= 0.95),
    ]


def sentences(numbers: Numbers) -> list[str]:
    best, solved = numbers["perceptron_best"], numbers["mlp_solved"]
    line = (f"The best of {len(numbers['perceptron_accuracy'].values)} perceptrons gets {100 * best.mean:.3g} % of the points right"
            + (": one line cannot do more than 75 %." if best.mean <= BEST_LINE else ", more than any line can: something is wrong."))
    return [line, f"The MLP gets all four points right with {solved} of the seeds."]


LESSON = Lesson(
    name="xor", title="XOR: one line or a hidden layer", chapter="神经网络", order=250,
    slides=("Brief History of Deep Learning: the “XOR Affair”",),
    question="Can a perceptron represent XOR, and does a hidden layer help?",
    setup="Four points at the corners of a square, opposite corners of one class, are learned by a perceptron (model linear, loss "
          "perceptron) and by an MLP with one hidden layer (model mlp, tanh), and predicted again.",
    formulas=(
        Formula("Perceptron", r"f(x, w, b) = \mathrm{sign}(w \cdot x + b)", "the lecture, Linear Classifier and Different concepts"),
        Formula("MLP with one hidden layer", r"f(x) = W_2\,\tanh(W_1 x + b_1) + b_2", "the lecture, Multi-Layer Perceptron"),
    ),
    settings=XorSettings, observe=observe, claims=claims, sentences=sentences, seconds=6, change="n_hidden: 1",
)  # fmt: skip
