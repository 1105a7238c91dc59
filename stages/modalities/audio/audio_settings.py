"""Settings of the audio modality."""

from typing import Literal

from pydantic import Field, model_validator

from stages.samples.pooling import PoolableSettings


class AudioSettings(PoolableSettings):
    rate_hz: int = Field(16_000, ge=4_000, le=192_000, description="sampling rate to which every clip is resampled")
    window_ms: float = Field(20, ge=1, le=1_000, description="length of a frame in milliseconds")
    offset_ms: float = Field(10, ge=1, le=1_000, description="from the start of one frame to the next, in milliseconds")
    features: Literal["log_mel", "mfcc"] = Field("log_mel", description="of a frame: log_mel (mel bands) or mfcc (their cepstrum)")
    bands: int = Field(40, ge=2, le=256, description="mel bands")
    log: bool = Field(True, description="whether the bands are logarithmic")
    coefficients: int = Field(13, ge=1, le=256, description="of mfcc: number of coefficients; the first is the loudness")
    deltas: bool = Field(False, description="whether slopes over time are added to bands or coefficients")
    normalise: Literal["none", "mean", "variance"] = Field("none", description="normalization per clip: none, mean, or variance (and mean)")
    summary: Literal["clip", "frames"] = Field("clip", description="vector: clip (mean, deviation, segments) or frames (concatenated)")
    segments: int = Field(4, ge=0, le=64, description="of summary clip: equal parts, each with its mean")
    n_frames: int | None = Field(None, ge=1, le=10_000, description="of summary frames: their number; longer clips are cut, shorter padded")
    max_seconds: float = Field(600, gt=0, le=36_000, description="longer clips are refused")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of clips that are silent or one steady tone, at most")

    @model_validator(mode="after")
    def _check_frames(self) -> "AudioSettings":
        if self.offset_ms > self.window_ms:
            raise ValueError(f"offset_ms {self.offset_ms:g} skips samples; expected at most window_ms {self.window_ms:g}")
        if self.n_window < 2 * self.bands:
            raise ValueError(f"bands {self.bands} need frames of {2 * self.bands} samples, window_ms has {self.n_window}; use fewer bands")
        if self.summary == "frames" and self.n_frames is None:
            raise ValueError("summary: frames needs n_frames, the number of frames in the vector")
        if not self.rows:
            raise ValueError("segments 0 with normalise: variance leave no feature of a clip; use 1 or more")
        return self

    @model_validator(mode="after")
    def _check_cepstra(self) -> "AudioSettings":
        if not self.log and (self.features == "mfcc" or self.normalise != "none"):
            raise ValueError("log: false requires features: log_mel and normalise: none; other features need logarithmic bands")
        if self.features == "mfcc" and self.coefficients > self.bands:
            raise ValueError(f"coefficients {self.coefficients} are more than bands {self.bands}; use fewer")
        return self

    @property
    def n_window(self) -> int:
        """Samples in a frame."""
        return round(self.rate_hz * self.window_ms / 1000)

    @property
    def n_offset(self) -> int:
        """Samples from the start of one frame to the next."""
        return max(1, round(self.rate_hz * self.offset_ms / 1000))

    @property
    def width(self) -> int:
        """Values in a frame."""
        return (1 + self.deltas) * (self.coefficients if self.features == "mfcc" else self.bands)

    @property
    def rows(self) -> list[str]:
        """Names of the rows of `width` values in the vector."""
        if self.summary == "frames":
            return [f"frame {i + 1}" for i in range(self.n_frames or 0)]
        whole = {"none": ["mean", "deviation"], "mean": ["deviation"], "variance": []}[self.normalise]
        return whole + [f"segment {i + 1}" for i in range(self.segments)]
