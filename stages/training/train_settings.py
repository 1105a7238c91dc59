"""What the section `train:` may hold."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from stages.contracts.settings import Settings


class ScoringEntry(Settings):
    binary: str = Field(default="accuracy", description="for two classes")
    multiclass: str = Field(default="accuracy", description="for more classes")
    multilabel: str = Field(default="micro_f1", description="for labels that may hold together")
    regression: str = Field(default="q2", description="for regression targets")


class TrainEntry(Settings):
    scoring: ScoringEntry = Field(ScoringEntry(), description="by task, the metric that chooses the configuration on the inner folds")
    keep: tuple[Literal["out_of_fold", "fold_models"], ...] = Field(
        (), description="what is written besides: out_of_fold (scores of the training rows), fold_models (the model of every outer fold)"
    )

    renamed: ClassVar[Mapping[str, str]] = {"select": "scoring"}
