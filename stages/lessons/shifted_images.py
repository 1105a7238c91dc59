"""Structure of images: a CNN against an MLP of equal size when test images are shifted."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart
from stages.teaching.modules import accuracy_of, fit_classifier, n_parameters, nearest_width, seeded_module
from stages.teaching.small_networks import Recipe

if TYPE_CHECKING:
    import torch

SIDE, CANVAS = 8, 20  # pixels
N_CLASSES, N_TEST = 10, 400
SHIFTS = (0, 1, 2, 3, 4)  # pixels to the right and down; at 4 a digit is still whole
RECIPE = Recipe("adam", 0.01, 220, batch_size=50)


class ShiftedImagesSettings(LessonSettings):
    n_seeds: int = Field(5, ge=2, le=100, description="repetitions, each with random numbers of its own")
    n_train: int = Field(600, ge=100, le=1397, description="training images")
    channels: int = Field(10, ge=1, le=64, description="of the first convolution; the second has twice as many")


def observe(settings: ShiftedImagesSettings, seed: int) -> Observed:
    """Train both on centered digits; test on digits that are shifted more and more."""
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    images = images.reshape(-1, SIDE, SIDE) / 16
    size = n_parameters(cnn(settings.channels))
    width = nearest_width(mlp, size, range(1, 400))
    found: dict[str, list[list[float]]] = {"CNN": [], "MLP": []}
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "shifted_images", str(repetition))
        order = np.random.default_rng(drawn).permutation(len(images))
        train, test = order[: settings.n_train], order[-N_TEST:]
        for name, make in {"CNN": lambda: cnn(settings.channels), "MLP": lambda: mlp(width)}.items():
            module = seeded_module(make, drawn)
            fit_classifier(module, shifted(images[train], 0), target[train], RECIPE, seed=drawn)
            found[name].append([accuracy_of(module, shifted(images[test], by), target[test]) for by in SHIFTS])
    scores = {name: np.array(values) for name, values in found.items()}
    numbers = {f"{name.lower()}_{by}": Measured(f"{name}: accuracy, test images shifted by {by} pixels", scores[name][:, by].tolist(),
                                                bounds=SHARE)
               for by in (0, 2, SHIFTS[-1]) for name in scores}  # fmt: skip
    numbers |= {"cnn_parameters": Measured("CNN: parameters", [float(size)]),
                "mlp_parameters": Measured("MLP: parameters", [float(n_parameters(mlp(width)))])}
    lines = [Line(name, SHIFTS, values.mean(axis=0), values.min(axis=0), values.max(axis=0), dots=True) for name, values in scores.items()]
    chart = line_chart(lines, "shift of the test images, pixels right and down", "accuracy on held-out images", limits=(0.0, 1.05))
    return Observed(numbers, [
        LessonFigure("accuracy", "Accuracy as test images shift", "Both know centered digits. Shifted ones the CNN still reads; the MLP "
                     "has never seen ink at those pixels. Bands: all seeds.", [Frame("all", chart)]),
        LessonFigure("examples", "What the networks see", "One test digit at each shift.",
                     [Frame(f"shift {by}", digit_chart(shifted(images[:1], by)[0])) for by in SHIFTS]),
    ])  # fmt: skip


def shifted(images: np.ndarray, by: int) -> np.ndarray:
    """Return images in the middle of a larger canvas, moved right and down: (n, 20, 20)."""
    canvas, at = np.zeros((len(images), CANVAS, CANVAS)), (CANVAS - SIDE) // 2 + by
    canvas[:, at:at + SIDE, at:at + SIDE] = images
    return canvas


def cnn(channels: int) -> "torch.nn.Module":
    """Return two convolutions and the maximum of each channel over all places, which forgets the place."""
    from torch import nn

    return nn.Sequential(
        nn.Unflatten(1, (1, CANVAS)), nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(2 * channels, N_CLASSES),
    )  # fmt: skip


def mlp(width: int) -> "torch.nn.Module":
    """Return one hidden layer on all pixels."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(CANVAS**2, width), nn.ReLU(), nn.Linear(width, N_CLASSES))


def digit_chart(image: np.ndarray) -> Any:
    from stages.pages.drawing import axes_in, new_figure

    figure = new_figure(180.0, 180.0)
    axes = axes_in(figure, left=10, right=10, top=10, bottom=10)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    far = SHIFTS[-1]
    cnn_falls = numbers["cnn_0"].mean - numbers[f"cnn_{far}"].mean
    mlp_falls = numbers["mlp_0"].mean - numbers[f"mlp_{far}"].mean
    return [
        Claim(f"Shifted by {far} pixels, the CNN is more accurate than an MLP of equal size.",
              numbers[f"cnn_{far}"].lo > numbers[f"mlp_{far}"].hi),
        Claim("The CNN loses less than a quarter of what the MLP loses.", 0 <= cnn_falls < 0.25 * mlp_falls),
        Claim("Both have the same number of parameters, within 5 %.",
              abs(numbers["mlp_parameters"].mean - numbers["cnn_parameters"].mean) < 0.05 * numbers["cnn_parameters"].mean),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    far = SHIFTS[-1]
    near, moved = (numbers["cnn_0"], numbers["mlp_0"]), (numbers[f"cnn_{far}"], numbers[f"mlp_{far}"])
    better = "the CNN" if near[0].lo > near[1].hi else "the MLP" if near[1].lo > near[0].hi else "neither for certain"
    return [
        f"On centered images the CNN gets {near[0]} right and the MLP {near[1]}; better is {better}.",
        f"Shifted by {far} pixels, {moved[0]} and {moved[1]} are left.",
    ]


LESSON = Lesson(
    name="shifted_images", title="Structure: CNN and shifted images", chapter="优化方法简介", order=400,
    slides=("Structural Regularization",),
    question="Does a CNN know a digit again that has moved?",
    setup="Handwritten digits (real, 8 × 8 pixels) in the middle of a 20 × 20 canvas are learned by a CNN and by an MLP with as many "
          "parameters; the test images are moved.",
    formulas=(
        Formula("Convolution", r"h_{ij} = \sum_{a,b} w_{ab} \, x_{i+a,\, j+b}", "Goodfellow et al. 2016, Deep Learning, chapter 9"),
        Formula("Invariance to translation", r"f(T_s x) = f(x)", "the lecture, Structural Regularization"),
    ),
    settings=ShiftedImagesSettings, observe=observe, claims=claims, sentences=sentences, seconds=15, change="channels: 2",
)  # fmt: skip
