"""Settings of the vector modality."""

from typing import Literal

from pydantic import Field, model_validator

from stages.samples.pooling import PoolableSettings


class VectorSettings(PoolableSettings):
    normalize: Literal["none", "l2"] = Field(
        "none", description="dense vectors as they are, or divided by their Euclidean length (l2); sparse ones always have unit length"
    )
    standardize: bool = Field(False, description="whether each number of dense vectors is standardized on training rows, as in tables")
    max_columns: int = Field(200_000, ge=1, description="sparse vectors: columns at most, those with most non-zero training rows")
    max_zero_share: float = Field(0.05, ge=0, le=1, description="validate: share of vectors of zeros, at most")

    @model_validator(mode="after")
    def _check_scale(self) -> "VectorSettings":
        if self.standardize and self.normalize != "none":
            raise ValueError("normalize, standardize: expected one of the two, as standardizing undoes the unit length")
        return self
