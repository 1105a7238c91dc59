"""Multilayer perceptrons in torch: width, depth, activation, learning rate and weight decay are swept, inner folds stop early.

Every configuration and inner fold of one shape trains in one batch (stages/numerics/networks.py). The networks see the first
principal components of each block, fitted on the outer training rows: `components: null` gives them all.
The chosen configuration is refitted on all outer training rows for the mean best epoch of its inner folds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings
from stages.numerics.learners import Learner, learner_for, saved_learner
from stages.numerics.matrices import pack, unpack
from stages.numerics.outputs import decide
from stages.numerics.parallel import each
from stages.numerics.projection import Projection, fit_projections, project
from stages.numerics.selection import InnerPredictions, product, thresholds_for
from stages.seeds import derived_seed

Activation = Literal["relu", "tanh", "sigmoid", "softplus", "linear"]
Width = Annotated[int, Field(ge=1, le=4096)]
Depth = Annotated[int, Field(ge=1, le=16)]
Rate = Annotated[float, Field(gt=0, le=10)]
Decay = Annotated[float, Field(ge=0, le=10)]
Count = Annotated[int, Field(ge=1)]


class MlpSettings(Settings):
    width: tuple[Width, ...] = Field((32, 128), min_length=1, description="units of each hidden layer, 1 to 4096")
    depth: tuple[Depth, ...] = Field((1, 2), min_length=1, description="numbers of hidden layers, 1 to 16")
    activation: tuple[Activation, ...] = Field(("relu", "tanh"), min_length=1, description="any of relu, tanh, sigmoid, softplus, linear")
    learning_rate: tuple[Rate, ...] = Field((0.001, 0.003), min_length=1, description="Adam's step sizes, each above 0, at most 10")
    weight_decay: tuple[Decay, ...] = Field((0.0001, 0.01), min_length=1, description="decoupled weight decays, 0 to 10")
    configurations: Literal["all"] | Count = Field("all", description="'all', or how many of the grid are tried, drawn with the seed")
    components: int | None = Field(128, ge=1, description="principal components of each block, or null for all")
    epochs: int = Field(60, ge=1, le=100_000, description="most passes over the training rows")
    patience: int = Field(8, ge=1, description="epochs without a lower held-out loss before a network stops")
    batch: int = Field(64, ge=1, description="rows per step")


def grid(settings: MlpSettings, seed: int) -> list[dict[str, Any]]:
    """Return the configurations tried, small networks first: the whole product, or a seeded draw from it."""
    configs = product(
        depth=sorted(settings.depth),
        width=sorted(settings.width),
        activation=settings.activation,
        weight_decay=sorted(settings.weight_decay, reverse=True),
        learning_rate=sorted(settings.learning_rate),
    )
    if settings.configurations == "all" or settings.configurations >= len(configs):
        return configs
    draw = np.random.default_rng(derived_seed(seed, "mlp", "configurations"))
    return [configs[i] for i in sorted(draw.choice(len(configs), settings.configurations, replace=False))]


@dataclass(frozen=True)
class Lesson:
    """What the networks of one outer fold (or of the final model) and one subset learn. inputs, target: of the training rows."""

    inputs: np.ndarray
    target: np.ndarray
    learner: Learner
    settings: MlpSettings
    seed: int
    purpose: tuple[str, ...]  # what the seeds of weights and orders are derived for

    def examples(self) -> Any:
        from stages.numerics import networks  # torch takes 3 s to import: only where networks are trained

        return networks.Examples(self.inputs, self.learner.encoded(self.target), self.learner.n_outputs, self.learner.loss)

    def seed_for(self, *what: str) -> int:
        return derived_seed(self.seed, "mlp", what[0], *self.purpose, *what[1:])


def sweep(problem: Problem, settings: MlpSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    for fold in problem.folds:
        matrices = {label: block.encoded(fold.train).matrix for label, block in problem.blocks.items()}
        projections = fit_projections(matrices, fold.train, settings.components)
        target = problem.target[fold.train]
        for subset in problem.subsets:
            inputs = project(matrices, projections, subset)
            purpose = (str(fold.repeat), str(fold.index), "+".join(subset))
            lesson = Lesson(inputs[fold.train], target, learner_for(problem, fold.train), settings, problem.seed, purpose)
            yield _sweep_subset(problem, fold, subset, configs, lesson, inputs[fold.test])


def _sweep_subset(
    problem: Problem, fold: Fold, subset: tuple[str, ...], configs: list[dict[str, Any]], lesson: Lesson, test: np.ndarray
) -> FoldResult:
    held_out = [fold.inner == inner for inner in range(int(fold.inner.max()) + 1)]
    trained = _train(configs, held_out, lesson)
    inner_predictions = InnerPredictions(problem, fold, len(configs))
    for i, networks in enumerate(trained):
        for mask, network in zip(held_out, networks, strict=True):
            inner_predictions.put(i, mask, lesson.learner.scores(network.held_out))
    choice = inner_predictions.choose()
    config = configs[choice.config]
    weights, train_loss = _refit(config, _mean_epochs(trained[choice.config]), lesson)
    scores = lesson.learner.scores(_outputs(weights, test, config["activation"], lesson.learner.loss))
    curves = {"train_loss": train_loss, "inner_loss": _mean_curve([network.held_out_loss for network in trained[choice.config]])}
    prediction = decide(problem.task, scores, choice.thresholds)
    shown = None if problem.task == "regression" else scores
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, shown, curves)


def _train(configs: list[dict[str, Any]], held_out: list[np.ndarray], lesson: Lesson) -> list[list[Any]]:
    """Return, per configuration, one trained network per held-out mask; networks of one shape train together."""
    from stages.numerics import networks

    shapes = [networks.Shape(config["width"], config["depth"], config["activation"]) for config in configs]
    settings = lesson.settings
    schedule = networks.Schedule(settings.epochs, settings.batch, settings.patience)
    examples = lesson.examples()

    def train_shape(shape: networks.Shape) -> dict[int, list[networks.Trained]]:
        members = [i for i, other in enumerate(shapes) if other == shape]
        pairs = [(i, j) for i in members for j in range(len(held_out))]
        group = networks.Group(
            shape,
            rates=np.array([configs[i]["learning_rate"] for i, _ in pairs]),
            decays=np.array([configs[i]["weight_decay"] for i, _ in pairs]),
            used=np.array([~held_out[j] for _, j in pairs]),
            seeds=[lesson.seed_for("weights", str(j)) for _, j in pairs],
        )
        trained, _ = networks.train_group(group, examples, schedule, lesson.seed_for("order"))
        return {i: trained[k * len(held_out) : (k + 1) * len(held_out)] for k, i in enumerate(members)}

    found: dict[int, list[Any]] = {}
    # the slowest shapes first, so that no core waits at the end
    for part in each(train_shape, sorted(set(shapes), key=lambda s: (-s.width * s.depth, s.activation))):
        found |= part
    return [found[i] for i in range(len(configs))]


def _refit(config: Mapping[str, Any], epochs: int, lesson: Lesson) -> tuple[list[Any], list[float]]:
    """Return the weights of one configuration trained on all rows for `epochs`, and its loss per epoch."""
    from stages.numerics import networks

    group = networks.Group(
        networks.Shape(config["width"], config["depth"], config["activation"]),
        rates=np.array([config["learning_rate"]]),
        decays=np.array([config["weight_decay"]]),
        used=np.ones((1, len(lesson.target)), dtype=bool),
        seeds=[lesson.seed_for("weights", "refit")],
    )
    schedule = networks.Schedule(epochs, lesson.settings.batch, lesson.settings.patience)
    trained, weights = networks.train_group(group, lesson.examples(), schedule, lesson.seed_for("order", "refit"))
    return weights, trained[0].train_loss


def _outputs(weights: list[Any], inputs: np.ndarray, activation: str, loss: str) -> np.ndarray:
    """Return probabilities, or standardised numbers: float32 (n, n_outputs)."""
    import torch

    from stages.numerics import networks

    with torch.no_grad():
        found: np.ndarray = networks.LOSSES[loss].read(networks.forward(weights, torch.from_numpy(inputs), activation)[0]).numpy()
    return found


def _mean_epochs(trained: list[Any]) -> int:
    return max(1, round(sum(network.best_epoch for network in trained) / len(trained)))


def _mean_curve(curves: list[list[float]]) -> list[float]:
    """Return the mean per epoch over the networks that reached it."""
    return [float(np.mean([curve[i] for curve in curves if len(curve) > i])) for i in range(max(map(len, curves)))]


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: MlpSettings) -> Fitted:
    """Return the network of every training row; crossed held-out rows say for how many epochs, and give the labels' thresholds."""
    rows = problem.training_rows()
    matrices = {label: problem.blocks[label].encoded(rows).matrix for label in subset}
    projections = fit_projections(matrices, rows, settings.components)
    target, learner = problem.target[rows], learner_for(problem, rows)
    lesson = Lesson(project(matrices, projections, subset)[rows], target, learner, settings, problem.seed, ("final", "+".join(subset)))
    held_out = [np.isin(rows, test) for _, test in problem.crossed()]
    trained = _train([dict(config)], held_out, lesson)[0]
    weights, _ = _refit(config, _mean_epochs(trained), lesson)
    arrays: dict[str, np.ndarray] = learner.arrays()
    tested = np.concatenate([np.flatnonzero(mask) for mask in held_out])
    thresholds = thresholds_for(problem, target[tested], learner.scores(np.vstack([network.held_out for network in trained])))
    arrays |= {} if thresholds is None else {"thresholds": thresholds}
    for i, (weight, bias) in enumerate(weights):
        arrays |= {f"weight/{i}": weight.detach().numpy(), f"bias/{i}": bias.detach().numpy()}
    for label, projection in projections.items():
        arrays |= {f"mean/{label}": projection.mean, f"scale/{label}": np.array(projection.scale)}
        arrays |= pack(f"directions/{label}", projection.directions)
    return Fitted(arrays, {"config": dict(config), "subset": list(subset), "n_layers": len(weights), "task": problem.task})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    import torch

    arrays, state = fitted.arrays, fitted.state
    projections = {
        label: Projection(arrays[f"mean/{label}"], np.asarray(unpack(f"directions/{label}", arrays)), float(arrays[f"scale/{label}"]))
        for label in state["subset"]
    }
    inputs = project(matrices, projections, state["subset"])
    weights = [(torch.from_numpy(arrays[f"weight/{i}"]), torch.from_numpy(arrays[f"bias/{i}"])) for i in range(state["n_layers"])]
    learner = saved_learner(state["task"], arrays)
    scores = learner.scores(_outputs(weights, inputs, state["config"]["activation"], learner.loss))
    return decide(state["task"], scores, arrays.get("thresholds")), None if state["task"] == "regression" else scores


MODEL = Model(
    name="mlp",
    settings=MlpSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 2,
    pairwise_matrices=lambda n_blocks: 4,  # the Gram matrix of the widest block, centred, with its eigenvectors
)
