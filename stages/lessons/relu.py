"""ReLU's claims as trained: faster, sparse, no vanishing gradient, against tanh and sigmoid in shallow and deep networks."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.small_networks import Recipe, activated, flat_parameters, new_layers, outputs_of, train

SHOWN = {"relu": "ReLU", "tanh": "tanh", "logistic": "sigmoid"}
GAINS = {"relu": 2**0.5, "tanh": 1.0, "logistic": 1.0}
RATES = (0.03, 0.1, 0.3)  # of SGD with momentum: each activation has its best
WIDTH, BATCH, N_ROWS = 32, 50, 500
TARGET = 0.2  # mean cross-entropy of a batch, smoothed
SMOOTHED = 10  # steps
ENDED = 0.7  # of the target: a training ends


class ReluSettings(LessonSettings):
    n_seeds: int = Field(5, ge=2, le=100, description="repetitions, each with random numbers of its own")
    depth: int = Field(6, ge=2, le=30, description="hidden layers of the deep network; the shallow one has one")
    n_steps: int = Field(250, ge=20, le=5000, description="most steps of a training")


@dataclass(frozen=True)
class LossCurve:
    """losses: smoothed, by step. zeros: share of hidden units that are exactly 0 after the training."""

    losses: np.ndarray
    zeros: float

    def steps(self, most: int) -> int:
        """Return the first step at which the loss is at the target; `most` if it never is."""
        there = np.flatnonzero(self.losses <= TARGET)
        return int(there[0]) if len(there) else most


def observe(settings: ReluSettings, seed: int) -> Observed:
    """Train each activation at each learning rate and depth on handwritten digits; keep the best learning rate of each seed."""
    from sklearn.datasets import load_digits

    rows, target = load_digits(return_X_y=True)
    steps: dict[str, list[float]] = {}
    best: dict[str, LossCurve] = {}
    zeros: dict[str, list[float]] = {name: [] for name in SHOWN}
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "relu", str(repetition))
        chosen = np.random.default_rng(drawn).permutation(len(rows))[:N_ROWS]
        data = (rows[chosen] - rows.mean()) / rows.std(), target[chosen]
        for depth in (1, settings.depth):
            for name in SHOWN:
                found = [trained(name, depth, rate, data, settings.n_steps, drawn) for rate in RATES]
                one = min(found, key=lambda each: (each.steps(settings.n_steps), float(each.losses[-1])))
                steps.setdefault(f"{name}_{'deep' if depth > 1 else 'shallow'}", []).append(one.steps(settings.n_steps))
                if depth > 1:
                    zeros[name].append(one.zeros)
                if repetition == 0:
                    best[f"{name}/{depth}"] = one
    titles = {"shallow": "one hidden layer", "deep": f"{settings.depth} hidden layers"}
    numbers = {key: Measured(f"{SHOWN[key.split('_')[0]]}, {titles[key.split('_')[1]]}: steps to the target", values, "steps")
               for key, values in sorted(steps.items(), key=lambda item: item[0].split("_")[1], reverse=True)}  # fmt: skip
    numbers |= {f"{name}_zeros": Measured(f"{SHOWN[name]}: hidden units that are 0, trained", zeros[name], bounds=SHARE)
                for name in ("relu", "tanh")}
    numbers["most"] = Measured("most steps of a training", [float(settings.n_steps)], "steps")
    frames = [Frame(titles["deep" if depth > 1 else "shallow"], loss_chart({name: best[f"{name}/{depth}"] for name in SHOWN}))
              for depth in (1, settings.depth)]  # fmt: skip
    return Observed(numbers, [LessonFigure("losses", "Loss against steps, each at its best learning rate", "With one hidden layer all "
                    "three reach the target; in the deep network the sigmoid stays near the loss of guessing.", frames, 1)])


def trained(activation: str, depth: int, rate: float, data: tuple[np.ndarray, np.ndarray], n_steps: int, seed: int) -> LossCurve:
    """Train a network by SGD with momentum."""
    import torch

    X, y = torch.from_numpy(data[0]), torch.from_numpy(data[1])
    layers = new_layers([X.shape[1], *[WIDTH] * depth, 10], seed, gain=GAINS[activation])
    recipe = Recipe("sgd", rate, n_steps, batch_size=BATCH)

    def loss_of(rows: Any) -> Any:
        return torch.nn.functional.cross_entropy(outputs_of(layers, X[rows], activation), y[rows])

    recent: deque[float] = deque(maxlen=SMOOTHED)

    def is_learned(loss: float) -> bool:
        recent.append(loss)
        return len(recent) == SMOOTHED and sum(recent) < ENDED * TARGET * SMOOTHED

    losses = train(flat_parameters(layers), loss_of, len(X), recipe, seed=seed, until=is_learned)
    if not np.isfinite(losses).all():
        return LossCurve(np.full(n_steps, np.inf), float("nan"))
    smooth = np.convolve(losses[:-1], np.full(SMOOTHED, 1 / SMOOTHED), mode="full")[: len(losses)]
    smooth[:SMOOTHED] = losses[0]  # not enough steps to average
    values, zeros = X, []
    with torch.no_grad():
        for weights, bias in layers[:-1]:
            values = activated(activation, values @ weights.T + bias)
            zeros.append(float((values == 0).double().mean()))
    return LossCurve(smooth, float(np.mean(zeros)))


def loss_chart(found: dict[str, LossCurve]) -> Any:
    lines = [Line(SHOWN[name], np.arange(len(one.losses)), one.losses) for name, one in found.items()]
    return line_chart(lines, "steps", f"cross-entropy, mean of {SMOOTHED} batches", limits=(0.0, 2.6))


def claims(numbers: Numbers) -> list[Claim]:
    relu, tanh, sigmoid = (numbers[f"{name}_deep"] for name in SHOWN)
    return [
        Claim("In the deep network ReLU reaches the target in fewer steps than the sigmoid.", relu.hi < sigmoid.lo),
        Claim("The sigmoid does not reach it at all, with any seed.", min(sigmoid.values) >= numbers["most"].mean),
        Claim("ReLU is not faster than tanh here.", tanh.lo <= relu.hi),
        Claim("ReLU stays sparse: after training a quarter of its hidden units or more is 0.", 0.25 < numbers["relu_zeros"].lo <= 1),
    ]


def sentences(numbers: Numbers) -> list[str]:
    said = {name: f"{numbers[f'{name}_deep']}" if numbers[f"{name}_deep"].mean < numbers["most"].mean else
            f"more than {numbers['most']}" for name in SHOWN}  # fmt: skip
    relu, tanh = numbers["relu_deep"], numbers["tanh_deep"]
    against = ("they cannot be told apart" if tanh.lo <= relu.hi and relu.lo <= tanh.hi else
               "ReLU is faster" if relu.mean < tanh.mean else "tanh is faster")
    zeros = [f"{100 * numbers[f'{name}_zeros'].mean:.3g} %" for name in ("relu", "tanh")]
    return [
        f"In the deep network ReLU needs {said['relu']} to the target, tanh {said['tanh']}, the sigmoid {said['logistic']}.",
        f"Of ReLU and tanh, {against}.",
        f"With one hidden layer they need {numbers['relu_shallow']}, {numbers['tanh_shallow']} and {numbers['logistic_shallow']}.",
        f"After training {zeros[0]} of ReLU’s hidden units are 0, and {zeros[1]} of tanh’s.",
    ]  # fmt: skip


LESSON = Lesson(
    name="relu", title="ReLU: faster and sparse?", chapter="神经网络", order=215,
    slides=("Neural Networks: activation function",),
    question="Does ReLU train faster, without a vanishing gradient, and is it sparse?",
    setup=f"{N_ROWS} handwritten digits (real, 8 × 8 pixels) are learned by networks of one and of several hidden layers of {WIDTH} units, "
          f"by SGD with momentum at the best of {len(RATES)} learning rates for each. The target is a cross-entropy of {TARGET}.",
    formulas=(
        Formula("ReLU", r"f(x) = \max(0, x) \sim \log(1 + \exp(x))", "the lecture, Neural Networks: activation function"),
        Formula("Cross-entropy", r"L_i = -\log \left( \frac{e^{f_{y_i}}}{\sum_j e^{f_j}} \right)",
                "the lecture, First Loss Function: Cross Entropy Loss"),
    ),
    settings=ReluSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="depth: 3",
)  # fmt: skip
