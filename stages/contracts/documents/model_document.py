"""What train writes next to a fitted model's arrays: all else that predicting needs."""

from typing import Any

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema
from stages.contracts.task import TargetForm


class ModalityFeatures(Document):
    """The modality that makes features of a column, and its settings."""

    modality: str
    settings: dict[str, Any]


class EncoderState(Document):
    """What an encoder learned from the training rows. arrays: their names, in arrays.npz below `encoder/<modality>/`. state: all else."""

    arrays: tuple[str, ...]
    state: dict[str, Any]


class SavedModel(Document):
    """A fitted model, without its arrays."""

    dataset: str = Field(description="that it was trained on")
    model: str = Field(description="name of the component")
    modalities: tuple[str, ...] = Field(description="the combination that it sees")
    fusion: str = Field(description="the way of fusing")
    form: TargetForm = Field(description="of the targets")
    outputs: tuple[str, ...] = Field(description="names of the classes, labels or targets")
    config: dict[str, Any] = Field(description="the configuration chosen")
    features: dict[str, ModalityFeatures] = Field(description="by modality name: what makes its features")
    encoders: dict[str, EncoderState] = Field(description="by modality name: what encodes its features")
    state: dict[str, Any] = Field(description="what the model learned and is no array")
    files: tuple[str, ...] = Field(description="of estimators that skops wrote")

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)


class NotApplicable(Document):
    """Why there is no fitted model."""

    dataset: str
    model: str
    not_applicable: str


DOCUMENT = DocumentSchema(
    name="model",
    path="data/models/{dataset}/{model}/model.json",
    meaning="a fitted model without its arrays (arrays.npz), or why there is none",
    kinds=(SavedModel, NotApplicable),
)
