"""Support vector machines: kernel (linear, RBF), C and gamma are swept.

A fold's squared distances are summed once per subset; they serve every gamma, C and inner fold, and linear kernels too.
One piece of work is a kernel and an inner fold: its matrix is made once for every pair of classes and every C.
Fused rows are scaled so that the mean squared distance of two training rows is 1: gamma and C mean the same for every data set.
Labels and numbers have a machine each, over the same Gram matrices. Classes' probabilities are a softmax of the decision values whose
temperature is fitted on the inner folds' held-out rows; labels' scores are sigmoids of the margins, not calibrated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts import Fitted, Fold, FoldResult, Model, Problem, Settings
from stages.numerics.fusion import FoldBlocks, cross_products, each_subset, encode_fold, squared_norms
from stages.numerics.kernels import Kernel, feature_distances, kernel_of, kernel_values, reordered
from stages.numerics.matrices import pack, unpack
from stages.numerics.outputs import decide as decide_outputs
from stages.numerics.pairwise import squared_distances
from stages.numerics.parallel import each
from stages.numerics.selection import InnerPredictions, product, thresholds_for
from stages.numerics.solvers import Solver, saved_solver, solver_for


class SvmSettings(Settings):
    kernel: tuple[Literal["linear", "rbf"], ...] = Field(("linear", "rbf"), min_length=1, description="any of linear, rbf")
    C: tuple[float, ...] = Field((0.1, 1.0, 10.0, 100.0), min_length=1, description="penalties, each above 0")
    gamma: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="RBF widths, each above 0; the mean squared distance of two rows is 1"
    )

    epsilon: float = Field(0.1, ge=0, description="regression: errors below it cost nothing, in standard deviations of the number")

    @field_validator("C", "gamma")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if min(values) <= 0:
            raise ValueError("every value must be above 0")
        return values


def grid(settings: SvmSettings, seed: int) -> list[dict[str, Any]]:
    """Return kernel × gamma × C, linear and small values first."""
    configs = []
    for kernel in sorted(settings.kernel):
        gammas = [None] if kernel == "linear" else sorted(settings.gamma)
        configs += product(kernel=[kernel], gamma=gammas, C=sorted(settings.C))
    return configs


def sweep(problem: Problem, settings: SvmSettings, configs: list[dict[str, Any]]) -> Iterator[FoldResult]:
    """Yield the result of every outer fold and subset."""
    for fold, blocks, subset in each_subset(problem):
        solver = solver_for(problem, fold.train, settings)
        yield _sweep_subset(problem, fold, _squared(blocks, subset), subset, configs, solver)


def _squared(blocks: FoldBlocks, subset: tuple[str, ...]) -> np.ndarray:
    """Return squared distances whose mean between two training rows is 1, however many blocks there are: float64 (n, n)."""
    squared = blocks.squared(subset)
    return squared if len(subset) == 1 else squared / len(subset)


def _sweep_subset(
    problem: Problem, fold: Fold, squared: np.ndarray, subset: tuple[str, ...], configs: list[dict[str, Any]], solver: Solver
) -> FoldResult:
    members = by_kernel(configs)
    places = solver.order(fold.train)  # once for all: classes lie together then, and parts of the matrix are nearly contiguous
    rows, inner_of = np.concatenate([fold.train[places], fold.test]), fold.inner[places]
    solver, squared = solver.at(rows), reordered(squared, rows)
    pieces = [(kernel, inner) for kernel in members for inner in range(int(fold.inner.max()) + 1)]

    def inner_decisions(piece: tuple[Kernel, int]) -> np.ndarray:
        kernel, inner = piece
        penalties = np.array([configs[i]["C"] for i in members[kernel]])
        return _decisions(solver, kernel, squared, (np.flatnonzero(inner_of != inner), np.flatnonzero(inner_of == inner)), penalties)

    inner_predictions = InnerPredictions(problem, fold, len(configs))
    decisions = np.empty((len(configs), len(places), len(problem.outputs)))
    for (kernel, inner), found in zip(pieces, each(inner_decisions, pieces), strict=True):
        out = places[inner_of == inner]
        for i, values in zip(members[kernel], found, strict=True):
            decisions[i, out] = values
            inner_predictions.put(i, out, solver.scores(values))
    choice = inner_predictions.choose()
    config, (train, test) = configs[choice.config], np.split(np.arange(len(rows)), [len(places)])
    (values,) = _decisions(solver, kernel_of(config), squared, (train, test), np.array([config["C"]]))
    prediction = decide_outputs(problem.task, solver.scores(values), choice.thresholds)
    temperature = solver.temperature(decisions[choice.config][places], train)
    return FoldResult(fold, subset, choice.scores, choice.config, prediction, solver.probabilities(values, temperature))


def by_kernel(configs: Sequence[Mapping[str, Any]]) -> dict[Kernel, list[int]]:
    """Return the configurations of each kernel, C ascending."""
    members: dict[Kernel, list[int]] = {}
    for i in sorted(range(len(configs)), key=lambda i: configs[i]["C"]):
        members.setdefault(kernel_of(configs[i]), []).append(i)
    return members


def _decisions(
    solver: Solver, kernel: Kernel, squared: np.ndarray, pair: tuple[np.ndarray, np.ndarray], penalties: np.ndarray
) -> np.ndarray:
    """Return what machines of the first rows say of the second ones: float64 (n_C, n, n_outputs)."""
    train, held_out = pair[0][solver.order(pair[0])], pair[1]
    machines = solver.train(feature_distances(kernel, squared, train), train, penalties)
    return solver.decide(machines, kernel_values(kernel, squared, held_out, train[machines.support]))


def fit(problem: Problem, subset: tuple[str, ...], config: Mapping[str, Any], settings: SvmSettings) -> Fitted:
    """Return the machine of every training row with its support vectors; crossed held-out rows give temperature and thresholds."""
    rows = problem.training_rows()
    blocks = encode_fold({label: problem.blocks[label] for label in subset}, rows)
    squared = np.ascontiguousarray(_squared(blocks, subset))
    kernel, solver, penalties = kernel_of(config), solver_for(problem, rows, settings), np.array([config["C"]])
    ordered = rows[solver.order(rows)]
    machines = solver.train(feature_distances(kernel, squared, ordered), ordered, penalties)
    arrays = {**solver.arrays(machines), "scales": np.array(blocks.scales(subset, "l2")) / len(subset)}
    for label in subset:
        arrays |= pack(f"support/{label}", blocks.encoded[label].matrix[ordered[machines.support]])
    state = {"config": dict(config), "subset": list(subset), "task": problem.task, "n_outputs": len(problem.outputs)}
    if problem.task != "regression":
        pairs = problem.crossed()
        crossed = np.vstack(each(lambda pair: _decisions(solver, kernel, squared, pair, penalties)[0], pairs))
        tested = np.concatenate([test for _, test in pairs])
        state["temperature"] = solver.temperature(crossed, tested)
        thresholds = thresholds_for(problem, problem.target[tested], solver.scores(crossed))
        arrays |= {} if thresholds is None else {"thresholds": thresholds}
    return Fitted(arrays, state)


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return predictions and probabilities of new rows."""
    state, arrays = fitted.state, fitted.arrays
    support = [unpack(f"support/{label}", arrays) for label in state["subset"]]
    queries, scales = [matrices[label] for label in state["subset"]], list(arrays["scales"])
    products = cross_products(queries, support, scales)
    squared = squared_distances(products, squared_norms(queries, scales), squared_norms(support, scales))
    kernel = kernel_values(kernel_of(state["config"]), squared, *map(np.arange, squared.shape))
    solver = saved_solver(state["task"], state["n_outputs"], arrays)
    (values,) = solver.decide(solver.machines(arrays), kernel)
    prediction = decide_outputs(state["task"], solver.scores(values), arrays.get("thresholds"))
    return prediction, solver.probabilities(values, state.get("temperature", 1.0))


MODEL = Model(
    name="svm",
    settings=SvmSettings,
    grid=grid,
    sweep=sweep,
    fit=fit,
    predict=predict,
    needed_rows=lambda config: 2,
    pairwise_matrices=lambda n_blocks: 2 * n_blocks + 4,  # of each block products and L2; fused twice, and each core's own in float32
)
