"""Critical points: planted minima and saddles, flat points that the Hessian cannot tell, and a network’s way out of a plateau."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from stages.contracts.lesson import Claim, Formula, Frame, Lesson, LessonFigure, LessonSettings, Measured, Numbers, Observed
from stages.foundation.seeds import derived_seed
from stages.teaching.charts import Line, line_chart, new_axes, scaled
from stages.teaching.small_networks import Recipe, flat_parameters, new_layers, outputs_of, train

if TYPE_CHECKING:
    import torch

DIMENSIONS, N_PROBES, RADIUS = 10, 200, 0.1
N_ROWS, SIZES = 100, (2, 8, 1)
RECIPE = Recipe("gradient_descent", 0.1, 400)
STEP_AWAY = 0.1  # length of the step along the most negative direction
SURFACES: dict[str, Callable[[Any, Any], Any]] = {  # of the plane, with a critical point at 0
    "minimum, x² + y²": lambda x, y: x**2 + y**2,
    "saddle, x² − y²": lambda x, y: x**2 - y**2,
    "maximum, −x² − y²": lambda x, y: -(x**2) - y**2,
    "monkey saddle, x³ − 3xy²": lambda x, y: x**3 - 3 * x * y**2,
    "flat minimum, x⁴ + y⁴": lambda x, y: x**4 + y**4,
}


class CriticalPointsSettings(LessonSettings):
    n_seeds: int = Field(10, ge=2, le=100, description="repetitions of the network’s training")
    n_points: int = Field(200, ge=2, le=5000, description="planted minima, and as many planted saddles")


def observe(settings: CriticalPointsSettings, seed: int) -> Observed:
    """Judge planted points by their Hessians, probe flat ones, and train networks from a plateau."""
    rng = np.random.default_rng(derived_seed(seed, "lessons", "critical_points", "planted"))
    verdicts = {kind: [planted_verdict(rng, is_saddle=kind == "saddle") for _ in range(settings.n_points)]
                for kind in ("minimum", "saddle")}  # fmt: skip
    numbers = {f"{kind}_found": Measured(f"planted {kind} points that the Hessian calls so", [float(name == kind) for name in found],
                                         is_share=True) for kind, found in verdicts.items()}  # fmt: skip
    lower = {title: lower_share(surface, rng) for title, surface in SURFACES.items()}
    numbers |= {"monkey_lower": Measured("monkey saddle, Hessian 0: directions that lead down", [lower["monkey saddle, x³ − 3xy²"]]),
                "flat_lower": Measured("x⁴ + y⁴, Hessian 0: directions that lead down", [lower["flat minimum, x⁴ + y⁴"]])}
    runs = [plateau(derived_seed(seed, "lessons", "critical_points", str(repetition))) for repetition in range(settings.n_seeds)]
    numbers |= {name: Measured(title, [float(run[name]) for run in runs]) for name, title in {
        "gradient_norm": "network at the plateau: norm of the gradient",
        "least_eigenvalue": "network at the plateau: least eigenvalue of the Hessian",
        "loss_start": "network: loss at the plateau", "loss_stays": f"loss after {RECIPE.n_steps} steps of gradient descent",
        "loss_escapes": f"loss after a step along the most negative direction and {RECIPE.n_steps} steps",
    }.items()}  # fmt: skip
    lines = [Line("from the plateau", *curve_of(runs[0]["stays"])), Line("after the step away", *curve_of(runs[0]["escapes"]))]
    return Observed(numbers, [
        LessonFigure("surfaces", "Five critical points", "Lines of equal height around a point where the gradient is 0; darker is lower. "
                     "The Hessian tells the first three apart; at the last two it is 0 and tells nothing.",
                     [Frame(title, surface_chart(surface)) for title, surface in SURFACES.items()], 1),
        LessonFigure("escape", "“My loss isn’t changing”", "A network whose weights are all 0 stays where it is: a saddle. One small step "
                     "along the direction of the most negative curvature, and gradient descent goes on.",
                     [Frame("all", line_chart(lines, "steps", "squared error"))]),
    ])  # fmt: skip


def planted_verdict(rng: np.random.Generator, *, is_saddle: bool) -> str:
    """Return what the Hessian says of a drawn critical point: curved by drawn eigenvalues, with terms of third and fourth order."""
    import torch

    from stages.curvature.hessian_products import TorchSurface
    from stages.curvature.point_verdict import critical_point

    turn, _ = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))
    curvatures = rng.uniform(0.1, 2.0, DIMENSIONS)
    if is_saddle:
        curvatures[: rng.integers(1, DIMENSIONS)] *= -1
    turned, bends, center = torch.from_numpy(turn), torch.from_numpy(rng.standard_normal(DIMENSIONS)), rng.standard_normal(DIMENSIONS)
    point, sizes = torch.from_numpy(center.copy()).requires_grad_(), torch.from_numpy(curvatures)

    def loss() -> torch.Tensor:
        along = (point - torch.from_numpy(center)) @ turned
        return (sizes * along**2 / 2 + 0.1 * bends * along**3 + 0.05 * along**4).sum()

    surface = TorchSurface(loss, [point], n_rows=1, scale=1.0)
    return critical_point(surface, float(np.linalg.norm(surface.gradient())), seed=0).verdict


def lower_share(surface: Callable[[Any, Any], Any], rng: np.random.Generator) -> float:
    """Return the share of drawn directions in which the surface is lower a short way off than at 0."""
    angles = rng.uniform(0, 2 * np.pi, N_PROBES)
    return float((surface(RADIUS * np.cos(angles), RADIUS * np.sin(angles)) < 0).mean())


def plateau(seed: int) -> dict[str, Any]:
    """Train a network from weights of 0, as it is and after a step along the most negative direction of the Hessian."""
    import torch

    from stages.curvature.hessian_products import TorchSurface
    from stages.curvature.lanczos import spectrum_ends

    rng = np.random.default_rng(seed)
    X = torch.from_numpy(rng.standard_normal((N_ROWS, SIZES[0])))
    y = torch.sin(2 * X[:, :1]) + X[:, 1:]
    y = y - y.mean()  # so that the offset of the output has no gradient either

    def started(direction: np.ndarray | None) -> "tuple[Any, list[torch.Tensor]]":
        layers = new_layers(SIZES, seed)
        parameters = flat_parameters(layers)
        parts = np.split(np.zeros(0) if direction is None else STEP_AWAY * direction, np.cumsum([p.numel() for p in parameters])[:-1])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter.copy_(torch.from_numpy(part).view_as(parameter) if direction is not None else torch.zeros_like(parameter))
        return (lambda rows: ((outputs_of(layers, X[rows], "tanh") - y[rows]) ** 2).mean()), parameters

    loss_of, parameters = started(None)
    surface = TorchSurface(lambda: loss_of(torch.arange(N_ROWS)), parameters, n_rows=N_ROWS, scale=float((y**2).mean()))
    n = sum(parameter.numel() for parameter in parameters)
    least, norm = spectrum_ends(surface.product, n, seed=0, most=n).least, float(np.linalg.norm(surface.gradient()))
    stays = train(parameters, loss_of, N_ROWS, RECIPE, seed=seed)
    loss_of, parameters = started(least.vector)
    escapes = train(parameters, loss_of, N_ROWS, RECIPE, seed=seed)
    return {"gradient_norm": norm, "least_eigenvalue": least.value, "loss_start": stays[0], "loss_stays": stays[-1],
            "loss_escapes": escapes[-1], "stays": stays, "escapes": escapes}  # fmt: skip


def curve_of(losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(losses)), losses


def surface_chart(surface: Callable[[Any, Any], Any]) -> Any:
    from stages.pages.drawing import COLOURS

    side = np.linspace(-1, 1, 61)
    x, y = np.meshgrid(side, side)
    figure, axes = new_axes("x", "y", height=230.0, width=304.0)
    heights = surface(x, y)
    axes.imshow(heights, origin="lower", extent=(-1, 1, -1, 1), cmap="gray", vmin=-3.5, vmax=2.0, aspect="auto")
    axes.contour(x, y, heights, levels=np.linspace(-2, 2, 17), colors=COLOURS["ink"], linewidths=0.6, linestyles="solid")
    axes.plot([0], [0], "o", color=COLOURS["c1"], markersize=6)
    for axis in "xy":
        scaled(axes, axis, log=False)
    axes.grid(visible=False)
    return figure


def claims(numbers: Numbers) -> list[Claim]:
    return [
        Claim("An indefinite Hessian is found at every planted saddle.", numbers["saddle_found"].mean == 1),
        Claim("It is found at no planted minimum.", numbers["minimum_found"].mean == 1),
        Claim("Where the Hessian is 0, the probe tells: some directions lead down at the monkey saddle, none at the flat minimum.",
              0 < numbers["monkey_lower"].mean < 1 and numbers["flat_lower"].mean == 0),
        Claim("The plateau of the network is a saddle: no gradient, and a negative eigenvalue.",
              numbers["gradient_norm"].hi < 1e-9 and numbers["least_eigenvalue"].hi < 0),
        Claim("A step along the most negative direction ends the standstill: less than half of the loss is left.",
              numbers["loss_escapes"].hi < numbers["loss_stays"].lo / 2),
    ]  # fmt: skip


def sentences(numbers: Numbers) -> list[str]:
    stays, escapes = numbers["loss_stays"], numbers["loss_escapes"]
    moved = "does not move" if abs(stays.mean - numbers["loss_start"].mean) < 1e-6 else f"goes from {numbers['loss_start']} to {stays}"
    return [
        f"The Hessian calls {numbers['saddle_found']} of the planted saddles saddles, and {numbers['minimum_found']} of the planted minima "
        "minima.",
        f"Of the directions around the monkey saddle {100 * numbers['monkey_lower'].mean:.3g} % lead down, around x⁴ + y⁴ "
        f"{100 * numbers['flat_lower'].mean:.3g} %: there the Hessian is 0.",
        f"From the plateau, where the least eigenvalue is {numbers['least_eigenvalue']}, the loss {moved}; after one step along the most "
        f"negative direction it falls to {escapes}.",
    ]


LESSON = Lesson(
    name="critical_points", title="Critical points and the way out", chapter="优化方法简介", order=360,
    slides=("Critical Points", "Detecting Saddles"),
    question="My loss is not changing: is it a minimum or a saddle?",
    setup=f"Functions of {DIMENSIONS} variables with a planted minimum or saddle (synthetic) are judged by the ends of the Hessian’s "
          "spectrum (Lanczos). Flat points are probed in random directions. A small network starts with all weights at 0.",
    formulas=(
        Formula("Critical point", r"\nabla L(\theta) = 0, \quad H_{ij} = \frac{\partial^2 L}{\partial \theta_i \partial \theta_j}",
                "the lecture, Critical Points"),
        Formula("Saddle for sure", r"\lambda_{\min}(H) < 0 < \lambda_{\max}(H)", "the lecture, Detecting Saddles"),
    ),
    settings=CriticalPointsSettings, observe=observe, claims=claims, sentences=sentences, seconds=8, change="n_points: 20",
)  # fmt: skip
