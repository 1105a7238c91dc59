"""Linear models: losses of classes, labels and continuous targets, penalties of any power, a path of inverse penalties C.

Weights W and offsets b of the scores f = W·x + b have the least C · Σ loss + penalty, the sum over training rows; offsets are free.

loss             of a row, with the right class y       targets
log              log Σⱼ exp(fⱼ) − f_y                   classes, labels
hinge            Σ_{j≠y} max(0, fⱼ − f_y + Δ)           classes, labels
hinge_max        max(0, max_{j≠y} fⱼ − f_y + Δ)         classes, labels
perceptron       Rosenblatt's rule, without a penalty   classes, labels
squared          ½·(f − y)²                             continuous
auto             log; of continuous targets squared     all

penalty          exactly
p ≥ 1            Σ |w|ᵖ / p; weights are 0 at p = 1 if their feature helps too little
elastic          l1_ratio · Σ |w| + (1 − l1_ratio) · Σ w² / 2

Two classes, and each label, have one score g = f₁ − f₀, whose weights are penalized: both hinges are then max(0, Δ ∓ g). Hinges are rounded
off over Δ / 50 (decision 0093). A loss that the targets do not allow is left out; it is an error if none is left.

Solvers: scikit-learn's LogisticRegression (log, p = 2), Ridge (squared, p = 2), ElasticNet (squared, p = 1 and elastic) and Perceptron (one
class against the rest); scipy's L-BFGS-B for all else, and for logistic regression on all inner folds of a small data set at once
(decision 0103). Probabilities are the softmax of the scores, which hinges and the perceptron do not fit as probabilities:
`train.calibration` does.

optimizer: rules of stages/optimizers/ in place of these solvers, to compare them: from weights of 0, for `max_iter` passes over the rows,
all of them per step or `batch_size`; |w| then gives no exact zeros. The perceptron is a rule of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from stages.contracts.model import Config, Estimator, InnerFits
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.foundation.errors import InputError
from stages.foundation.registry import component, names
from stages.model_selection.grid import product

Loss = Literal["auto", "log", "hinge", "hinge_max", "perceptron", "squared"]
Rate = Annotated[float, Field(gt=0, le=10)]
InversePenalty = Annotated[float, Field(gt=0)]
HINGES = {"hinge", "hinge_max"}
DESCENT = {"optimizer": "optimizer", "optimizer_settings": "settings", "learning_rate": "learning_rate", "schedule": "schedule",
           "batch_size": "batch_size"}  # name in a configuration → field of a `Descent`
ALLOWED: dict[str, tuple[TargetForm, ...]] = {
    **dict.fromkeys(("log", "hinge", "hinge_max", "perceptron"), ("classes", "labels")),
    "squared": ("continuous",),
    "auto": get_args(TargetForm),
}


class LinearSettings(Settings):
    n_components: int | None = Field(64, ge=1, description="principal components of dense blocks with more columns; null: all columns")
    C: tuple[InversePenalty, ...] = Field(
        (0.1, 1, 10, 100), min_length=1, description="inverse penalties, each above 0; ridge's alpha is 1 / C"
    )
    max_iter: int = Field(200, ge=1, description="most iterations of a solver for one penalty")
    tol: float = Field(1e-3, gt=0, description="L-BFGS stops when no entry of the gradient is larger")
    loss: tuple[Loss, ...] = Field(
        ("auto",), min_length=1, description="any of auto (log; of continuous targets squared), log, hinge, hinge_max, perceptron, squared"
    )
    penalty: tuple[float | Literal["elastic"], ...] = Field(
        (2.0,), min_length=1, description="powers p ≥ 1 of the penalty Σ |w|ᵖ / p (1: exact zeros), or elastic; the perceptron has none"
    )
    l1_ratio: float = Field(0.5, ge=0, le=1, description="elastic: share of Σ |w|; the rest is of Σ w² / 2")
    margin: float = Field(1.0, gt=0, description="hinges: by how much Δ the right class's score should be above the others")

    optimizer: tuple[str | None, ...] = Field(
        (None,), min_length=1, description="rules of stages/optimizers/ to learn by; null: the solver of the loss and penalty"
    )
    optimizer_settings: Mapping[str, Mapping[str, Any]] = Field(
        {}, description="by the name of an optimizer, settings that are not the default"
    )
    learning_rate: tuple[Rate, ...] = Field((0.1,), min_length=1, description="each above 0, at most 10; of optimizers that use one")
    schedule: str = Field("constant", description="of the learning rate: a name of stages/schedules/, with its default settings")
    batch_size: int | None = Field(None, ge=1, description="rows per step of optimizers that are not full-batch; null: all")

    @field_validator("penalty")
    @classmethod
    def _convex(cls, values: tuple[float | str, ...]) -> tuple[float | str, ...]:
        if any(not isinstance(value, str) and value < 1 for value in values):
            raise ValueError("a power below 1 has no single minimum; every power must be 1 or more")
        return values

    @model_validator(mode="after")
    def _known_rules(self) -> Self:
        used = [name for name in self.optimizer if name is not None]
        for kind, found, known in (("optimizers", used, names("optimizers")), ("schedules", [self.schedule], names("schedules"))):
            if unknown := [name for name in found if name not in known]:
                raise ValueError(f"no {unknown[0]!r} under stages/{kind}/; there are: {', '.join(known)}")
        if strange := [name for name in self.optimizer_settings if name not in used]:
            raise ValueError(f"optimizer_settings.{strange[0]}: it is not in optimizer: {', '.join(used) or 'null'}")
        for name, given in self.optimizer_settings.items():
            allowed = component("optimizers", name).settings
            try:
                allowed(**given)
            except ValidationError as error:
                wrong = error.errors()[0]
                where, there_are = ".".join(map(str, (name, *wrong["loc"]))), ", ".join(allowed.model_fields) or "none"
                raise ValueError(f"optimizer_settings.{where}: {wrong['msg']}; known are {there_are}") from error
        return self


def grid(settings: LinearSettings, seed: int) -> list[Config]:
    """Return loss × optimizer × penalty × C, in the order of the settings; what a configuration does not have is null.

    Configurations of logistic regression or ridge alone name none of them.
    """
    solver = {"max_iter": (settings.max_iter,), "tol": (settings.tol,)}
    if (settings.loss, settings.penalty, settings.optimizer) == (("auto",), (2.0,), (None,)):
        return product(C=settings.C, **solver)
    configs = list[Config]()
    for loss in settings.loss:
        free = loss == "perceptron"
        margin = {"margin": (settings.margin if loss in HINGES else None,)} if HINGES & set(settings.loss) else {}
        for optimizer in (None,) if free else settings.optimizer:
            for penalty in (None,) if free else settings.penalty:
                ratio = {"l1_ratio": (settings.l1_ratio if penalty == "elastic" else None,)} if "elastic" in settings.penalty else {}
                configs += product(loss=(loss,), **margin, **descent_of(settings, optimizer), penalty=(penalty,), **ratio,
                                   C=(None,) if free else settings.C, **solver)  # fmt: skip
    return configs


def descent_of(settings: LinearSettings, optimizer: str | None) -> dict[str, tuple[Any, ...]]:
    """Return the values of a configuration that say how an optimizer is used; empty if there is none in the grid."""
    if settings.optimizer == (None,):
        return {}
    one = None if optimizer is None else component("optimizers", optimizer)
    has_rate, in_batches = one is not None and not one.searches_step, one is not None and not one.full_batch
    return {
        "optimizer": (optimizer,),
        "optimizer_settings": (dict(settings.optimizer_settings.get(optimizer or "", {})) or None,),
        "learning_rate": settings.learning_rate if has_rate else (None,),
        "schedule": (settings.schedule if has_rate else None,),
        "batch_size": (settings.batch_size if in_batches else None,),
    }


def applicable(configs: list[Config], settings: LinearSettings, problem: Problem) -> list[Config]:
    """Return the configurations whose loss the targets allow.

    Raises:
        InputError: if there is none.
    """
    kept = [config for config in configs if problem.form in ALLOWED[config.get("loss", "auto")]]
    if not kept:
        fitting = ", ".join(name for name, forms in ALLOWED.items() if problem.form in forms)
        raise InputError(f"params.yaml: models.linear.loss: {', '.join(settings.loss)} is not a loss of targets that are {problem.form}; "
                         f"add one of {fitting}")
    return kept


def make(config: Config, form: TargetForm, seed: int) -> Any:
    """Return the unfitted estimator of a configuration; the seed orders the rows of the perceptron and of mini-batches."""
    from sklearn.linear_model import LogisticRegression, Perceptron, Ridge

    from stages.models.linear.linear_estimators import LinearClassifier, LinearRegressor

    given = {name: value for name, value in config.items() if value is not None}
    loss, penalty = given.pop("loss", "auto"), given.get("penalty", 2.0)
    loss = ("squared" if form == "continuous" else "log") if loss == "auto" else loss
    if loss == "perceptron":
        return Perceptron(random_state=seed, **given)
    descent = {field: given.pop(name) for name, field in DESCENT.items() if name in given}
    if descent:
        given["descent"] = {**descent, "seed": seed}
    elif penalty == 2:
        given.pop("penalty", None)
        if loss == "log":
            return LogisticRegression(**given)
        if loss == "squared":
            return Ridge(1 / given["C"])
    return LinearRegressor(**given) if loss == "squared" else LinearClassifier(loss=loss, **given)


def is_stacked(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration is logistic regression (of continuous targets ridge) without an optimizer."""
    return config.get("loss", "auto") in ("auto", "log") and config.get("penalty", 2) == 2 and config.get("optimizer") is None


def out_of_fold_scores(configs: Sequence[Config], fits: InnerFits) -> Iterator[np.ndarray]:
    """Yield the out-of-fold scores of logistic regressions; see stages/models/linear/stacked_path.py."""
    from stages.models.linear.stacked_path import out_of_fold_path

    return out_of_fold_path(configs, fits)


MODEL = Estimator(name="linear", settings=LinearSettings, make=make, path="C", grid=grid, approximated=applicable,
                  stacked_path=out_of_fold_scores, is_stacked=is_stacked, is_linear=lambda config: True)  # fmt: skip
