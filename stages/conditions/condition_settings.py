"""The settings of an entry of the section `conditions:`."""

from typing import Annotated

from pydantic import Field

from stages.contracts.settings import Settings

Share = Annotated[float, Field(gt=0, le=1)]


class ConditionsEntry(Settings):
    corruptions: dict[str, dict[str, tuple[float, ...] | None]] | None = Field(
        None, description="by modality and corruption, the strengths, above 0 and ascending: {image: {blur: [0.02, 0.04]}}; null for the "
        "strengths: the corruption's own; null: every corruption of every modality; {}: none"
    )
    missing: tuple[Share, ...] = Field(
        (0.25, 0.5, 1.0), description="probabilities of a test sample to lack a modality, ascending; []: no modality is ever missing"
    )
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="data sets whose test samples are changed; null: all; for none, leave the entry of the model out"
    )
