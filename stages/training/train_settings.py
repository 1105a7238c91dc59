"""What the section `train:` may hold."""

from pydantic import Field

from stages.contracts.settings import Settings


class SelectEntry(Settings):
    binary: str = Field(default="accuracy", description="for two classes")
    multiclass: str = Field(default="accuracy", description="for more classes")
    multilabel: str = Field(default="micro_f1", description="for labels that may hold together")
    regression: str = Field(default="q2", description="for numbers")


class TrainEntry(Settings):
    select: SelectEntry = Field(SelectEntry(), description="by task, the metric that chooses the configuration on the inner folds")
