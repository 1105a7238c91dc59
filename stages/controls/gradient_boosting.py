"""Reference that tunes nothing: gradient boosting with scikit-learn's defaults on all dense features and tables, concatenated.

A diagnostic, and the one that learners are compared with: where it beats every learner on its best modality combination, the report says
so. Then there is something in the columns that the learners, as they are tuned, do not find, such as interactions or thresholds of single
columns. Sparse text is not read; where all modalities are sparse the control is not applicable. It costs 100 trees per class, label or
target on each outer fold.
"""

from typing import Any

from stages.contracts.control import ControlData, Reference
from stages.contracts.model import Config
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.features.encoders import Sparse


class GradientBoostingSettings(Settings):
    """No settings."""


def make(config: Config, form: TargetForm, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingRegressor if form == "continuous" else HistGradientBoostingClassifier)(random_state=seed)


def not_applicable(data: ControlData, settings: GradientBoostingSettings) -> str | None:
    """Return that there is nothing to read, if so."""
    if all(isinstance(block.raw, Sparse) for block in data.problem.blocks.values()):
        return "it reads dense features and tables, and the features of all modalities are sparse"
    return None


CONTROL = Reference(name="gradient_boosting", settings=GradientBoostingSettings, make=make, not_applicable=not_applicable)
