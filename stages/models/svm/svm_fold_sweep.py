"""A grid of exact SVMs on one outer fold and modality combination: every gamma, C and inner fold shares the squared distances."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.contracts.model import TestScores
from stages.features.matrices import pack
from stages.foundation.parallel import each
from stages.models.svm.fold_scores import SvmFoldScores
from stages.models.svm.kernels import Kernel, by_kernel, feature_distances, kernel_of, kernel_values, reordered
from stages.models.svm.solvers import Solver, solver_for


@dataclass(frozen=True)
class SvmFoldSweep(SvmFoldScores):
    """A grid of exact SVMs on one outer fold and modality combination."""

    @cached_property
    def order(self) -> np.ndarray:
        """The order of training rows in the solver: sorted by class, so that submatrices are nearly contiguous."""
        return solver_for(self.problem, self.fold.train, self.settings).order(self.fold.train)

    @cached_property
    def rows(self) -> np.ndarray:
        """Training rows in that order, then test rows: int64."""
        return np.concatenate([self.fold.train[self.order], self.fold.test])

    @cached_property
    def solver(self) -> Solver:
        """The solver of `rows`, numbered from 0."""
        return solver_for(self.problem, self.fold.train, self.settings).at(self.rows)

    @cached_property
    def squared(self) -> np.ndarray:
        """Squared distances of `rows`, with mean 1 between two training rows for any number of blocks: float64 (n, n)."""
        squared = self.blocks.squared(self.modalities)
        return reordered(squared if len(self.modalities) == 1 else squared / len(self.modalities), self.rows)

    @cached_property
    def decisions(self) -> np.ndarray:
        """Every configuration's out-of-fold decision values of the training rows: float64 (n_configs, n_train, n_outputs)."""
        members, inner_of = by_kernel(self.configs), self.fold.inner[self.order]
        jobs = [(kernel, inner) for kernel in members for inner in range(self.fold.n_inner)]
        _ = self.solver, self.squared  # cached before the threads start

        def decide(job: tuple[Kernel, int]) -> np.ndarray:
            kernel, inner = job
            penalties = np.array([self.configs[i]["C"] for i in members[kernel]])
            return self._decisions(kernel, np.flatnonzero(inner_of != inner), np.flatnonzero(inner_of == inner), penalties)

        decisions = np.zeros((len(self.configs), len(self.order), len(self.problem.outputs)))
        for (kernel, inner), found in zip(jobs, each(decide, jobs), strict=True):
            for i, values in zip(members[kernel], found, strict=True):
                decisions[i, self.order[inner_of == inner]] = values
        return decisions

    def _decisions(self, kernel: Kernel, train: np.ndarray, others: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """Return the decision values of `others` by SVMs trained on `train`, both indices into `rows`: float64 (n_C, n, n_outputs)."""
        train = train[self.solver.order(train)]
        svms = self.solver.train(feature_distances(kernel, self.squared, train), train, penalties)
        return self.solver.decide(svms, kernel_values(kernel, self.squared, others, train[svms.support]))

    def temperature(self, config: int) -> float:
        """Return the softmax temperature fitted to the out-of-fold decision values."""
        place = np.flatnonzero(self.fold.validated[self.order])
        return self.solver.temperature(self.decisions[config][self.order[place]], place)

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        train, test = np.split(np.arange(len(self.rows)), [len(self.order)])
        chosen = self.configs[config]
        (values,) = self._decisions(kernel_of(chosen), train, test, np.array([chosen["C"]]))
        scores = TestScores(self.scores(config, values))
        return lambda: scores

    def trained(self, config: int) -> tuple[Any, np.ndarray]:
        """Return the SVMs of a configuration on all training rows, and those rows in the order of the SVMs: int64, of the problem."""
        chosen, train = self.configs[config], np.arange(len(self.order))
        train = train[self.solver.order(train)]
        svms = self.solver.train(feature_distances(kernel_of(chosen), self.squared, train), train, np.array([chosen["C"]]))
        return svms, self.rows[train]

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Return the support vectors and their dual coefficients."""
        chosen = self.configs[config]
        svms, train = self.trained(config)
        arrays = {
            **self.solver.arrays(svms),
            "scales": np.array(self.blocks.scales(self.modalities, "euclidean")) / len(self.modalities),
        }
        for name in self.modalities:
            arrays |= pack(f"support/{name}", self.blocks.encoded[name].matrix[train[svms.support]])
        state = {"config": dict(chosen), **self.state}
        return Fitted(arrays, state if self.problem.form == "continuous" else state | {"temperature": self.temperature(config)})
