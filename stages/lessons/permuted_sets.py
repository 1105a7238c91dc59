"""Structure of sets: Deep Sets against an MLP of equal size when the members of a set are permuted."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import SHARE, Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import MARKS, dots_of, new_axes, scaled
from stages.teaching.modules import accuracy_of, fit_classifier, n_parameters, nearest_width, seeded_module
from stages.teaching.small_networks import Recipe

if TYPE_CHECKING:
    import torch

SHAPES = ("ring", "line", "two clusters")
N_TRAIN, N_TEST, NOISE = 300, 300, 0.25
RECIPE = Recipe("adam", 0.01, 300, batch_size=50)


class PermutedSetsSettings(LessonSettings):
    n_seeds: int = Field(8, ge=2, le=100, description="repetitions, each with random numbers of its own")
    n_points: int = Field(12, ge=4, le=100, description="members of each set")
    units: int = Field(24, ge=2, le=256, description="hidden units of Deep Sets; the MLP gets as many parameters")


def observe(settings: PermutedSetsSettings, seed: int) -> Observed:
    """Train both on sets whose members are in one order; test on the same order and on random ones."""
    size = n_parameters(deep_sets(settings.units))
    width = nearest_width(lambda units: mlp(settings.n_points, units), size, range(1, 600))
    made: dict[str, Callable[[], torch.nn.Module]] = {
        "deep_sets": lambda: deep_sets(settings.units), "mlp": lambda: mlp(settings.n_points, width),
    }  # fmt: skip
    found: dict[str, list[float]] = {f"{name}_{how}": [] for how in ("ordered", "permuted") for name in made}
    found["deep_sets_change"] = []
    for repetition in range(settings.n_seeds):
        drawn = derived_seed(seed, "lessons", "permuted_sets", str(repetition))
        rng = np.random.default_rng(drawn)
        train, (rows, target) = (clouds(rng, n, settings.n_points) for n in (N_TRAIN, N_TEST))
        permuted = rng.permuted(np.arange(settings.n_points)[None].repeat(len(rows), 0), axis=1)
        mixed = np.take_along_axis(rows, permuted[:, :, None], axis=1)
        for name, make in made.items():
            module = seeded_module(make, drawn)
            fit_classifier(module, *train, RECIPE, seed=drawn)
            found[f"{name}_ordered"].append(accuracy_of(module, rows, target))
            found[f"{name}_permuted"].append(accuracy_of(module, mixed, target))
            if name == "deep_sets":
                found["deep_sets_change"].append(largest_change(module, rows, mixed))
    titles = {"deep_sets": "Deep Sets", "mlp": "MLP"}
    accuracies = {f"{titles[name]}, {how}": Measured("", found[f"{name}_{how}"], bounds=SHARE)
                  for how in ("ordered", "permuted") for name in made}
    numbers = {f"{name}_{how}": Measured(f"{titles[name]}: accuracy, members {how}", found[f"{name}_{how}"], bounds=SHARE)
               for how in ("ordered", "permuted") for name in made}  # fmt: skip
    numbers["deep_sets_change"] = Measured("Deep Sets: largest change of an output by permuting", found["deep_sets_change"])
    numbers |= {f"{name}_parameters": Measured(f"{titles[name]}: parameters", [float(n_parameters(make()))]) for name, make in made.items()}
    return Observed(numbers, [
        LessonFigure("accuracy", "Accuracy by the order of the members", "Sets of points in the order of training, and in random orders; "
                     "means with 95 % intervals.", [Frame("all", dots_of(accuracies, "accuracy on new sets"))]),
        LessonFigure("sets", "One set of each class", "The same points in any order are the same set.",
                     [Frame(shape, cloud_chart(code, settings.n_points, seed)) for code, shape in enumerate(SHAPES)]),
    ])  # fmt: skip


def clouds(rng: np.random.Generator, n: int, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sets of points (n, n_points, 2), turned at random, their members in the order along the shape, and their classes (n,)."""
    target = np.arange(n) % len(SHAPES)
    along = np.linspace(0, 1, n_points, endpoint=False)
    ring = np.stack([np.cos(2 * np.pi * along), np.sin(2 * np.pi * along)], axis=1)
    line = np.stack([2 * along - 1, 0 * along], axis=1) * 1.4
    pair = np.stack([np.where(along < 0.5, -1.0, 1.0), 0 * along], axis=1)
    angle = rng.uniform(0, np.pi, n)
    turn = np.stack([np.stack([np.cos(angle), -np.sin(angle)], 1), np.stack([np.sin(angle), np.cos(angle)], 1)], 1)
    points = np.stack([ring, line, pair])[target] @ turn.transpose(0, 2, 1)
    return points + NOISE * rng.standard_normal(points.shape), target.astype(np.int64)


def deep_sets(units: int) -> "torch.nn.Module":
    """Return a network of each member, their mean, and a network of the mean."""
    import torch
    from torch import nn

    class DeepSets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.member = nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU())
            self.whole = nn.Sequential(nn.Linear(units, units), nn.ReLU(), nn.Linear(units, len(SHAPES)))

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.whole(self.member(rows).mean(dim=1))
            return found

    return DeepSets()


def mlp(n_points: int, width: int) -> "torch.nn.Module":
    """Return two hidden layers on all members side by side."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(2 * n_points, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                         nn.Linear(width, len(SHAPES)))  # fmt: skip


def largest_change(module: "torch.nn.Module", rows: np.ndarray, mixed: np.ndarray) -> float:
    """Return the largest absolute difference between the outputs of sets and of the same sets in another order."""
    import torch

    with torch.no_grad():
        return float((module(torch.from_numpy(rows)) - module(torch.from_numpy(mixed))).abs().max())


def cloud_chart(code: int, n_points: int, seed: int) -> Any:
    from stages.pages.drawing import SERIES

    points, target = clouds(np.random.default_rng(derived_seed(seed, "lessons", "permuted_sets", "figure")), 6, n_points)
    figure, axes = new_axes("x₁", "x₂", height=200.0, width=270.0)
    axes.plot(*points[target == code][0].T, MARKS[code], color=SERIES[code], markersize=6, markeredgewidth=0)
    axes.set_xlim(-2.2, 2.2)
    axes.set_ylim(-2.2, 2.2)
    for axis in "xy":
        scaled(axes, axis, log=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    sets, mlp_ = numbers["deep_sets_permuted"], numbers["mlp_permuted"]
    return [
        Claim("A permutation changes no output of Deep Sets by more than 10⁻⁹.", 0 <= numbers["deep_sets_change"].hi < 1e-9),
        Claim("On permuted sets Deep Sets is more accurate than an MLP of equal size.", sets.lo > mlp_.hi),
        Claim("A permutation costs the MLP accuracy.", numbers["mlp_ordered"].lo > mlp_.hi),
        Claim("Both have the same number of parameters, within 5 %.",
              abs(numbers["mlp_parameters"].mean - numbers["deep_sets_parameters"].mean) < 0.05 * numbers["mlp_parameters"].mean),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    lost = numbers["mlp_ordered"].mean - numbers["mlp_permuted"].mean
    verb = "loses" if lost > 0 else "gains"
    return [
        f"Deep Sets predicts {numbers['deep_sets_ordered']} of new sets right, and {numbers['deep_sets_permuted']} of the same sets in "
        "another order.",
        f"The MLP predicts {numbers['mlp_ordered']} right in the order that it was trained on; by a permutation it {verb} "
        f"{100 * abs(lost):.3g} points.",
    ]


LESSON = Lesson(
    name="permuted_sets", title="Structure: Deep Sets and permutations", chapter="优化方法简介", order=420,
    slides=("Unimodal Representation: Sets", "Structural Regularization"),
    question="Does the order of its members change what is predicted of a set?",
    setup="Sets of points on three shapes (synthetic) are learned by Deep Sets and by an MLP with as many parameters, always in the "
          "order along the shape; in the test the members are permuted.",
    formulas=(
        Formula("Deep Sets", r"f(\{x_1, \ldots, x_n\}) = \rho \left( \frac{1}{n} \sum_i \phi(x_i) \right)",
                "Zaheer et al. 2017, arXiv:1703.06114, theorem 2; with the mean in place of the sum"),
    ),
    settings=PermutedSetsSettings, observe=observe, claims=claims, sentences=sentences, seconds=12, change="n_points: 30",
)  # fmt: skip
