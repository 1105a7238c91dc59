"""Support vector machines: kernel (linear, RBF), C and gamma are swept.

A fold's squared distances are summed once per combination; every kernel, gamma, C and inner fold uses them.
A job is a kernel and an inner fold: its matrix is computed once for every pair of classes and every C.
Fused rows are scaled so that the mean squared distance of two training rows is 1: gamma and C mean the same for every data set.
Labels and continuous targets have one SVM each, on the same Gram matrices. Classes' probabilities are a softmax of
the margins summed over pairs of classes, with a temperature fitted on out-of-fold margins. Labels' probabilities are sigmoids of the
margins and are not calibrated.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from stages.contracts.fitted import Fitted, Scores
from stages.contracts.model import Config, FoldSweep, Size, Sweep
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.features.early_fusion import cross_products, each_combination, squared_norms
from stages.features.matrices import unpack
from stages.features.pairwise import squared_distances
from stages.foundation.parallel import n_cores
from stages.model_selection.grid import product
from stages.models.svm.kernels import kernel_of, kernel_values
from stages.models.svm.large_svm import LargeSvmFoldSweep, approximation_of, large_svm_decisions
from stages.models.svm.linear_geometry import is_linear, read_svm
from stages.models.svm.solvers import saved_solver
from stages.models.svm.svm_fold_sweep import SvmFoldSweep

# Processor seconds of a configuration on an inner fold. Exact: per squared row, of docs/performance.md (growth, 5,000 rows, 10 classes).
# Approximated: per row and SVM, of 20,000 × 784 with 10 classes there, and of 200,000 × 6 with 2; wide sparse features take three times as
# long (`reviews`). A refit's features cost as much as three SVMs.
EXACT_S, LARGE_S, SPARSE, REFIT_FEATURES = 5e-9, 4.5e-6, 3.0, 3
LARGE_BYTES_PER_ROW = 6000  # per core, while it solves SVMs in the primal


class SvmSettings(Settings):
    kernel: tuple[Literal["linear", "rbf"], ...] = Field(("linear", "rbf"), min_length=1, description="any of linear, rbf")
    C: tuple[float, ...] = Field((0.1, 1.0, 10.0, 100.0), min_length=1, description="penalties, each above 0")
    gamma: tuple[float, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="RBF widths, each above 0; the mean squared distance of two rows is 1"
    )

    epsilon: float = Field(0.1, ge=0, description="regression: errors below it cost nothing, in standard deviations of the target")
    exact_rows: int = Field(10_000, ge=2, description="largest number of rows for exact SVMs; above it they are approximated")
    landmarks: int = Field(500, ge=2, description="number of random rows that approximate an RBF kernel above `exact_rows`")

    @field_validator("C", "gamma")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if min(values) <= 0:
            raise ValueError("every value must be above 0")
        return values


def grid(settings: SvmSettings, seed: int) -> list[Config]:
    """Return kernel × gamma × C, linear and small values first."""
    configs = []
    for kernel in sorted(settings.kernel):
        gammas = [None] if kernel == "linear" else sorted(settings.gamma)
        configs += product(kernel=[kernel], gamma=gammas, C=sorted(settings.C))
    return configs


def approximated(configs: list[Config], settings: SvmSettings, problem: Problem) -> list[Config]:
    """Return the configurations unchanged up to `exact_rows` rows, else with their approximation."""
    if len(problem.target) <= settings.exact_rows:
        return configs
    return [{**config, "approximation": approximation_of(config["kernel"], problem, settings.landmarks)} for config in configs]


def run(problem: Problem, settings: SvmSettings, configs: list[Config], pool: ThreadPoolExecutor) -> Iterator[Sequence[FoldSweep]]:
    """Yield the sweeps of every outer fold and modality combination, one at a time: each holds n × n matrices."""
    fold_sweep = LargeSvmFoldSweep if "approximation" in configs[0] else SvmFoldSweep
    for fold, blocks, modalities in each_combination(problem):
        yield [fold_sweep(problem, settings, configs, fold, modalities, blocks)]


def predict(fitted: Fitted, matrices: Mapping[str, Any]) -> Scores:
    """Return the scores of new rows."""
    state, arrays = fitted.state, fitted.arrays
    if "approximation" in state["config"]:
        solver, values = large_svm_decisions(fitted, matrices)
    else:
        solver = saved_solver(state["form"], state["n_outputs"], arrays)
        support = [unpack(f"support/{name}", arrays) for name in state["modalities"]]
        queries, scales = [matrices[name] for name in state["modalities"]], list(arrays["scales"])
        products = cross_products(queries, support, scales)
        squared = squared_distances(products, squared_norms(queries, scales), squared_norms(support, scales))
        kernel = kernel_values(kernel_of(state["config"]), squared, *map(np.arange, squared.shape))
        (values,) = solver.decide(solver.restored(arrays), kernel)
    return Scores(solver.scores(values), solver.probabilities(values, state.get("temperature", 1.0)))


def memory_bytes(size: Size, settings: SvmSettings) -> float:
    """Return the memory of the n × n matrices; above `exact_rows` that of features, landmarks and SVMs."""
    n = float(size.n_rows)
    if n <= settings.exact_rows:  # products and squared distances per block; fused, reordered and temporary; float32 ones per core
        return 8 * n**2 * (2 * size.n_blocks + 3 + 0.5 * min(n_cores(), 4))
    n_columns = 1000.0 * size.n_blocks if size.n_values is None else size.n_values
    n_configs = len(grid(settings, 0))
    n_features = 4 * settings.landmarks * (2 + min(n_cores(), len(settings.gamma)))  # distances, one kernel's to refit, one per core
    return n * (8 * n_columns + n_features + 4 * n_configs * size.n_outputs + LARGE_BYTES_PER_ROW * n_cores())


def processor_s(size: Size, settings: SvmSettings) -> float:
    """Return the estimated processor seconds: exact SVMs in proportion to the squared number of rows, approximated ones to the number."""
    n, n_fits = float(size.n_tuned), len(grid(settings, 0)) * size.n_inner * size.n_folds * size.n_combinations
    if size.n_rows <= settings.exact_rows:
        return EXACT_S * n_fits * n**2
    n_svms = 1 if size.form == "classes" and size.n_outputs == 2 else size.n_outputs
    n_refits = (size.n_inner + 1) * (size.n_folds + 1) * size.n_combinations if size.n_tuned < size.n_rows else 0
    dear = SPARSE if size.n_sparse else 1
    return LARGE_S * dear * (n_fits * n_svms * n + n_refits * (n_svms + REFIT_FEATURES) * size.n_rows)


MODEL = Sweep(
    name="svm",
    settings=SvmSettings,
    grid=grid,
    run=run,
    predict=predict,
    approximated=approximated,
    memory_bytes=memory_bytes,
    processor_s=processor_s,
    is_linear=is_linear,
    read=read_svm,
)
