"""The settings of the section `train:`, and the part of them that one stage uses."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stages.contracts.fitted import CalibrationMethod
from stages.contracts.paths import train_settings_path
from stages.contracts.settings import Settings
from stages.foundation.params_file import parse
from stages.foundation.tables import read_json

Keep = Literal["out_of_fold", "fold_models"]


class TrainEntry(Settings):
    scoring: dict[str, str] = Field(
        {}, description="by task, the metric that chooses the configuration on the inner folds (default: the task's own)"
    )
    tuning_rows: int | None = Field(
        10_000, ge=100, description="most training rows on which configurations are compared (a seeded sample, stratified by class); the "
        "chosen one is trained on all; null: compared on all"
    )
    n_seeds: int = Field(
        3, ge=1, le=100, description="seeds with which a model that draws random numbers is refitted on each outer fold: scores are means "
        "over them, and results show their spread; the configuration is chosen with the first"
    )
    calibration: CalibrationMethod = Field(
        "none", description="calibration of models' probabilities (classes, labels) on out-of-fold probabilities of the training rows: "
        "none, temperature, sigmoid or isotonic (from about 1,000 rows on); predictions stay the same"
    )
    combinations: dict[str, tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...]] = Field(
        {}, description="by data set, the modality combinations that are trained, such as {emoji: [[image, text]]}; each modality alone "
        "always is (default: all of them, up to 6 modalities)"
    )
    keep: tuple[Keep, ...] = Field(
        (), description="additional outputs: out_of_fold (scores of the training rows), fold_models (the models of every outer fold: of "
        "equal weights, and of the chosen way of fusing)"
    )

    renamed: ClassVar[Mapping[str, str]] = {"select": "scoring"}


class UsedTrainSettings(Settings):
    """What a stage uses of the section on one data set, as check writes it: scoring is the metric of the data set's task.

    combinations: of several modalities, those that are trained; None: all.

    What a stage does not use is left out of its file, so that an edit of it does not rerun the stage; here it has the value that changes
    nothing.
    """

    scoring: str
    tuning_rows: int | None = None
    n_seeds: int = 1
    calibration: CalibrationMethod = "none"
    combinations: tuple[tuple[str, ...], ...] | None = None
    keep: tuple[Keep, ...] = ()


def used_train_settings(dataset: str, stage: str) -> UsedTrainSettings:
    """Return what a stage (as in `train_settings_path`) uses of the section `train:` on a data set.

    Raises:
        InputError: if check has not written it.
    """
    return parse(read_json(train_settings_path(dataset, stage)), "train", UsedTrainSettings)
