"""A linear model of the single modalities' scores, by scikit-learn: logistic regression for classes and labels, ridge for targets.

Classes: of the logarithms of all members' probabilities. Labels and targets: one model each, of the members' log-odds, or of their
predictions in standard deviations of the target. It is fitted on out-of-fold scores of the training rows.

Source: Wolpert 1992, Neural Networks 5, 241; Ting & Witten 1999, JAIR 10, 271 (probabilities rather than classes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.special import expit, logit

from stages.contracts.fusion import Combiner, LateFusion
from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import fit_scale

LEAST_PROBABILITY = 1e-3  # a vote of 0 among few neighbors is no certainty, and its logarithm must not decide
MOST_COEFFICIENTS = 600  # whose Hessian is decomposed: exact in a few steps, where L-BFGS takes hundreds of correlated features


class LateStackedSettings(Settings):
    C: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.01, 0.1, 1.0), min_length=1, description="inverse penalties, each above 0; ridge's alpha is 1 / C"
    )


def grid(modalities: tuple[str, ...], settings: LateStackedSettings) -> list[Config]:
    """Return the penalties, the strongest first."""
    return [{"C": C} for C in sorted(settings.C)]


def fit(config: Mapping[str, Any], scores: np.ndarray, target: np.ndarray, form: TargetForm) -> Combiner:
    """Return the linear model of out-of-fold scores."""
    C = config["C"]
    if form == "classes":
        return _fit_classes(C, scores, target)
    if form == "labels":
        return OfEachOutput(tuple(_fit_label(C, log_odds(scores[:, :, output]), target[:, output]) for output in range(scores.shape[2])))
    return _fit_targets(C, scores, target)


def log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of all members' probabilities: float64 (n, n_members · n_outputs)."""
    return np.log(np.maximum(scores, LEAST_PROBABILITY)).reshape(len(scores), -1)


def log_odds(p: np.ndarray) -> np.ndarray:
    """Return ln(p / (1 − p)) of one label's probabilities (n, n_members)."""
    return np.asarray(logit(np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)))


@dataclass(frozen=True)
class OfClasses:
    """A logistic regression of the classes that occur. slopes, intercepts, classes: its attributes. n_outputs: of all classes."""

    slopes: np.ndarray
    intercepts: np.ndarray
    classes: np.ndarray
    n_outputs: int

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        from sklearn.linear_model import LogisticRegression

        estimator = LogisticRegression()
        estimator.coef_, estimator.intercept_, estimator.classes_ = self.slopes, self.intercepts, self.classes
        found = np.zeros((len(scores), self.n_outputs))
        found[:, self.classes] = estimator.predict_proba(log_probabilities(scores))
        return found


@dataclass(frozen=True)
class Certain:
    """Of training rows of a single class, `code`."""

    code: int
    n_outputs: int

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return np.tile((np.arange(self.n_outputs) == self.code).astype(np.float64), (len(scores), 1))


@dataclass(frozen=True)
class OfEachOutput:
    """coefficients: of each label, its members' coefficients (n_members,) and the intercept; with none the probability is constant."""

    coefficients: tuple[tuple[np.ndarray, float], ...]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        columns = [log_odds(scores[:, :, output]) @ slopes + intercept for output, (slopes, intercept) in enumerate(self.coefficients)]
        return np.asarray(expit(np.stack(columns, axis=1)))


@dataclass(frozen=True)
class OfTargets:
    """slopes: float64 (n_members, n_outputs). intercepts: float64 (n_outputs,), in the targets' units."""

    slopes: np.ndarray
    intercepts: np.ndarray

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return np.einsum("nmo,mo->no", scores, self.slopes) + self.intercepts


def _fit_classes(C: float, scores: np.ndarray, target: np.ndarray) -> Combiner:
    classes = np.unique(target)
    if len(classes) == 1:
        return Certain(int(classes[0]), scores.shape[2])
    found = _logistic(C, log_probabilities(scores), target)
    return OfClasses(found.coef_, found.intercept_, found.classes_, scores.shape[2])


def _logistic(C: float, features: np.ndarray, target: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    n_coefficients = features.shape[1] * len(np.unique(target))
    solver = "newton-cholesky" if n_coefficients <= MOST_COEFFICIENTS else "newton-cg"
    return LogisticRegression(C=C, solver=solver).fit(features, target)


def _fit_label(C: float, features: np.ndarray, holds: np.ndarray) -> tuple[np.ndarray, float]:
    """Return coefficients and intercept of one label; a label that all rows have, or none, stays certain."""
    if holds.all() or not holds.any():
        return np.zeros(features.shape[1]), float(logit(np.clip(holds[0], LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)))
    found = _logistic(C, features, holds)
    return found.coef_[0], float(found.intercept_[0])


def _fit_targets(C: float, scores: np.ndarray, target: np.ndarray) -> Combiner:
    from sklearn.linear_model import Ridge

    scale = fit_scale(target)
    slopes, intercepts = np.zeros(scores.shape[1:]), scale.mean.copy()
    for output in range(scores.shape[2]):
        known = ~np.isnan(target[:, output])
        if known.any():
            standard = (scores[known, :, output] - scale.mean[output]) / scale.deviation[output]
            found = Ridge(1 / C).fit(standard, scale.standardised(target)[known, output])
            slopes[:, output] = found.coef_
            intercepts[output] += scale.deviation[output] * found.intercept_ - scale.mean[output] * found.coef_.sum()
    return OfTargets(slopes, intercepts)


def arrays(combiner: OfClasses | Certain | OfEachOutput | OfTargets) -> dict[str, np.ndarray]:
    """Return what a combiner has learned, under names that tell its kind."""
    if isinstance(combiner, OfClasses):
        return {"class_slopes": combiner.slopes, "class_intercepts": combiner.intercepts, "classes_": combiner.classes,
                "n_classes": np.array([combiner.n_outputs])}  # fmt: skip
    if isinstance(combiner, Certain):
        return {"certain": np.array([combiner.code]), "n_classes": np.array([combiner.n_outputs])}
    if isinstance(combiner, OfTargets):
        return {"target_slopes": combiner.slopes, "target_intercepts": combiner.intercepts}
    slopes, intercepts = zip(*combiner.coefficients, strict=True)
    return {"label_slopes": np.stack(slopes), "label_intercepts": np.array(intercepts)}


def load(arrays: Mapping[str, np.ndarray]) -> Combiner:
    """Return the combiner that has learned `arrays`."""
    if "class_slopes" in arrays:
        return OfClasses(arrays["class_slopes"], arrays["class_intercepts"], arrays["classes_"], int(arrays["n_classes"][0]))
    if "certain" in arrays:
        return Certain(int(arrays["certain"][0]), int(arrays["n_classes"][0]))
    if "target_slopes" in arrays:
        return OfTargets(arrays["target_slopes"], arrays["target_intercepts"])
    return OfEachOutput(tuple(zip(arrays["label_slopes"], arrays["label_intercepts"].tolist(), strict=True)))


FUSION = LateFusion(
    name="late_stacked", title="late, stacked", settings=LateStackedSettings, grid=grid, fit=fit, learns=True, arrays=arrays, load=load
)
