"""Linear models with scikit-learn's interface for the losses and penalties that it has no estimator of."""

from importlib import import_module
from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import ElasticNet

from stages.models.linear.penalized_fit import ELASTIC, Limits, Penalty, Regularizer, Solution, solved, warn_unfinished
from stages.models.linear.score_losses import ScoreLoss, hinge_loss, log_loss, squared_loss

ROUNDED = 0.02  # of the margin, over which a hinge's kink is rounded off


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """Scores f = W·x + b with the least C·Σ loss + penalty; of two classes one score g = f₁ − f₀ is learned.

    loss: log, hinge or hinge_max. penalty: p of Σ |w|ᵖ / p, or "elastic". margin: Δ of a hinge. descent: the fields of a `Descent`; None:
    by L-BFGS-B.
    """

    def __init__(
        self, *, loss: str = "log", penalty: Penalty = 2.0, l1_ratio: float = 0.5, margin: float = 1.0, C: float = 1.0,
        max_iter: int = 200, tol: float = 1e-3, warm_start: bool = False, descent: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.loss, self.penalty, self.l1_ratio, self.margin = loss, penalty, l1_ratio, margin
        self.C, self.max_iter, self.tol, self.warm_start, self.descent = C, max_iter, tol, warm_start, descent

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Fit to rows (n, d), dense or CSR, and classes (n,); `warm_start` begins at the present weights.

        Raises:
            ValueError: if there is one class alone.
        """
        rows, classes = in_double(X), np.unique(y)
        if len(classes) < 2:
            raise ValueError(f"a classifier needs rows of at least 2 classes; found only {classes[0]}")
        n_scores = 1 if len(classes) == 2 else len(classes)
        if not (self.warm_start and np.array_equal(getattr(self, "classes_", ()), classes)):
            self.coef_, self.intercept_ = np.zeros((n_scores, rows.shape[1])), np.zeros(n_scores)
        self.classes_ = classes
        codes = np.searchsorted(classes, y)
        if self.descent is None:
            loss = self.loss_of(codes)
            _keep(self, _solution(self, rows, loss if n_scores > 1 else of_difference(loss)))
        else:
            _keep(self, _descended(self, rows, codes, self.loss, self.margin))
        return self

    def loss_of(self, codes: np.ndarray) -> ScoreLoss:
        """Return the loss of the scores of all classes."""
        if self.loss == "log":
            return log_loss(codes)
        return hinge_loss(codes, self.margin, ROUNDED * self.margin, of_maximum=self.loss == "hinge_max")

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores: float64 (n, n_classes), of two classes (n,)."""
        scores = np.asarray(in_double(X) @ self.coef_.T) + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of the largest score."""
        return np.asarray(self.classes_[np.argmax(of_all(self.decision_function(X)), axis=1)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the softmax of the scores, which only the logistic loss fits: float64 (n, n_classes)."""
        return np.asarray(softmax(of_all(self.decision_function(X)), axis=1))


class LinearRegressor(RegressorMixin, BaseEstimator):
    """A linear function with the least C·Σ ½·(f − y)² + penalty; see LinearClassifier.

    With |w| in the penalty by scikit-learn's coordinate descent, else by L-BFGS-B, unless there is a `descent`.
    """

    def __init__(
        self, *, penalty: Penalty = 2.0, l1_ratio: float = 0.5, C: float = 1.0, max_iter: int = 200, tol: float = 1e-3,
        warm_start: bool = False, descent: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.penalty, self.l1_ratio = penalty, l1_ratio
        self.C, self.max_iter, self.tol, self.warm_start, self.descent = C, max_iter, tol, warm_start, descent

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Fit to rows (n, d), dense or CSR, and targets (n,); `warm_start` begins at the present weights."""
        rows = in_double(X)
        if not (self.warm_start and hasattr(self, "coef_")):
            self.coef_, self.intercept_ = np.zeros((1, rows.shape[1])), np.zeros(1)
        if self.descent is not None:
            _keep(self, _descended(self, rows, np.asarray(y, np.float64), "squared", 1.0))
        elif self.penalty in (1, ELASTIC):
            coordinates = ElasticNet(alpha=1 / (self.C * rows.shape[0]), l1_ratio=1.0 if self.penalty == 1 else self.l1_ratio,
                                     max_iter=self.max_iter, tol=self.tol, warm_start=True)  # fmt: skip
            coordinates.coef_ = self.coef_.ravel().copy()
            coordinates.fit(rows, y)
            self.coef_, self.intercept_ = coordinates.coef_[None], np.atleast_1d(coordinates.intercept_)
            self.n_iter_ = int(coordinates.n_iter_)
        else:
            _keep(self, _solution(self, rows, squared_loss(np.asarray(y, np.float64))))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the targets: float64 (n,)."""
        return np.asarray(in_double(X) @ self.coef_.T).ravel() + self.intercept_[0]


def in_double(X: Any) -> Any:
    """Return rows in float64, as the solvers compute."""
    return X.astype(np.float64, copy=False)


def of_difference(loss: ScoreLoss) -> ScoreLoss:
    """Return the loss of two classes as a function of g = f₁ − f₀, (n, 1)."""

    def of_one(scores: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = loss(of_all(scores))
        return value, slopes[:, 1:]

    return of_one


def of_all(scores: np.ndarray) -> np.ndarray:
    """Return scores of all classes (n, n_classes): of two, 0 and their difference."""
    one = scores.reshape(len(scores), -1)
    return np.hstack([np.zeros_like(one), one]) if one.shape[1] == 1 else one


def _solution(model: LinearClassifier | LinearRegressor, rows: Any, loss: ScoreLoss) -> Solution:
    regularizer = Regularizer(model.penalty, model.l1_ratio, 1 / (model.C * rows.shape[0]))
    # a slope below that of the penalty is what decides whether a weight is 0
    tol = min(model.tol, regularizer.l1 / 2) if regularizer.exact_zeros else model.tol
    return solved(rows, loss, regularizer, (model.coef_, model.intercept_), Limits(model.max_iter, tol))


def _descended(model: LinearClassifier | LinearRegressor, rows: Any, target: np.ndarray, loss: str, margin: float) -> Solution:
    # by its name: a published model's code is what its files import, and one that predicts does not need torch, which fits it alone
    by_optimizer = import_module("stages.models.linear.descended_fit")
    regularizer = Regularizer(model.penalty, model.l1_ratio, 1 / (model.C * rows.shape[0]))
    objective = by_optimizer.TorchObjective(rows, target, by_optimizer.torch_loss(loss, margin, ROUNDED * margin), regularizer)
    start, limits = (model.coef_, model.intercept_), Limits(model.max_iter, model.tol)
    found: Solution = by_optimizer.descended(objective, start, limits, by_optimizer.Descent(**(model.descent or {})))
    return found


def _keep(model: LinearClassifier | LinearRegressor, found: Solution) -> None:
    model.coef_, model.intercept_, model.n_iter_ = found.weights, found.offsets, found.n_iter
    warn_unfinished(found, model.tol, "L-BFGS-B" if model.descent is None else model.descent["optimizer"])
