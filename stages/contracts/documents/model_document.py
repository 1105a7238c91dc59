"""What train writes next to a fitted model's arrays: all else that predicting needs."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from stages.contracts.candidate import Candidate
from stages.contracts.document import Document, DocumentSchema
from stages.contracts.fitted import CalibrationMethod
from stages.contracts.quantities import Count
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
    fusion: str = Field(description="the way of fusing, as its scores stand under it; `chosen`: the way chosen on inner folds")
    way: str | None = Field(None, exclude_if=lambda value: value is None, description="the way of fusing that was chosen; without the key "
                            "it is `fusion`")
    members: tuple[str, ...] = Field((), exclude_if=lambda value: not value, description="modalities of late fusion, whose models lie in "
                                     "`members/<modality>/`; without the key one model sees all")
    form: TargetForm = Field(description="of the targets")
    outputs: tuple[str, ...] = Field(description="names of the classes, labels or targets")
    config: dict[str, Any] = Field(description="the configuration chosen")
    features: dict[str, ModalityFeatures] = Field(description="by name of a modality that it reads (one of weight 0 is not): what makes "
                                                  "its features")
    encoders: dict[str, EncoderState] = Field(description="by modality name: what encodes its features; those of members lie with them")
    state: dict[str, Any] = Field(description="what the model learned and is no array")
    calibration: CalibrationMethod = Field("none", exclude_if=lambda value: value == "none", description="of the probabilities; its arrays "
                                           "lie below `calibration/`; without the key there is none")
    arrays: dict[str, tuple[Count, ...]] = Field(description="shape of each array in arrays.npz by name")
    files: tuple[str, ...] = Field(description="of estimators that skops wrote")

    def contradictions(self) -> Iterable[str]:
        if not self.features or not set(self.features) <= set(self.modalities):
            yield f"features: is of {', '.join(self.features) or 'nothing'}; expected of modalities: {', '.join(self.modalities)}"
        read, encoded = ("members", set(self.members)) if self.members else ("encoders", set(self.encoders))
        if encoded != set(self.features) or (self.members and self.encoders):
            found = self.members or tuple(self.encoders)
            yield f"{read}: is of {', '.join(found) or 'nothing'}; expected of those of features: {', '.join(self.features)}"
        for modality, encoder in self.encoders.items():
            for name in encoder.arrays:
                if f"encoder/{modality}/{name}" not in self.arrays:
                    yield f"encoders.{modality}.arrays: 'encoder/{modality}/{name}' is not among arrays"
        for name in self.files:
            if "/" in name or name in ("", ".", ".."):
                yield f"files: {name!r} is not a name of a file in that folder"

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.model, self.modalities, self.fusion)

    @property
    def read(self) -> tuple[str, ...]:
        """Return the modalities that it reads, in their order."""
        return tuple(name for name in self.modalities if name in self.features)


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
    remedy="train the model again (`dvc repro -f train@<data set>-<model>`)",
)
