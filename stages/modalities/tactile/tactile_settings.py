"""Settings of the tactile modality."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stages.samples.pooling import PoolableSettings

Side = Annotated[int, Field(ge=1, le=512)]
FrameSummary = Literal["peak", "mean", "max"]


class TactileSettings(PoolableSettings):
    size: tuple[Side, Side] | None = Field(None, description="[height, width] to which the grid is resized; null: unchanged")
    frames: tuple[FrameSummary, ...] = Field(
        ("peak", "mean", "max"),
        min_length=1,
        max_length=3,
        description="images in the vector: the frame of maximum total pressure (peak), each sensor's mean and max over time",
    )
    full_scale: float | None = Field(None, gt=0, description="pressure that is scaled to 1, an upper bound of readings; null: unchanged")
    max_missing_share: float = Field(0.5, ge=0, le=1, description="validate: share of a sample's missing readings, at most")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of samples without any contact, at most")

    @field_validator("frames")
    @classmethod
    def _check_frames(cls, frames: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(frames)) < len(frames):
            raise ValueError("expected each of peak, mean and max once at most")
        return frames
