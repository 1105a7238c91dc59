"""The settings of an entry of the section `representations:`."""

from typing import Literal

from pydantic import Field

from stages.contracts.settings import Settings

Learner = Literal["knn", "svm"]


class RepresentationEntry(Settings):
    learners: tuple[Learner, ...] = Field(
        ("knn", "svm"), min_length=1, description="any of knn, svm, which models declares: they learn from the network's representation"
    )
    combinations: Literal["largest", "all"] = Field(
        "largest", description="modality combinations: the one of all modalities, or all"
    )
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="data sets of the study; null: all; for none, leave the entry of the model out"
    )
