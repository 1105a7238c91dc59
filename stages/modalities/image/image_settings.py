"""Settings of the image modality."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.modalities.image.hog import hog_shape
from stages.samples.pooling import PoolableSettings

Pixels = Annotated[int, Field(ge=1, le=1024)]


class ImageSettings(PoolableSettings):
    size: tuple[Pixels, Pixels] = Field((32, 32), description="[height, width] in pixels, 1 to 1024 each")
    colour: Literal["rgb", "grey"] = Field("rgb", description="rgb or grey")
    background: Literal["white", "black", "grey"] = Field("white", description="background of transparent images: white, black or grey")
    max_pixels: int = Field(50_000_000, ge=1, le=89_000_000, description="pixels of the largest image that is decoded, height × width")
    decode: Literal["full", "scaled"] = Field("full", description="JPEG: full, or scaled: decoded at a reduced scale, which is faster")
    features: Literal["pixels", "hog"] = Field("pixels", description="pixels, or hog: histograms of oriented gradients")
    cell: int = Field(8, ge=2, le=256, description="hog: side of a cell in pixels (of the resized image)")
    block: int = Field(2, ge=1, le=16, description="hog: side in cells of a block, within which contrast is normalised")
    orientations: int = Field(9, ge=2, le=36, description="hog: bins of a gradient's orientation, 0° to 180°")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of one-color images (hog: without edges), at most")

    @model_validator(mode="after")
    def _check_block(self) -> "ImageSettings":
        if self.features == "hog" and min(self.size) < self.cell * self.block:
            raise ValueError(f"a hog block of {self.block} cells of {self.cell} pixels does not fit into size {list(self.size)}; "
                             "use a smaller cell or block, or a larger size")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample's features: (H, W, d); for hog see `hog_shape`."""
        if self.features == "hog":
            return hog_shape(self.size, self.cell, self.block, self.orientations)
        return (*self.size, self.n_channels)

    @property
    def n_channels(self) -> int:
        """Values per pixel."""
        return 3 if self.colour == "rgb" else 1
