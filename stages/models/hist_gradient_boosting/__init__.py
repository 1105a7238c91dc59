"""Histogram-based gradient boosting, by scikit-learn; for dense features and tables."""

from typing import Annotated, Any

from pydantic import Field

from stages.contracts.model import Config, Estimator
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm

STOPS_EARLY_ABOVE = 10_000  # rows: scikit-learn holds out random ones, by whose loss it stops; below, nothing is drawn


Count = Annotated[int, Field(ge=1)]


class HistGradientBoostingSettings(Settings):
    max_iter: tuple[Count, ...] = Field((50, 200), min_length=1, description="numbers of trees (per class), ascending")
    learning_rate: float = Field(0.1, gt=0, description="shrinkage of each tree")
    max_leaf_nodes: int = Field(31, ge=2, description="most leaves of a tree")


def make(config: Config, form: TargetForm, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if form == "continuous" else HistGradientBoostingClassifier)(**config, random_state=seed)


MODEL = Estimator(name="hist_gradient_boosting", settings=HistGradientBoostingSettings, make=make, encodings=("dense", "table"),
                  is_seeded=lambda n_train: n_train > STOPS_EARLY_ABOVE)  # fmt: skip
