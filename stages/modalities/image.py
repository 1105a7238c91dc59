"""Images: H×W×d pixels in [0, 1] as one vector.

Any size of PNG, JPEG, GIF (first frame), BMP, WebP, TIFF or PPM. The camera's orientation (EXIF) is applied, transparency laid over
`background`, grey is ITU-R 601 luma, and the picture is resized to `size` whatever its aspect ratio, by Pillow's bilinear
filter, which widens with the reduction and so does not alias. 16-bit greyscale keeps its depth.
"""

import math
import struct
import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps
from pydantic import Field

from stages.contracts import Features, Modality, Settings
from stages.samples import read_each
from stages.tables import column_values, fixed_lists

# Named, because Pillow would also open formats that start other programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
UNREADABLE = (OSError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning)
Pixels = Annotated[int, Field(ge=1, le=1024)]


class ImageSettings(Settings):
    size: tuple[Pixels, Pixels] = Field((32, 32), description="[height, width] in pixels, 1 to 1024 each")
    colour: Literal["rgb", "grey"] = Field("rgb", description="rgb or grey")
    background: Literal["white", "black", "grey"] = Field("white", description="what shows through transparency: white, black or grey")
    max_pixels: int = Field(50_000_000, ge=1, le=89_000_000, description="largest picture that is decoded, height × width")


def featurize(column: pa.Array | pa.ChunkedArray, settings: ImageSettings) -> Features:
    """Return float32 (n, H·W·d) in [0, 1], rows first, colours innermost, of encoded images (binary)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged metadata around sound pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        pictures = read_each(column, lambda encoded: _pixels(encoded, settings))
    shape = (*settings.size, 3 if settings.colour == "rgb" else 1)
    vectors = np.empty((len(pictures), math.prod(shape)), dtype=np.float32)
    for vector, picture in zip(vectors, pictures, strict=True):
        vector[:] = picture.reshape(-1)
    return Features({"vector": fixed_lists(vectors)}, "dense", shape)


def _pixels(encoded: bytes, settings: ImageSettings) -> np.ndarray:
    """Return float32 (H, W) or (H, W, 3) in [0, 1]; raise ValueError if the bytes are no readable image."""
    try:
        with Image.open(BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > settings.max_pixels:
                raise ValueError(f"{image.height}×{image.width} pixels are more than max_pixels = {settings.max_pixels}")
            picture = _flat(ImageOps.exif_transpose(image), settings)
    except UNREADABLE as error:
        raise ValueError(f"not a readable image of {len(encoded)} bytes ({type(error).__name__}: {error})".replace("\n", " ")) from error
    height, width = settings.size
    array = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    if picture.mode != "F":
        return array / np.float32(255)
    return array if settings.colour == "grey" else np.repeat(array[:, :, None], 3, axis=2)


def _flat(image: Image.Image, settings: ImageSettings) -> Image.Image:
    """Return an opaque picture: mode L or RGB (0 to 255), or F (0 to 1) of 16-bit greyscale."""
    if image.mode.startswith("I;16"):  # Pillow's own conversion to 8 bits clips instead of scaling
        return Image.fromarray(np.asarray(image).astype(np.float32) / np.float32(65535))
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode!r} have no fixed range; save the image with 8 or 16 bits a channel")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, settings.background)
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    return image.convert("RGB").convert("L") if settings.colour == "grey" else image.convert("RGB")


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per picture: finite, length, min, max and contrast (max - min)."""
    vectors = column_values(table["vector"])
    low, high = vectors.min(axis=1).astype(np.float64), vectors.max(axis=1).astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    contrast = np.subtract(high, low, out=np.zeros_like(high), where=np.isfinite(high) & np.isfinite(low))
    return {"finite": finite, "length": np.full(len(vectors), vectors.shape[1]), "min": low, "max": high, "contrast": contrast}


LENGTH = "numbers in the vector"
CONTRAST = "brightest minus darkest pixel value; 0 is a picture of one colour"


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: all pixels there and in [0, 1]; at most one picture in twenty of a single colour."""
    length = math.prod(metadata["shape"])
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length, "notes": LENGTH}),
        ("expect_column_values_to_be_between", {"column": "min", "min_value": 0.0, "max_value": 1.0, "notes": "darkest pixel value"}),
        ("expect_column_values_to_be_between", {"column": "max", "min_value": 0.0, "max_value": 1.0, "notes": "brightest pixel value"}),
        (
            "expect_column_values_to_be_between",
            {"column": "contrast", "min_value": 0.0, "strict_min": True, "mostly": 0.95, "notes": CONTRAST},
        ),
    ]


MODALITY = Modality(
    name="image",
    settings=ImageSettings,
    column_types=("binary", "large_binary"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
)
