"""A whole grid of exact SVMs on one outer fold and modality combination: every gamma, C and inner fold shares the squared distances."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.contracts.fitted import Fitted
from stages.contracts.model import TestScores
from stages.features.matrices import pack
from stages.foundation.parallel import each
from stages.models.svm.fold_scores import FoldScores
from stages.models.svm.kernels import Kernel, by_kernel, feature_distances, kernel_of, kernel_values, reordered
from stages.models.svm.solvers import Solver, solver_for


@dataclass(frozen=True)
class FoldOfSvm(FoldScores):
    @cached_property
    def places(self) -> np.ndarray:
        """The order in which training rows are solved: classes lie together, and parts of the matrix are nearly contiguous."""
        return solver_for(self.problem, self.fold.train, self.settings).order(self.fold.train)

    @cached_property
    def rows(self) -> np.ndarray:
        """Training rows in that order, then test rows: int64."""
        return np.concatenate([self.fold.train[self.places], self.fold.test])

    @cached_property
    def solver(self) -> Solver:
        """The solver of `rows`, numbered from 0."""
        return solver_for(self.problem, self.fold.train, self.settings).at(self.rows)

    @cached_property
    def squared(self) -> np.ndarray:
        """Squared distances of `rows` whose mean between two training rows is 1, however many blocks there are: float64 (n, n)."""
        squared = self.blocks.squared(self.modalities)
        return reordered(squared if len(self.modalities) == 1 else squared / len(self.modalities), self.rows)

    @cached_property
    def decisions(self) -> np.ndarray:
        """Every configuration's out-of-fold decision values of the training rows: float64 (n_configs, n_train, n_outputs)."""
        members, inner_of = by_kernel(self.configs), self.fold.inner[self.places]
        pieces = [(kernel, inner) for kernel in members for inner in range(self.fold.n_inner)]
        _ = self.solver, self.squared  # once, before the threads ask for them

        def decide(piece: tuple[Kernel, int]) -> np.ndarray:
            kernel, inner = piece
            penalties = np.array([self.configs[i]["C"] for i in members[kernel]])
            return self._decisions(kernel, np.flatnonzero(inner_of != inner), np.flatnonzero(inner_of == inner), penalties)

        decisions = np.empty((len(self.configs), len(self.places), len(self.problem.outputs)))
        for (kernel, inner), found in zip(pieces, each(decide, pieces), strict=True):
            for i, values in zip(members[kernel], found, strict=True):
                decisions[i, self.places[inner_of == inner]] = values
        return decisions

    def _decisions(self, kernel: Kernel, train: np.ndarray, others: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """Return the decision values of some of `rows` by SVMs of others: float64 (n_C, n, n_outputs)."""
        train = train[self.solver.order(train)]
        machines = self.solver.train(feature_distances(kernel, self.squared, train), train, penalties)
        return self.solver.decide(machines, kernel_values(kernel, self.squared, others, train[machines.support]))

    def temperature(self, config: int) -> float:
        """Return the temperature that makes probabilities of the decision values of held-out rows."""
        return self.solver.temperature(self.decisions[config][self.places], np.arange(len(self.places)))

    def refit(self, config: int) -> Callable[[], TestScores]:
        train, test = np.split(np.arange(len(self.rows)), [len(self.places)])
        chosen = self.configs[config]
        (values,) = self._decisions(kernel_of(chosen), train, test, np.array([chosen["C"]]))
        found = TestScores(self.scores(config, values))
        return lambda: found

    def fitted(self, config: int) -> Fitted:
        """Keep the support vectors with their dual coefficients."""
        chosen, train = self.configs[config], np.arange(len(self.places))
        train = train[self.solver.order(train)]
        machines = self.solver.train(feature_distances(kernel_of(chosen), self.squared, train), train, np.array([chosen["C"]]))
        arrays = {
            **self.solver.arrays(machines),
            "scales": np.array(self.blocks.scales(self.modalities, "euclidean")) / len(self.modalities),
        }
        for name in self.modalities:
            arrays |= pack(f"support/{name}", self.blocks.encoded[name].matrix[self.rows[train[machines.support]]])
        state = {"config": dict(chosen), **self.state}
        return Fitted(arrays, state if self.problem.form == "continuous" else state | {"temperature": self.temperature(config)})
