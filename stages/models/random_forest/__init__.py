"""Random forest, by scikit-learn."""

from typing import Annotated, Any

from pydantic import Field

from stages.contracts.model import Config, Estimator, always
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm

Share = Annotated[float, Field(gt=0, le=1)]
Size = Annotated[int, Field(ge=1)]


class RandomForestSettings(Settings):
    n_estimators: int = Field(200, ge=1, description="number of trees")
    max_features: tuple[Share, ...] = Field((0.1, 0.3), min_length=1, description="shares of the columns considered at each split")
    min_samples_leaf: tuple[Size, ...] = Field((3, 1), min_length=1, description="fewest samples in a leaf, descending")


def make(config: Config, form: TargetForm, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return (RandomForestRegressor if form == "continuous" else RandomForestClassifier)(**config, random_state=seed)


MODEL = Estimator(name="random_forest", settings=RandomForestSettings, make=make, is_seeded=always)
