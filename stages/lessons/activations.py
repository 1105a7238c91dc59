"""Activation functions: what they do to the gradient on its way through many layers, and how many units they switch off."""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.small_networks import activated, new_layers

SHOWN = {"logistic": "sigmoid", "tanh": "tanh", "identity": "linear", "relu": "ReLU"}  # those of the slide
GAINS = {"logistic": 1.0, "tanh": 1.0, "identity": 1.0, "relu": 2**0.5}  # variance-preserving: Glorot's, for ReLU He's
N_ROWS, N_INPUTS = 32, 64


class ActivationsSettings(LessonSettings):
    depth: int = Field(20, ge=2, le=60, description="hidden layers of the deepest network")
    width: int = Field(64, ge=4, le=512, description="units of each hidden layer")


def observe(settings: ActivationsSettings, seed: int) -> Observed:
    """Send a gradient back through untrained networks of each activation, once per seed."""
    depths = np.unique(np.round(np.geomspace(1, settings.depth, 6)).astype(int))
    ratios = {name: np.zeros((settings.n_seeds, len(depths))) for name in SHOWN}
    silent: dict[str, list[float]] = {name: [] for name in SHOWN}
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "activations", str(repetition))
        for name in SHOWN:
            for place, depth in enumerate(depths):
                ratio, zeros = first_to_last(name, int(depth), settings.width, drawn)
                ratios[name][repetition, place] = ratio
            silent[name].append(zeros)
    numbers = {f"{name}_gradient": Measured(f"{title}: gradient at the first of {depths[-1]} layers, as a share of that at the last",
                                            [float(value) for value in ratios[name][:, -1]]) for name, title in SHOWN.items()}
    numbers |= {f"{name}_silent": Measured(f"{SHOWN[name]}: hidden units that are exactly 0", silent[name], bounds=SHARE)
                for name in ("relu", "tanh")}
    return Observed(numbers, [gradient_figure(depths, ratios), function_figure()])


def first_to_last(activation: str, depth: int, width: int, seed: int) -> tuple[float, float]:
    """Return the size of the output's gradient at the first hidden layer over that at the last one, root mean squares over rows and
    units, and the share of hidden units that are 0.
    """
    import torch

    values = torch.from_numpy(np.random.default_rng(seed).standard_normal((N_ROWS, N_INPUTS)))
    hidden = []
    layers = new_layers([N_INPUTS, *[width] * depth, 1], seed, gain=GAINS[activation])
    for weights, bias in layers[:-1]:
        values = activated(activation, values @ weights.T + bias)
        hidden.append(values)
    output = values @ layers[-1][0].T
    first, last = torch.autograd.grad(output.sum(), [hidden[0], hidden[-1]])
    zeros = torch.stack([(units == 0).double().mean() for units in hidden]).mean()
    return float((first.square().mean() / last.square().mean()).sqrt()), float(zeros)


def gradient_figure(depths: np.ndarray, ratios: Mapping[str, np.ndarray]) -> LessonFigure:
    lines = []
    for name, title in SHOWN.items():
        low, middle, high = np.quantile(ratios[name], (0.05, 0.5, 0.95), axis=0)
        lines.append(Line(title, depths, middle, low, high, dots=True))
    chart = line_chart(lines, "hidden layers", "gradient at the first layer / at the last", log="y")
    return LessonFigure("gradient", "The gradient on its way back", "With the sigmoid the gradient of the first layer shrinks by a factor "
                        "per layer; with ReLU it keeps its size. Bands: 90 % of the seeds.", [Frame("all", chart)])


def function_figure() -> LessonFigure:
    import torch

    x = torch.linspace(-4, 4, 161, dtype=torch.float64, requires_grad=True)
    frames = []
    for what in ("function", "derivative"):
        lines = []
        for name, title in SHOWN.items():
            y = activated(name, x)
            shown = y if what == "function" else torch.autograd.grad(y.sum(), x)[0]
            lines.append(Line(title, x.detach().numpy(), shown.detach().numpy()))
        frames.append(Frame(what, line_chart(lines, "x", what, limits=(-1.2, 3.0) if what == "function" else (-0.1, 1.2))))
    return LessonFigure("functions", "The four functions of the slide", "The derivative of the sigmoid is at most 1/4, that of tanh at "
                        "most 1, that of ReLU is 0 or 1.", frames)


def claims(numbers: Numbers) -> list[Claim]:
    sigmoid, relu = numbers["logistic_gradient"], numbers["relu_gradient"]
    return [
        Claim("With the sigmoid the gradient vanishes: less than a millionth of it reaches the first layer.", sigmoid.hi < 1e-6),
        Claim("With ReLU it does not: more than a tenth reaches the first layer.", relu.lo > 0.1),
        Claim("ReLU switches units off: a third of them or more is exactly 0, with tanh less than 1 %.",
              numbers["relu_silent"].lo > 1 / 3 and 0 <= numbers["tanh_silent"].hi < 0.01),
    ]


def sentences(numbers: Numbers) -> list[str]:
    ordered = sorted(SHOWN, key=lambda name: -numbers[f"{name}_gradient"].mean)
    best, worst = ordered[0], ordered[-1]
    return [
        f"Of the gradient at the last hidden layer, {numbers[f'{worst}_gradient']} reaches the first with {SHOWN[worst]}, and "
        f"{numbers[f'{best}_gradient']} with {SHOWN[best]}.",
        f"{100 * numbers['relu_silent'].mean:.3g} % of the hidden units are exactly 0 with ReLU, {100 * numbers['tanh_silent'].mean:.3g} % "
        "with tanh.",
    ]  # fmt: skip


LESSON = Lesson(
    name="activations", title="Activation functions and the gradient", chapter="神经网络", order=210,
    slides=("Neural Networks: activation function",),
    question="Which activation functions let the gradient through many layers?",
    setup="Untrained networks of equal hidden layers, with weights that keep the variance (Glorot; for ReLU He). A gradient of 1 at the "
          "output is sent back; its size at the first layer is compared with that at the last. The inputs are drawn at random.",
    formulas=(
        Formula("Sigmoid", r"\sigma(x) = \frac{1}{1 + e^{-x}}, \quad \sigma'(x) = \sigma(x)\,(1 - \sigma(x)) \leq \frac{1}{4}",
                "the lecture, Neural Networks: activation function"),
        Formula("ReLU, and softplus near it", r"f(x) = \max(0, x) \approx \log(1 + e^x)",
                "the lecture, Neural Networks: activation function"),
        Formula("Gradient through layers", r"\nabla_{h_1} y = J_2^T J_3^T \cdots J_L^T \nabla_{h_L} y",
                "the lecture, Gradient Computation"),
    ),
    settings=ActivationsSettings, observe=observe, claims=claims, sentences=sentences, seconds=6, change="depth: 4",
)  # fmt: skip
