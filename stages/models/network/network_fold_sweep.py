"""The networks of a grid on one outer fold and modality combination: a stack per configuration, with a network per inner fold."""

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
from stages.foundation.registry import component
from stages.foundation.seeds import derived_seed
from stages.model_selection.fold_predictions import empty_predictions, joined_scores, predictions_of
from stages.models.network.fold_inputs import FoldInputs, LoadedPart
from stages.models.network.fused_network import FusedNetwork
from stages.models.network.network_critical_point import critical_point_of
from stages.models.network.network_losses import NetworkLoss, loss_for
from stages.models.network.stack_data import NetworkStack, Plan, StackData
from stages.models.network.stack_training import TrainedStack, evaluated, train_stack
from stages.models.network.stacked_weights import StackedWeights


@dataclass(frozen=True)
class NetworkFoldSweep:
    """The networks of a grid on one outer fold and modality combination.

    stacks: per configuration, futures whose networks together are one per inner fold, in their order.
    """

    problem: Problem
    settings: Any
    configs: list[Config]
    fold: Fold
    modalities: tuple[str, ...]
    inputs: FoldInputs
    device: str
    pool: ThreadPoolExecutor
    stacks: Sequence[Sequence[Future[TrainedStack]]]

    def inner_predictions(self) -> np.ndarray:
        predictions = empty_predictions(self.problem, len(self.configs), len(self.fold.train))
        for i in range(len(self.configs)):
            predictions[i] = predictions_of(self.problem, self.out_of_fold(i).decisions)
        return predictions

    def out_of_fold(self, config: int) -> Scores:
        masks = [self.fold.inner == inner for inner in range(self.fold.n_inner)]
        loss = self._loss(config)
        answers = [answer for stack in self.stacks[config] for answer in stack.result().answers]
        return joined_scores([loss.scores(answer) for answer in answers], masks)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        refitted = self._refit(config, seed)

        def wait() -> TestScores:
            trained, loss = refitted.result(), self._loss(config)
            answers = np.zeros((0, len(self.problem.outputs)), np.float32)
            if len(self.fold.test):
                answers = evaluated(trained.network, self._data(config), [self.fold.test])[1][0]
            curves = {"train_loss": [float(losses[0]) for losses in trained.train_losses], "inner_loss": self._inner_loss(config)}
            wanted = self.settings.critical_points and seed == self.problem.seed
            return TestScores(loss.scores(answers), curves, critical_point=partial(self._point, config, trained) if wanted else None)

        return wait

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Return the weights, what the inputs learned, and what the network is made of."""
        trained, loss = self._refit(config, self.problem.seed if seed is None else seed).result(), self._loss(config)
        arrays = loss.arrays() | {f"weight/{name}": values for name, values in trained.network.weights.arrays().items()}
        parts = self._parts(config)
        for part in parts:
            arrays |= {f"input/{part.part.name}/{name}": values for name, values in part.fitted.arrays.items()}
        state = {"config": dict(self.configs[config]), "modalities": list(self.modalities), "form": self.problem.form,
                 "n_outputs": len(self.problem.outputs), "parts": [part.part.state() for part in parts]}  # fmt: skip
        return Fitted(arrays, state)

    def _point(self, config: int, trained: TrainedStack) -> CriticalPoint:
        parts, seed = [part.part for part in self._parts(config)], self._seed(self.problem.seed, "critical point")
        return critical_point_of(trained.network, parts, self.configs[config]["width"], data=self._data(config), rows=self.fold.train,
                                 seed=seed)  # fmt: skip

    def _refit(self, config: int, seed: int) -> Future[TrainedStack]:
        """Queue a configuration's network on all training rows, for the mean best epoch of its inner folds, whatever the seed."""
        best = np.concatenate([stack.result().best_epochs for stack in self.stacks[config]])
        seeds = self._seed(seed, "weights", "refit"), self._seed(seed, "order", "refit")
        stack = NetworkStack([self.fold.train], [self.fold.train[:0]], [seeds[0]], seeds[1])
        return self._queue(config, stack, max(1, round(float(best.mean()))))

    def _inner_loss(self, config: int) -> list[float]:
        """Return the mean held-out loss per epoch, of the networks that were still trained."""
        curves = [np.array(stack.result().held_out_losses) for stack in self.stacks[config]]
        return [float(np.concatenate([curve[epoch] for curve in curves if epoch < len(curve)]).mean())
                for epoch in range(max(map(len, curves)))]  # fmt: skip

    def _loss(self, config: int) -> NetworkLoss:
        return loss_for(self.problem, self.fold.train, self.configs[config]["class_weight"])

    def _parts(self, config: int) -> list[LoadedPart]:
        return self.inputs.parts(self.modalities, self.configs[config])

    def _data(self, config: int) -> StackData:
        loss, batches = self._loss(config), {part.part.name: part.batches for part in self._parts(config)}
        target = self.problem.target
        return StackData(batches, loss.encoded(target), loss.row_weights(target), loss, self.device)

    def _queue(self, config: int, stack: NetworkStack, epochs: int) -> Future[TrainedStack]:
        chosen, settings = self.configs[config], self.settings
        plan = Plan(chosen, epochs, settings.max_iter, settings.batch_size, settings.n_iter_no_change)
        parts = [part.part for part in self._parts(config)]

        def build(seeds: Sequence[int]) -> FusedNetwork:
            return FusedNetwork(parts, chosen["width"], len(self.problem.outputs), StackedWeights(seeds, self.device))

        return self.pool.submit(train_stack, build, self._data(config), stack, plan)

    def _seed(self, seed: int, *purpose: str) -> int:
        return derived_seed(seed, "network", str(self.fold.repeat), str(self.fold.index), *self.modalities, *purpose)

    def started(self) -> "NetworkFoldSweep":
        """Return the sweep with its stacks queued."""
        train, inner = self.fold.train, range(self.fold.n_inner)
        used, held_out = ([train[self.fold.inner != i] for i in inner], [train[self.fold.inner == i] for i in inner])
        seeds, order = [self._seed(self.problem.seed, "weights", str(i)) for i in inner], self._seed(self.problem.seed, "order")
        whole = NetworkStack(used, held_out, seeds, order)
        alone = [NetworkStack([used[i]], [held_out[i]], [seeds[i]], order) for i in inner]
        queued: dict[str, list[Future[TrainedStack]]] = {}
        stacks = []
        for index, config in enumerate(self.configs):
            key = self._key(index)
            if key not in queued:
                # a rule that searches its step on all rows searches it for each network
                of_one = component("optimizers", config["optimizer"]).full_batch
                queued[key] = [self._queue(index, stack, self.settings.max_iter) for stack in (alone if of_one else [whole])]
            stacks.append(queued[key])
        return replace(self, stacks=stacks)

    def _key(self, config: int) -> str:
        """Return what of a configuration matters here: encoders of these modalities alone, modality dropout of several ones."""
        parts = [part.part.state() for part in self._parts(config)]
        kept = {**self.configs[config], "encoders": [(part["modality"], part["kind"], part["encoder"]) for part in parts]}
        return repr({**kept, "modality_dropout": kept["modality_dropout"] if len(self.modalities) > 1 else 0.0})


def answers_of(fitted: Fitted, batches: Mapping[str, Any], n_rows: int, network: FusedNetwork, loss: NetworkLoss) -> np.ndarray:
    """Return a saved network's answers on all rows: float32 (n_rows, n_outputs)."""
    target = np.zeros(n_rows, np.int64) if loss.form == "classes" else np.zeros((n_rows, fitted.state["n_outputs"]), np.float32)
    data = StackData(batches, target, np.ones(n_rows, np.float32), loss, "cpu")
    return evaluated(network, data, [np.arange(n_rows)])[1][0]
