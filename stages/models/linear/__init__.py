"""Logistic regression for classes and labels, ridge regression for continuous targets, by scikit-learn: a path of penalties C."""

from typing import Any

from pydantic import Field

from stages.contracts.model import Config, Estimator
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm


class LinearSettings(Settings):
    n_components: int | None = Field(64, ge=1, description="principal components of dense blocks with more columns; null: all columns")
    C: tuple[float, ...] = Field((0.1, 1, 10, 100), min_length=1, description="inverse penalties, ascending; ridge's alpha is 1 / C")
    max_iter: int = Field(200, ge=1, description="most iterations of L-BFGS for one penalty")
    tol: float = Field(1e-3, gt=0, description="L-BFGS stops when no entry of the gradient is larger")


def make(config: Config, form: TargetForm, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge(1 / config["C"]) if form == "continuous" else LogisticRegression(**config)


MODEL = Estimator(name="linear", settings=LinearSettings, make=make, path="C")
