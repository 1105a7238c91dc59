"""Support vector machines of data too large for matrices of all pairs of rows: linear machines in the primal on approximate features.

What is approximated stands in each configuration, and so in the sweep, the model and the report: linear machines have another loss than
the exact ones (primal.py), RBF machines besides that features of some rows' kernel values (approximation.py), and classes are told
apart one against the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.model import Fitted, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.features.early_fusion import FoldBlocks, cross_products, squared_norms
from stages.features.encoders import Matrix
from stages.features.matrices import pack, unpack
from stages.features.pairwise import squared_distances
from stages.foundation.seeds import derived_seed
from stages.model_selection.choice import InnerPredictions, thresholds_for
from stages.model_selection.decisions import CLASSES, decide, fit_scale
from stages.models.svm.approximation import Axes, fused_rows, landmark_distances, linear_features, nystroem_features
from stages.models.svm.kernels import Kernel, by_kernel, kernel_of
from stages.models.svm.primal import Examples, train_primal
from stages.models.svm.solvers import Solver, saved_solver, solver_for


def approximation(kernel: str, problem: Problem, n_landmarks: int) -> str:
    """Return what a kernel's machines are approximated by, in words."""
    loss = "squared epsilon-insensitive loss" if problem.task == "regression" else "squared hinge"
    if problem.task == "multiclass":
        loss += ", one against the rest"
    return loss if kernel == "linear" else f"nystroem of {n_landmarks} rows, {loss}"


@dataclass(frozen=True)
class Fused:
    """One subset's blocks, scaled, and the rows that are learned from.

    matrices: (n, d) each. scales: their factors on squared distances. train: int64. landmarks: int64, some of them.
    distances: float32 (n, n_landmarks), squared; None where no kernel needs them.
    """

    matrices: Sequence[Matrix]
    scales: Sequence[float]
    train: np.ndarray
    landmarks: np.ndarray
    distances: np.ndarray | None

    def features(self, kernel: Kernel) -> tuple[Axes, np.ndarray | None]:
        """Return a kernel's features of all rows, and for Nyström's what makes them of kernel values."""
        if self.distances is None or kernel[1] is None:
            return linear_features(self.matrices, self.scales, self.train), None
        return nystroem_features(kernel, self.distances, self.landmarks, self.train)


def fuse(
    problem: Problem, blocks: FoldBlocks, subset: Sequence[str], configs: Sequence[Mapping[str, Any]], n_landmarks: int
) -> Fused:
    """Return a subset's blocks with seeded landmarks among the rows that the blocks are fitted on."""
    train = blocks.train
    matrices, scales = [blocks.encoded[label].matrix for label in subset], [s / len(subset) for s in blocks.scales(subset, "l2")]
    draw = np.random.default_rng(derived_seed(problem.seed, "svm", "landmarks"))
    landmarks = np.sort(draw.choice(train, min(n_landmarks, len(train)), replace=False))
    needed = any(config["kernel"] == "rbf" for config in configs)
    return Fused(matrices, scales, train, landmarks, landmark_distances(matrices, scales, landmarks) if needed else None)


def machines_of(
    problem: Problem, axes: Axes, target: np.ndarray, penalties: Sequence[float], used: Sequence[np.ndarray], tube: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what machines of every set of rows, C and output learn, all at once.

    Args:
        target: float64 (n, q), ±1 or standardised numbers, NaN where not known.
        used: sets of training rows, int64 each.
    Returns:
        weights (p, n_sets, n_C, q), intercepts (n_sets, n_C, q), decisions of all rows (n_sets, n_C, n, n_outputs).
    """
    n, shape = len(target), (len(used), len(penalties), target.shape[1])
    masks = np.zeros((n, *shape), dtype=bool)
    for place, rows in enumerate(used):
        masks[rows, place] = ~np.isnan(target[rows])[:, None, :]
    values = np.broadcast_to(np.nan_to_num(target)[:, None, None, :], masks.shape)
    of_each = np.broadcast_to(np.array(penalties)[None, :, None], shape)
    examples = Examples(axes.values, values.reshape(n, -1), masks.reshape(n, -1), of_each.ravel(), tube)
    weights, intercepts, found = train_primal(examples)
    decisions = found.reshape(n, *shape).transpose(1, 2, 0, 3)
    if problem.task in CLASSES and len(problem.outputs) == 2:  # one machine tells them apart
        decisions = np.concatenate([-decisions, decisions], axis=-1)
    return weights.reshape(-1, *shape), intercepts.reshape(shape), decisions


def targets_of(problem: Problem, train: np.ndarray) -> np.ndarray:
    """Return what each machine learns: float64 (n, q), ±1 per class (of two classes one) or label, or numbers scaled by `train`."""
    if problem.task in CLASSES:
        return np.where(problem.target[:, None] == np.arange(len(problem.outputs))[1 if len(problem.outputs) == 2 else 0 :], 1.0, -1.0)
    if problem.task == "multilabel":
        return np.asarray(2.0 * problem.target - 1)
    return fit_scale(problem.target[train]).standardised(problem.target)


def sweep_subset(
    problem: Problem, fold: Fold, blocks: FoldBlocks, subset: tuple[str, ...], configs: list[dict[str, Any]], settings: Any
) -> FoldResult:
    """Return the result of one outer fold and subset; no matrix of all pairs of rows is made."""
    solver, target, tube = solver_for(problem, fold.train, settings), targets_of(problem, fold.train), _tube(problem, settings)
    fused = fuse(problem, blocks, subset, configs, settings.landmarks)
    inner_predictions = InnerPredictions(problem, fold, len(configs))
    decisions = np.empty((len(configs), len(fold.train), len(problem.outputs)), dtype=np.float32)
    held_out = [np.flatnonzero(fold.inner == inner) for inner in range(int(fold.inner.max()) + 1)]
    for kernel, members in by_kernel(configs).items():
        axes, _ = fused.features(kernel)
        used = [np.delete(fold.train, out) for out in held_out]
        *_, found = machines_of(problem, axes, target, [configs[i]["C"] for i in members], used, tube)
        for inner, out in enumerate(held_out):
            for c, i in enumerate(members):
                decisions[i, out] = values = found[inner, c, fold.train[out]]
                inner_predictions.put(i, out, solver.scores(values))
    choice = inner_predictions.choose()
    config = configs[choice.config]
    axes, _ = fused.features(kernel_of(config))
    *_, found = machines_of(problem, axes, target, [config["C"]], [fold.train], tube)
    values = found[0, 0, fold.test]
    prediction = decide(problem.task, solver.scores(values), choice.thresholds)
    temperature = solver.temperature(decisions[choice.config].astype(np.float64), fold.train)
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, solver.probabilities(values, temperature))


def fit_large(problem: Problem, blocks: FoldBlocks, subset: tuple[str, ...], config: Mapping[str, Any], settings: Any) -> Fitted:
    """Return the machines of every training row, as weights of fused features or of kernel values against the landmarks."""
    rows, tube = problem.training_rows(), _tube(problem, settings)
    solver, target = solver_for(problem, rows, settings), targets_of(problem, rows)
    fused = fuse(problem, blocks, subset, [config], settings.landmarks)
    axes, root = fused.features(kernel_of(config))
    pairs = problem.crossed() if problem.task != "regression" else []
    weights, intercepts, found = machines_of(problem, axes, target, [config["C"]], [rows, *(train for train, _ in pairs)], tube)
    dual, intercept = axes.restored(weights[:, 0, 0], intercepts[0, 0])
    arrays = {"dual": dual if root is None else root @ dual, "intercept": intercept, "scales": np.array(fused.scales)}
    if root is not None:
        for label, matrix in zip(subset, fused.matrices, strict=True):
            arrays |= pack(f"support/{label}", matrix[fused.landmarks])
    state = {"config": dict(config), "subset": list(subset), "task": problem.task, "n_outputs": len(problem.outputs)}
    if problem.task == "regression":
        scale = fit_scale(problem.target[rows])
        return Fitted(arrays | {"target_mean": scale.mean, "target_deviation": scale.deviation}, state)
    crossed = np.vstack([found[1 + place, 0, test] for place, (_, test) in enumerate(pairs)])
    tested = np.concatenate([test for _, test in pairs])
    state["temperature"] = solver.temperature(crossed, tested)
    thresholds = thresholds_for(problem, problem.target[tested], solver.scores(crossed))
    return Fitted(arrays | ({} if thresholds is None else {"thresholds": thresholds}), state)


def decisions_of(fitted: Fitted, matrices: Mapping[str, Matrix]) -> tuple[Solver, np.ndarray]:
    """Return what a saved model's machines say of new rows, float64 (n, n_outputs), and the solver that turns it into answers."""
    state, arrays = fitted.state, fitted.arrays
    queries, scales = [matrices[label] for label in state["subset"]], list(arrays["scales"])
    n = queries[0].shape[0]
    _, gamma = kernel_of(state["config"])
    if gamma is None:
        values = fused_rows(queries, np.sqrt(arrays["scales"]), np.arange(n))
    else:
        marks = [unpack(f"support/{label}", arrays) for label in state["subset"]]
        products = cross_products(queries, marks, scales)
        values = np.exp(-gamma * squared_distances(products, squared_norms(queries, scales), squared_norms(marks, scales)))
    found = values @ arrays["dual"] + arrays["intercept"]
    if found.shape[1] < state["n_outputs"]:
        found = np.concatenate([-found, found], axis=1)
    return saved_solver(state["task"], state["n_outputs"], arrays), found


def _tube(problem: Problem, settings: Any) -> float | None:
    return settings.epsilon if problem.task == "regression" else None
