"""Multilayer perceptrons: width, depth, activation, learning rate and weight decay are swept, inner folds stop early.

Every configuration and inner fold is a network of its own (stages/models/mlp/networks.py). The networks see the first principal
components of each block, fitted on the outer training rows; with `components: null` a dense block's own columns.
The chosen configuration is refitted on all outer training rows for the mean best epoch of its inner folds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from stages.contracts.model import Fitted, FoldResult, Model, Size
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.features.encoders import Matrix
from stages.foundation.parallel import n_cores
from stages.foundation.prefetch import held_back
from stages.foundation.seeds import derived_seed
from stages.model_selection.choice import Choice, InnerPredictions, product, thresholds_for
from stages.model_selection.decisions import decide
from stages.models.mlp.devices import Device
from stages.models.mlp.draws import Orders
from stages.models.mlp.learners import Learner, learner_for, saved_learner
from stages.models.mlp.networks import Examples, Network, Schedule, Shape, Trained, outputs_of
from stages.models.mlp.projection import Projection, fit_projections, project
from stages.models.mlp.trainer import Coming, Trainer

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
    components: int | None = Field(128, ge=1, description="principal components of each block, or null for its own columns")
    epochs: int = Field(60, ge=1, le=100_000, description="most passes over the training rows")
    patience: int = Field(8, ge=1, description="epochs without a lower held-out loss before a network stops")
    batch: int = Field(64, ge=1, description="rows per step")
    device: Device = Field("auto", description="auto (a graphics card where there is one), cpu or cuda")


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

    def plan(self, epochs: int, order_seed: int) -> tuple[Examples, Schedule, Orders]:
        """Return what the networks see, for how long and in what order."""
        examples = Examples(self.inputs, self.learner.encoded(self.target), self.learner.n_outputs, self.learner.loss)
        schedule = Schedule(epochs, self.settings.batch, self.settings.patience)
        return examples, schedule, Orders(order_seed, len(self.target), epochs)

    def seed_for(self, *what: str) -> int:
        return derived_seed(self.seed, "mlp", what[0], *self.purpose, *what[1:])


@dataclass(frozen=True)
class Unit:
    """The networks of one outer fold and subset, in training. found: per configuration, one per held-out mask."""

    fold: Fold
    subset: tuple[str, ...]
    lesson: Lesson
    test: np.ndarray  # inputs of the outer test rows
    held_out: list[np.ndarray]
    found: list[list[Coming]]


def sweep(problem: Problem, settings: MlpSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    with Trainer(settings.device) as trainer:

        def prepare(fold: Fold) -> tuple[dict[str, Matrix], dict[str, Projection]]:
            matrices = {label: block.encoded(fold.train).matrix for label, block in problem.blocks.items()}
            return matrices, fit_projections(matrices, fold.train, settings.components)

        def start(fold: Fold, subset: tuple[str, ...], matrices: Mapping[str, Matrix], projections: Mapping[str, Projection]) -> Unit:
            inputs = project(matrices, projections, subset)
            purpose = (str(fold.repeat), str(fold.index), "+".join(subset))
            learner = learner_for(problem, fold.train)
            lesson = Lesson(inputs[fold.train], problem.target[fold.train], learner, settings, problem.seed, purpose)
            held_out = [fold.inner == inner for inner in range(int(fold.inner.max()) + 1)]
            return Unit(fold, subset, lesson, inputs[fold.test], held_out, _train(trainer, configs, held_out, lesson))

        def choose(unit: Unit) -> tuple[Unit, Choice, Coming]:
            inner_predictions = InnerPredictions(problem, unit.fold, len(configs))
            for i, networks in enumerate(unit.found):
                for mask, network in zip(unit.held_out, networks, strict=True):
                    inner_predictions.put(i, mask, unit.lesson.learner.scores(network().held_out))
            choice = inner_predictions.choose()
            config, epochs = configs[choice.config], _mean_epochs([network() for network in unit.found[choice.config]])
            return unit, choice, _refit(trainer, config, epochs, unit.lesson)

        # three steps, each begun before the one before it is waited for: no core is idle while a fold is prepared or one network refitted
        prepared = held_back((fold, trainer.pool.submit(prepare, fold)) for fold in problem.folds)
        started = held_back(start(fold, subset, *ready.result()) for fold, ready in prepared for subset in problem.subsets)
        for unit, choice, refitted in held_back(choose(unit) for unit in started):
            yield _result(problem, configs, unit, choice, refitted())


def _result(problem: Problem, configs: list[dict[str, Any]], unit: Unit, choice: Choice, refitted: Trained) -> FoldResult:
    learner, config = unit.lesson.learner, configs[choice.config]
    scores = learner.scores(outputs_of(refitted.weights, unit.test, config["activation"], learner.loss))
    inner = [network().held_out_loss for network in unit.found[choice.config]]
    curves = {"train_loss": refitted.train_loss, "inner_loss": _mean_curve(inner)}
    prediction = decide(problem.task, scores, choice.thresholds)
    shown = None if problem.task == "regression" else scores
    return FoldResult(unit.fold, unit.subset, choice.scores, choice.config, prediction, shown, curves)


def _train(trainer: Trainer, configs: Sequence[Mapping[str, Any]], held_out: list[np.ndarray], lesson: Lesson) -> list[list[Coming]]:
    """Return, per configuration, the network to come of each held-out mask."""
    seeds = [lesson.seed_for("weights", str(j)) for j in range(len(held_out))]
    networks = [_network(config, ~mask, seed) for config in configs for mask, seed in zip(held_out, seeds, strict=True)]
    coming = trainer.begin(networks, *lesson.plan(lesson.settings.epochs, lesson.seed_for("order")))
    return [coming[i : i + len(held_out)] for i in range(0, len(coming), len(held_out))]


def _refit(trainer: Trainer, config: Mapping[str, Any], epochs: int, lesson: Lesson) -> Coming:
    """Return the network to come of one configuration, trained on all rows for `epochs`."""
    network = _network(config, np.ones(len(lesson.target), dtype=bool), lesson.seed_for("weights", "refit"))
    return trainer.begin([network], *lesson.plan(epochs, lesson.seed_for("order", "refit")))[0]


def _network(config: Mapping[str, Any], used: np.ndarray, seed: int) -> Network:
    shape = Shape(config["width"], config["depth"], config["activation"])
    return Network(shape, config["learning_rate"], config["weight_decay"], used, seed)


def _mean_epochs(trained: Sequence[Trained]) -> int:
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
    with Trainer(settings.device) as trainer:
        trained = [network() for network in _train(trainer, [config], held_out, lesson)[0]]
        weights = _refit(trainer, config, _mean_epochs(trained), lesson)().weights
    arrays: dict[str, np.ndarray] = learner.arrays()
    tested = np.concatenate([np.flatnonzero(mask) for mask in held_out])
    thresholds = thresholds_for(problem, target[tested], learner.scores(np.vstack([network.held_out for network in trained])))
    arrays |= {} if thresholds is None else {"thresholds": thresholds}
    for i, (weight, bias) in enumerate(weights):
        arrays |= {f"weight/{i}": weight, f"bias/{i}": bias}
    for label, projection in projections.items():
        arrays |= {f"mean/{label}": projection.mean, f"scale/{label}": np.array(projection.scale)}
        if projection.directions is not None:
            arrays[f"directions/{label}"] = projection.directions
    return Fitted(arrays, {"config": dict(config), "subset": list(subset), "n_layers": len(weights), "task": problem.task})


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    arrays, state = fitted.arrays, fitted.state
    projections = {
        label: Projection(arrays[f"mean/{label}"], arrays.get(f"directions/{label}"), arrays[f"scale/{label}"])
        for label in state["subset"]
    }
    inputs = project(matrices, projections, state["subset"])
    weights = [(arrays[f"weight/{i}"], arrays[f"bias/{i}"]) for i in range(state["n_layers"])]
    learner = saved_learner(state["task"], arrays)
    scores = learner.scores(outputs_of(weights, inputs, state["config"]["activation"], learner.loss))
    return decide(state["task"], scores, arrays.get("thresholds")), None if state["task"] == "regression" else scores


def needed_bytes(size: Size, settings: MlpSettings) -> float:
    """Return the memory of the features in float64, of what networks of three folds see, and of the Gram matrix of the widest block."""
    n_values = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    if settings.components is None:  # sparse blocks alone are taken apart
        n_seen, widest = n_values, size.n_rows * min(1.0, size.n_sparse)
    else:
        n_seen, widest = float(settings.components) * size.n_blocks, min(size.n_rows, n_values)
    return 8.0 * (2 * size.n_rows * n_values + 4 * widest**2) + 4.0 * 3 * size.n_rows * n_seen * (1 + n_cores() / 3)


MODEL = Model(
    name="mlp",
    settings=MlpSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 2,
    needed_bytes=needed_bytes,
)
