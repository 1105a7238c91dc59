"""Read a linear SVM: the weights, and the margin and support vectors of each pair of classes, or of each label.

w = Σ β φ(x) over support vectors, with signed dual coefficients β = side · alpha and the fused rows φ(x): the encoded blocks times the
roots of their scales. Training replaces inner products by −½ d², which differ from them by ½|φ(x)|² + ½|φ(x′)|²; as Σβ = 0, this only
shifts the intercept, by −½ Σ β |φ(x)|².
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import scipy.sparse as sp

from stages.contracts.linear_reading import LinearFunctions, LinearReading, Margin
from stages.contracts.model import FoldSweep
from stages.features.early_fusion import squared_norms
from stages.features.encoders import Matrix
from stages.models.svm.binary_svms import OneVsOneSvms
from stages.models.svm.solvers import RegressionSolver
from stages.models.svm.svm_fold_sweep import SvmFoldSweep

APPROXIMATED = "SVMs above exact_rows rows are approximated, with another loss: they have no dual coefficients"
ONE_CLASS = "all training rows are of one class"
TUBE = "the SVM of a regression has a tube around its function, and no margin"


def is_linear(config: Mapping[str, Any]) -> bool:
    """Return whether the kernel is linear."""
    return bool(config["kernel"] == "linear")


def read_svm(sweep: FoldSweep) -> LinearReading | str:
    """Return the functions and margins of the first configuration, which is linear; why not, if it is approximated.

    Of more than two classes, the function of a class is the sum of those of its pairs, each oriented towards it: what its share of the
    decision is besides the votes.
    """
    if not isinstance(sweep, SvmFoldSweep):
        return APPROXIMATED
    svms, rows = sweep.trained(0)
    found = TrainedSvms(sweep, svms, rows)
    binary = list(found.of_pairs() if isinstance(svms, OneVsOneSvms) else found.of_outputs())
    if not binary:
        return ONE_CLASS
    if isinstance(sweep.solver, RegressionSolver):
        return LinearReading(found.of_targets(binary, sweep.solver), without_margins=TUBE)
    return LinearReading(found.functions(binary), tuple(found.margin(one) for one in binary if one.coefficients.any()))


@dataclass(frozen=True)
class BinarySvm:
    """f = Σ φ(x)·w + b. members: int64, places of its training rows. side: int8 of these. coefficients: float64 (n_support,), signed."""

    positive: int
    negative: int | None
    members: np.ndarray
    side: np.ndarray
    coefficients: np.ndarray
    weights: Mapping[str, np.ndarray]
    intercept: float


@dataclass(frozen=True)
class TrainedSvms:
    """SVMs of one C and the rows that they are trained on, in their order: int64, of the problem."""

    sweep: SvmFoldSweep
    svms: Any
    rows: np.ndarray

    @cached_property
    def scales(self) -> dict[str, float]:
        """Each modality's factor on inner products."""
        names = self.sweep.modalities
        return {name: scale / len(names) for name, scale in zip(names, self.sweep.blocks.scales(names, "euclidean"), strict=True)}

    @cached_property
    def matrices(self) -> dict[str, Matrix]:
        """The encoded training rows, float64."""
        return {name: self.sweep.blocks.encoded[name].matrix[self.rows].astype(np.float64) for name in self.sweep.modalities}

    @cached_property
    def support_norms(self) -> np.ndarray:
        """|φ(x)|² of the support vectors: float64 (n_support,)."""
        blocks = [self.matrices[name][self.svms.support] for name in self.sweep.modalities]
        return squared_norms(blocks, list(self.scales.values()))

    def binary(self, outputs: tuple[int, int | None], members: np.ndarray, side: np.ndarray, dual: tuple[np.ndarray, float]) -> BinarySvm:
        """Return one SVM from its coefficients, float64 (n_support,), and its intercept."""
        coefficients, shifted = dual
        used = np.flatnonzero(coefficients)
        weights = {name: self.scales[name] * _transposed(matrix[self.svms.support[used]], coefficients[used])
                   for name, matrix in self.matrices.items()}  # fmt: skip
        intercept = shifted - 0.5 * float(coefficients[used] @ self.support_norms[used])
        return BinarySvm(*outputs, members, side, coefficients, weights, intercept)

    def of_pairs(self) -> Iterator[BinarySvm]:
        """Yield the SVM of each pair of classes; of two classes the second is on the plus side, as in `decision_function`."""
        svms, n_classes = self.svms, len(self.svms.classes)
        ends = np.concatenate([[0], np.cumsum(svms.n_support)])
        target = self.sweep.problem.target[self.rows]
        sign = -1 if n_classes == 2 else 1
        for number, (a, b) in enumerate(combinations(range(n_classes), 2)):
            coefficients = np.zeros(len(svms.support))
            coefficients[ends[a] : ends[a + 1]] = svms.dual[0, b - 1, ends[a] : ends[a + 1]]
            coefficients[ends[b] : ends[b + 1]] = svms.dual[0, a, ends[b] : ends[b + 1]]
            first, second = int(svms.classes[a]), int(svms.classes[b])
            members = np.flatnonzero((target == first) | (target == second))
            side = np.where(target[members] == first, sign, -sign).astype(np.int8)
            outputs = (second, first) if sign < 0 else (first, second)
            yield self.binary(outputs, members, side, (sign * coefficients, sign * float(svms.intercept[0, number])))

    def of_outputs(self) -> Iterator[BinarySvm]:
        """Yield the SVM of each label, or of each target, whose sides mean nothing."""
        target = self.sweep.problem.target[self.rows]
        for output in range(target.shape[1]):
            side = np.where(target[:, output] > 0, 1, -1).astype(np.int8)
            dual = self.svms.dual[0, :, output], float(self.svms.intercept[0, output])
            yield self.binary((output, None), np.arange(len(self.rows)), side, dual)

    def functions(self, binary: list[BinarySvm]) -> LinearFunctions:
        """Return a function per class or label; of a class the sum over its pairs."""
        if len(binary) == 1 or binary[0].negative is None:
            return _functions(binary)
        outputs = tuple(int(code) for code in self.svms.classes)
        weights = {name: np.zeros((matrix.shape[1], len(outputs))) for name, matrix in self.matrices.items()}
        intercepts = np.zeros(len(outputs))
        for one in binary:
            for output, sign in ((one.positive, 1), (one.negative, -1)):
                place = outputs.index(int(output or 0))
                intercepts[place] += sign * one.intercept
                for name, values in one.weights.items():
                    weights[name][:, place] += sign * values
        return LinearFunctions(outputs, weights, intercepts)

    def of_targets(self, binary: list[BinarySvm], solver: RegressionSolver) -> LinearFunctions:
        """Return the functions in the units of the targets."""
        found, scale = _functions(binary), solver.scale
        weights = {name: values * scale.deviation for name, values in found.weights.items()}
        return LinearFunctions(found.outputs, weights, found.intercepts * scale.deviation + scale.mean)

    def margin(self, one: BinarySvm) -> Margin:
        """Return the margin of an SVM, and where its support vectors lie."""
        places = self.svms.support[np.flatnonzero(one.coefficients)]
        decisions = one.intercept + sum(np.asarray(matrix[places] @ one.weights[name]) for name, matrix in self.matrices.items())
        norm = np.sqrt(sum(float(values @ values) / self.scales[name] for name, values in one.weights.items()))
        side = one.side[np.searchsorted(one.members, places)]
        order = np.argsort(self.rows[places])
        alpha = np.abs(one.coefficients[np.flatnonzero(one.coefficients)])
        return Margin(one.positive, one.negative, float(norm), float(self.sweep.configs[0]["C"]), len(one.members),
                      *(values[order] for values in (self.rows[places], side, alpha, side * decisions)))  # fmt: skip


def _functions(binary: list[BinarySvm]) -> LinearFunctions:
    weights = {name: np.stack([one.weights[name] for one in binary], axis=1) for name in binary[0].weights}
    return LinearFunctions(tuple(one.positive for one in binary), weights, np.array([one.intercept for one in binary]))


def _transposed(rows: Matrix, values: np.ndarray) -> np.ndarray:
    """Return Σ values · rows: float64 (d,)."""
    return np.asarray(rows.T @ values if sp.issparse(rows) else values @ rows).ravel()
