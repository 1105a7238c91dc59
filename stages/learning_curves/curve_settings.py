"""The settings of an entry of the section `learning_curves:`."""

from typing import Literal

from pydantic import Field

from stages.contracts.settings import Settings


class LearningCurveEntry(Settings):
    n_halvings: int = Field(3, ge=1, le=10, description="how often the training rows of an outer fold are halved: 3 gives 1/8, 1/4, 1/2 "
                            "and all of them; a law is fitted to 4 sizes or more")
    combinations: Literal["largest", "all"] = Field(
        "largest", description="modality combinations that get a curve: the one of all modalities that the model reads, or all"
    )
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="data sets that get a curve; null: all; for none, leave the entry of the model out"
    )
