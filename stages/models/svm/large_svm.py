"""SVMs for data too large for n × n matrices: linear SVMs in the primal on approximate features.

Each configuration names its approximation, and so do the sweep, the model and the report. Linear SVMs have another loss than the exact
ones (primal.py). RBF SVMs also use approximate features (approximation.py). More than two classes are separated one against the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stages.contracts.fitted import Fitted
from stages.contracts.model import TestScores
from stages.contracts.problem import Problem
from stages.features.early_fusion import FoldBlocks, cross_products, squared_norms
from stages.features.encoders import Matrix
from stages.features.matrices import pack, unpack
from stages.features.pairwise import squared_distances
from stages.foundation.parallel import each
from stages.foundation.seeds import derived_seed
from stages.model_selection.target_forms import fit_scale
from stages.models.svm.approximation import Axes, fused_rows, landmark_distances, linear_features, nystroem_features
from stages.models.svm.fold_scores import SvmFoldScores
from stages.models.svm.kernels import Kernel, by_kernel, kernel_of
from stages.models.svm.primal import PrimalProblem, train_primal
from stages.models.svm.solvers import OneVsRestSolver, Solver, saved_solver, solver_for


def approximation_of(kernel: str, problem: Problem, n_landmarks: int) -> str:
    """Return the description of a kernel's approximation, as configurations hold it."""
    loss = "squared epsilon-insensitive loss" if problem.form == "continuous" else "squared hinge"
    if problem.form == "classes" and len(problem.outputs) > 2:
        loss += ", one against the rest"
    return loss if kernel == "linear" else f"nystroem of {n_landmarks} rows, {loss}"


@dataclass(frozen=True)
class Fused:
    """One combination's blocks with their scales and training rows.

    matrices: (n, d) each. scales: their factors on squared distances. train: int64. landmarks: int64, some of the training rows.
    distances: float32 (n, n_landmarks), squared; None if no kernel needs them.
    """

    matrices: Sequence[Matrix]
    scales: Sequence[float]
    train: np.ndarray
    landmarks: np.ndarray
    distances: np.ndarray | None

    @cached_property
    def _latest(self) -> dict[Kernel, tuple[Axes, np.ndarray | None]]:
        return {}

    def shared_features(self, kernel: Kernel) -> tuple[Axes, np.ndarray | None]:
        """Return `features`, and keep them for the next call with this kernel."""
        if kernel not in self._latest:
            self._latest.clear()
            self._latest[kernel] = self.features(kernel)
        return self._latest[kernel]

    def features(self, kernel: Kernel) -> tuple[Axes, np.ndarray | None]:
        """Return a kernel's features of all rows, and for Nyström's the matrix that maps kernel values to them."""
        if self.distances is None or kernel[1] is None:
            return linear_features(self.matrices, self.scales, self.train), None
        return nystroem_features(kernel, self.distances, self.landmarks, self.train)


def fuse(
    problem: Problem, blocks: FoldBlocks, modalities: Sequence[str], configs: Sequence[Mapping[str, Any]], n_landmarks: int
) -> Fused:
    """Return a combination's blocks with seeded random landmarks among the training rows."""
    train = blocks.train
    matrices = [blocks.encoded[name].matrix for name in modalities]
    scales = [scale / len(modalities) for scale in blocks.scales(modalities, "euclidean")]
    rng = np.random.default_rng(derived_seed(problem.seed, "svm", "landmarks"))
    landmarks = np.sort(rng.choice(train, min(n_landmarks, len(train)), replace=False))
    needed = any(config["kernel"] == "rbf" for config in configs)
    return Fused(matrices, scales, train, landmarks, landmark_distances(matrices, scales, landmarks) if needed else None)


def train_linear_svms(
    problem: Problem, axes: Axes, target: np.ndarray, penalties: Sequence[float], used: Sequence[np.ndarray], tube: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train the linear SVMs of every set of rows, C and output at once.

    Args:
        target: float64 (n, q), ±1 or standardised targets, NaN where not known.
        used: sets of training rows, int64 each.
    Returns:
        weights (p, n_sets, n_C, q), intercepts (n_sets, n_C, q), decision values of all rows (n_sets, n_C, n, n_outputs).
    """
    n, shape = len(target), (len(used), len(penalties), target.shape[1])
    masks = np.zeros((n, *shape), dtype=bool)
    for place, rows in enumerate(used):
        masks[rows, place] = ~np.isnan(target[rows])[:, None, :]
    values = np.broadcast_to(np.nan_to_num(target)[:, None, None, :], masks.shape)
    repeated = np.broadcast_to(np.array(penalties)[None, :, None], shape)
    weights, intercepts, found = train_primal(
        PrimalProblem(axes.values, values.reshape(n, -1), masks.reshape(n, -1), repeated.ravel(), tube,
                      past=np.unique(np.concatenate(used)) if problem.time_ordered else None)
    )
    decisions = found.reshape(n, *shape).transpose(1, 2, 0, 3)
    if problem.form == "classes" and len(problem.outputs) == 2:  # a single SVM separates them
        decisions = np.concatenate([-decisions, decisions], axis=-1)
    return weights.reshape(-1, *shape), intercepts.reshape(shape), decisions


def svm_targets(problem: Problem, train: np.ndarray) -> np.ndarray:
    """Return the target of each SVM: float64 (n, q), ±1 per class (one for two classes) or label, or targets standardised by `train`."""
    if problem.form == "classes":
        return np.where(problem.target[:, None] == np.arange(len(problem.outputs))[1 if len(problem.outputs) == 2 else 0 :], 1.0, -1.0)
    if problem.form == "labels":
        return np.asarray(2.0 * problem.target - 1)
    return fit_scale(problem.target[train]).standardised(problem.target)


@dataclass(frozen=True)
class LargeSvmFoldSweep(SvmFoldScores):
    """A grid of approximated SVMs on one outer fold and modality combination."""

    @cached_property
    def fused(self) -> "Fused":
        return fuse(self.problem, self.blocks, self.modalities, self.configs, self.settings.landmarks)

    @cached_property
    def solver(self) -> Solver:
        return solver_for(self.problem, self.fold.train, self.settings, of_classes=OneVsRestSolver)

    @cached_property
    def decisions(self) -> np.ndarray:
        """Every configuration's out-of-fold decision values of the training rows: float32 (n_configs, n_train, n_outputs)."""
        decisions = np.zeros((len(self.configs), len(self.fold.train), len(self.problem.outputs)), dtype=np.float32)
        held_out = [np.flatnonzero(self.fold.inner == inner) for inner in range(self.fold.n_inner)]
        used = [np.delete(self.fold.train, out) for out in held_out]
        kernels = by_kernel(self.configs)
        features = self.fused.features if len(kernels) > 1 else self.fused.shared_features  # a single one is refitted next

        def decide(kernel: Kernel) -> None:
            axes, _ = features(kernel)
            members = kernels[kernel]
            *_, found = self._train(axes, [self.configs[i]["C"] for i in members], used)
            for inner, out in enumerate(held_out):
                for c, i in enumerate(members):
                    decisions[i, out] = found[inner, c, self.fold.train[out]]

        each(decide, kernels)
        return decisions

    def _train(self, axes: Axes, penalties: Sequence[float], used: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        tube = self.settings.epsilon if self.problem.form == "continuous" else None
        return train_linear_svms(self.problem, axes, svm_targets(self.problem, self.fold.train), penalties, used, tube)

    def temperature(self, config: int) -> float:
        """Return the softmax temperature fitted to the out-of-fold decision values."""
        validated = self.fold.validated
        return self.solver.temperature(self.decisions[config][validated].astype(np.float64), self.fold.train[validated])

    def refit(self, config: int, seed: int) -> Callable[[], TestScores]:
        chosen = self.configs[config]
        _ = self.decisions  # the temperature needs them: before the features, which only one kernel keeps
        axes, _ = self.fused.shared_features(kernel_of(chosen))
        *_, found = self._train(axes, [chosen["C"]], [self.fold.train])
        scores = TestScores(self.scores(config, found[0, 0, self.fold.test]))
        return lambda: scores

    def fitted(self, config: int, seed: int | None = None) -> Fitted:
        """Return the weights of the fused features, or of kernel values against the landmarks."""
        problem, chosen, rows = self.problem, self.configs[config], self.fold.train
        _ = self.decisions
        axes, root = self.fused.shared_features(kernel_of(chosen))
        weights, intercepts, _ = self._train(axes, [chosen["C"]], [rows])
        dual, intercept = axes.restored(weights[:, 0, 0], intercepts[0, 0])
        arrays = {"dual": dual if root is None else root @ dual, "intercept": intercept, "scales": np.array(self.fused.scales)}
        if root is not None:
            for name, matrix in zip(self.modalities, self.fused.matrices, strict=True):
                arrays |= pack(f"support/{name}", matrix[self.fused.landmarks])
        state = {"config": dict(chosen), **self.state}
        if problem.form == "continuous":
            scale = fit_scale(problem.target[rows])
            return Fitted(arrays | {"target_mean": scale.mean, "target_deviation": scale.deviation}, state)
        return Fitted(arrays, state | {"temperature": self.temperature(config)})


def large_svm_decisions(fitted: Fitted, matrices: Mapping[str, Matrix]) -> tuple[Solver, np.ndarray]:
    """Return the solver of a saved model, and its decision values of new rows: float64 (n, n_outputs)."""
    state, arrays = fitted.state, fitted.arrays
    queries, scales = [matrices[name] for name in state["modalities"]], list(arrays["scales"])
    n = queries[0].shape[0]
    _, gamma = kernel_of(state["config"])
    if gamma is None:
        values = fused_rows(queries, np.sqrt(arrays["scales"]), np.arange(n))
    else:
        landmarks = [unpack(f"support/{name}", arrays) for name in state["modalities"]]
        products = cross_products(queries, landmarks, scales)
        values = np.exp(-gamma * squared_distances(products, squared_norms(queries, scales), squared_norms(landmarks, scales)))
    found = values @ arrays["dual"] + arrays["intercept"]
    if found.shape[1] < state["n_outputs"]:
        found = np.concatenate([-found, found], axis=1)
    return saved_solver(state["form"], state["n_outputs"], arrays, of_classes=OneVsRestSolver), found
