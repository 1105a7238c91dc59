"""The networks of a grid on one outer fold and modality combination: one per configuration and inner fold, all queued together."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from stages.contracts.critical_point import CriticalPoint
from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, TestScores
from stages.contracts.problem import Fold, Problem
from stages.features.encoders import Matrix
from stages.features.projection import Projection
from stages.foundation.seeds import derived_seed
from stages.model_selection.fold_predictions import empty_predictions, joined_scores, predictions_of
from stages.models.mlp.epoch_orders import EpochOrders
from stages.models.mlp.losses import Loss, loss_for
from stages.models.mlp.mixed_inputs import MixedInputs, mixed_inputs
from stages.models.mlp.mlp_critical_point import critical_point_of
from stages.models.mlp.networks import Network, Schedule, Shape, TrainedNetwork, TrainingSet, UpdateRule, outputs_of, train_network


@dataclass(frozen=True)
class MlpFoldSweep:
    """The networks of a grid on one outer fold and modality combination.

    inputs: of every sample. networks: per configuration, one future per inner fold.
    """

    problem: Problem
    settings: Any
    configs: list[Config]
    fold: Fold
    modalities: tuple[str, ...]
    loss: Loss
    projections: Mapping[str, Projection]
    inputs: MixedInputs
    pool: ThreadPoolExecutor
    networks: Sequence[Sequence[Future[TrainedNetwork]]]

    def inner_predictions(self) -> np.ndarray:
        predictions = empty_predictions(self.problem, len(self.configs), len(self.fold.train))
        for i in range(len(self.configs)):
            predictions[i] = predictions_of(self.problem, self.out_of_fold(i).decisions)
        return predictions

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == inner for inner in range(self.fold.n_inner)]
        return joined_scores([scores_of(self.loss, network.result().held_out) for network in self.networks[config]], masks)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        refitted = self._refit(config, seed)

        def wait() -> TestScores:
            network = refitted.result()
            outputs = outputs_of(network.weights, self.inputs.taken(self.fold.test), self.configs[config]["activation"], self.loss.name)
            inner = [network.result().held_out_loss for network in self.networks[config]]
            curves = {"train_loss": network.train_loss, "inner_loss": mean_curve(inner)}
            wanted = self.settings.critical_points and seed == self.problem.seed
            point = partial(self._point, config, network) if wanted else None
            return TestScores(scores_of(self.loss, outputs), curves, critical_point=point)

        return wait

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Return the weights and the blocks' projections."""
        weights = self._refit(config, self.problem.seed if seed is None else seed).result().weights
        arrays: dict[str, np.ndarray] = self.loss.arrays()
        for i, (weight, bias) in enumerate(weights):
            arrays |= {f"weight/{i}": weight, f"bias/{i}": bias}
        for name in self.modalities:
            arrays |= self.projections[name].arrays(name)
        state = {"config": dict(self.configs[config]), "modalities": list(self.modalities), "n_layers": len(weights)}
        return Fitted(arrays, state | {"form": self.problem.form})

    def _point(self, config: int, trained: TrainedNetwork) -> CriticalPoint:
        seed = _seed(self.problem.seed, self.fold, self.modalities, "critical point")
        network = _network(self.configs[config], np.ones(len(self.fold.train), dtype=bool), seed)
        return critical_point_of(trained.weights, _training_set(self), network, seed=seed)

    def _refit(self, config: int, seed: int) -> Future[TrainedNetwork]:
        """Queue a configuration's network on all training rows, for the mean best epoch of its inner folds, whatever the seed."""
        best = [network.result().best_epoch for network in self.networks[config]]
        all_rows = np.ones(len(self.fold.train), dtype=bool)
        network = _network(self.configs[config], all_rows, _seed(seed, self.fold, self.modalities, "weights", "refit"))
        epochs = max(1, round(sum(best) / len(best)))
        order = _seed(seed, self.fold, self.modalities, "order", "refit")
        return _queue(self.pool, [network], _training_set(self), self.settings, EpochOrders(order, len(self.fold.train), epochs))[0]


def start_fold_sweep(
    problem: Problem, settings: Any, configs: list[Config], fold: Fold, modalities: tuple[str, ...],
    matrices: Mapping[str, Matrix], projections: Mapping[str, Projection], *, pool: ThreadPoolExecutor,
) -> MlpFoldSweep:  # fmt: skip
    """Return a fold and combination with all its networks queued."""
    sweep = MlpFoldSweep(problem, settings, configs, fold, modalities, loss_for(problem, fold.train), projections,
                         mixed_inputs(matrices, projections, modalities), pool, [])  # fmt: skip
    seeds = [_seed(problem.seed, fold, modalities, "weights", str(inner)) for inner in range(fold.n_inner)]
    networks = [_network(config, fold.inner != inner, seed) for config in configs for inner, seed in enumerate(seeds)]
    orders = EpochOrders(_seed(problem.seed, fold, modalities, "order"), len(fold.train), settings.max_iter)
    futures = _queue(pool, networks, _training_set(sweep), settings, orders)
    by_config = [futures[i : i + fold.n_inner] for i in range(0, len(futures), fold.n_inner)]
    return replace(sweep, networks=by_config)


def scores_of(loss: Loss, outputs: np.ndarray) -> Scores:
    """Return a network's outputs as scores: probabilities, or targets in their own units."""
    values = loss.restored(outputs)
    return Scores(values, None if loss.scale is not None else values)


def _queue(
    pool: ThreadPoolExecutor, networks: Sequence[Network], data: TrainingSet, settings: Any, orders: EpochOrders
) -> list[Future[TrainedNetwork]]:
    """Queue networks on the same training set, the slowest first, so that no core is idle at the end."""
    n_inputs = data.inputs.n_columns
    schedule = Schedule(orders.epochs, settings.batch_size, settings.n_iter_no_change, settings.max_iter)
    futures: dict[int, Future[TrainedNetwork]] = {}
    for i in sorted(range(len(networks)), key=lambda i: -networks[i].shape.n_weights(n_inputs, data.n_outputs)):
        futures[i] = pool.submit(train_network, networks[i], data, schedule, orders)
    return [futures[i] for i in range(len(networks))]


def _training_set(sweep: MlpFoldSweep) -> TrainingSet:
    target, loss = sweep.problem.target[sweep.fold.train], sweep.loss
    return TrainingSet(sweep.inputs.taken(sweep.fold.train), loss.encoded(target), loss.n_outputs, loss.name)


def _network(config: Config, used: np.ndarray, seed: int) -> Network:
    shape = Shape(tuple(config["hidden_layer_sizes"]), config["activation"])
    loss, margin = config.get("loss", "auto"), config.get("margin")
    rule = UpdateRule(config.get("optimizer", "adamw"), config.get("optimizer_settings") or {}, config.get("schedule") or "constant")
    # what searches its step has no learning rate, and uses none
    return Network(shape, config["learning_rate_init"] or 1.0, config["weight_decay"], used, seed, None if loss == "auto" else loss,
                   1.0 if margin is None else margin, rule)  # fmt: skip


def _seed(seed: int, fold: Fold, modalities: Sequence[str], what: str, *more: str) -> int:
    where = ("final",) if fold.is_final else (str(fold.repeat), str(fold.index))
    return derived_seed(seed, "mlp", what, *where, "+".join(modalities), *more)


def mean_curve(curves: list[list[float]]) -> list[float]:
    """Return the mean per epoch over the networks; one that has stopped stays as it is, or the mean might rise where every curve falls."""
    return [float(np.mean([curve[min(i, len(curve) - 1)] for curve in curves])) for i in range(max(map(len, curves)))]
