"""The settings of the section `conditions:`, and what check makes of them for one data set."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from stages.contracts.paths import condition_settings_path
from stages.contracts.settings import Settings
from stages.foundation.params_file import parse
from stages.foundation.tables import read_json

Share = Annotated[float, Field(gt=0, le=1)]
Corruptions = dict[str, dict[str, tuple[float, ...] | None] | None]


class ConditionsEntry(Settings):
    missing: tuple[Share, ...] = Field(
        (0.25, 0.5, 1.0), description="probabilities of a test sample to lack a modality, ascending, for every model, way of fusing and "
        "modality of a data set with several: nothing is trained for it; []: no modality is ever missing"
    )
    corruptions: Corruptions | Literal["all"] = Field(
        {}, description="by modality and corruption, the strengths, above 0 and ascending: {image: {blur: [0.02, 0.04]}}; null for the "
        "strengths: the corruption's own; null for the corruptions: every one of the modality; all: of every modality; {}: none"
    )
    models: tuple[str, ...] | None = Field(
        None, min_length=1, description="models that predict corrupted samples; null: all"
    )
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="data sets whose test samples are corrupted or lack a modality; null: all"
    )

    # the section once had an entry per model
    renamed: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("knn", "linear", "svm", "mlp", "random_forest", "hist_gradient_boosting"), "models"
    )


class DataSetConditions(Settings):
    """What the stage condition reads. corruptions: strengths by modality name and corruption. models: with their settings, as they stand.

    Without a corruption there are no models, so that an edit of their settings does not rerun the stage.
    """

    corruptions: Mapping[str, Mapping[str, tuple[float, ...]]] = {}
    models: Mapping[str, Any] = {}


def read_conditions(dataset: str) -> DataSetConditions:
    """Return what check wrote of the section for a data set; raise InputError if it has not."""
    found: DataSetConditions = parse(read_json(condition_settings_path(dataset)), "conditions", DataSetConditions)
    return found


def strengths_of(entry: ConditionsEntry, modality: str, declared: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Return the strengths by corruption of one modality, in the order in which it declares them.

    Args:
        declared: the own strengths of each of its corruptions.
    """
    if entry.corruptions == "all":
        return dict(declared)
    if modality not in entry.corruptions:
        return {}
    wanted = entry.corruptions[modality]
    if wanted is None:
        return dict(declared)
    return {name: wanted[name] or own for name, own in declared.items() if name in wanted}
