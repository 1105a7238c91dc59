"""SVMs by target form: training from a kernel, decision values, scores, probabilities, and arrays to save."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from stages.contracts.problem import Problem
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import Scale, fit_scale
from stages.models.svm.binary_svms import (
    OneVsOneSvms,
    PerOutputSvms,
    decide_one_vs_one,
    decide_per_output,
    fit_temperature,
    sigmoid,
    softmax,
    summed_margins,
    train_one_vs_one,
    train_per_label,
    train_regression,
)


@dataclass(frozen=True)
class ClassSolver:
    """Classes: one-vs-one SVMs, so that decisions are votes. target: int32, of every row of the problem."""

    target: np.ndarray
    n_outputs: int

    def at(self, rows: np.ndarray) -> Self:
        return replace(self, target=self.target[rows])

    def order(self, rows: np.ndarray) -> np.ndarray:
        return np.argsort(self.target[rows], kind="stable")

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> OneVsOneSvms:
        return train_one_vs_one(distances, self.target[rows], penalties)

    def decide(self, svms: OneVsOneSvms, kernel: np.ndarray) -> np.ndarray:
        return decide_one_vs_one(svms, kernel, self.n_outputs)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return decisions

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return fit_temperature(self.margins(decisions), self.target[rows])

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray:
        return softmax(temperature * self.margins(decisions)).astype(np.float32)

    def margins(self, decisions: np.ndarray) -> np.ndarray:
        """Return what tells how clear a decision is: float64 (n, n_outputs), the largest of the predicted class."""
        return summed_margins(decisions) if self.n_outputs > 2 else decisions

    def arrays(self, svms: OneVsOneSvms) -> dict[str, np.ndarray]:
        return {
            "classes": svms.classes,
            "n_support": svms.n_support,
            "dual": svms.dual[0],
            "intercept": svms.intercept[0],
        }

    def restored(self, arrays: Mapping[str, np.ndarray]) -> OneVsOneSvms:
        support = np.arange(int(arrays["n_support"].sum()))
        return OneVsOneSvms(arrays["classes"], support, arrays["n_support"], arrays["dual"][None], arrays["intercept"][None])


@dataclass(frozen=True)
class OneVsRestSolver(ClassSolver):
    """Classes, one SVM each, as data too large for pairs have them (large_svm.py trains them): decisions are margins."""

    def margins(self, decisions: np.ndarray) -> np.ndarray:
        return decisions


@dataclass(frozen=True)
class LabelSolver:
    """Labels: one SVM each. target: uint8 (n, n_outputs), of every row of the problem."""

    target: np.ndarray

    def at(self, rows: np.ndarray) -> Self:
        return replace(self, target=self.target[rows])

    def order(self, rows: np.ndarray) -> np.ndarray:
        return np.arange(len(rows))

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> PerOutputSvms:
        return train_per_label(distances, self.target[rows], penalties)

    def decide(self, svms: PerOutputSvms, kernel: np.ndarray) -> np.ndarray:
        return decide_per_output(svms, kernel)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return sigmoid(decisions)

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float:
        return 1.0

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None:
        return sigmoid(decisions).astype(np.float32)

    def arrays(self, svms: PerOutputSvms) -> dict[str, np.ndarray]:
        return {"dual": svms.dual[0], "intercept": svms.intercept[0]}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> PerOutputSvms:
        return PerOutputSvms(np.arange(len(arrays["dual"])), arrays["dual"][None], arrays["intercept"][None])


@dataclass(frozen=True)
class RegressionSolver(LabelSolver):
    """Continuous targets: one SVR each, on standardised values. target: float64 (n, n_outputs), NaN where not known."""

    scale: Scale
    epsilon: float

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> PerOutputSvms:
        return train_regression(distances, self.scale.standardised(self.target[rows]), penalties, self.epsilon)

    def scores(self, decisions: np.ndarray) -> np.ndarray:
        return self.scale.restored(decisions)

    def probabilities(self, decisions: np.ndarray, temperature: float) -> None:
        return None

    def arrays(self, svms: PerOutputSvms) -> dict[str, np.ndarray]:
        return {**super().arrays(svms), "target_mean": self.scale.mean, "target_deviation": self.scale.deviation}


class Solver(Protocol):
    """The interface of the three solvers; `svms` are what `train` returns, for every C of `penalties` (float64, ascending).

    at(rows): the solver of these rows alone, numbered from 0. order(rows): int64, the permutation of rows that `train` requires.
    train(distances, rows, penalties): distances float32 (n, n), squared, of these rows in the feature space.
    decide(svms, kernel): float64 (n_C, n, n_outputs). arrays(svms): those of a single C. restored(arrays): the SVMs of saved arrays.
    """

    def at(self, rows: np.ndarray) -> Self: ...

    def order(self, rows: np.ndarray) -> np.ndarray: ...

    def train(self, distances: np.ndarray, rows: np.ndarray, penalties: np.ndarray) -> Any: ...

    def decide(self, svms: Any, kernel: np.ndarray) -> np.ndarray: ...

    def scores(self, decisions: np.ndarray) -> np.ndarray: ...

    def temperature(self, decisions: np.ndarray, rows: np.ndarray) -> float: ...

    def probabilities(self, decisions: np.ndarray, temperature: float) -> np.ndarray | None: ...

    def arrays(self, svms: Any) -> dict[str, np.ndarray]: ...

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Any: ...


def solver_for(problem: Problem, train: np.ndarray, settings: Any, *, of_classes: type[ClassSolver] = ClassSolver) -> Solver:
    """Return the solver of a problem's target form; targets are standardised by the rows `train`."""
    if problem.form == "classes":
        return of_classes(problem.target, len(problem.outputs))
    if problem.form == "labels":
        return LabelSolver(problem.target)
    return RegressionSolver(problem.target, fit_scale(problem.target[train]), settings.epsilon)


def saved_solver(
    form: TargetForm, n_outputs: int, arrays: Mapping[str, np.ndarray], *, of_classes: type[ClassSolver] = ClassSolver
) -> Solver:
    """Return the solver of a saved model: without a target, for predictions only."""
    no_target = np.zeros(0)
    if form == "classes":
        return of_classes(no_target, n_outputs)
    if form == "labels":
        return LabelSolver(no_target)
    return RegressionSolver(no_target, Scale(arrays["target_mean"], arrays["target_deviation"]), 0.0)
