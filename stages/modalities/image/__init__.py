"""Images: H×W×d pixels in [0, 1] as one vector, or the histograms of oriented gradients (HOG) of those pixels.

PNG, JPEG, BMP, WebP, TIFF, PPM and GIF of any size (the first of several frames or pages), in black and white, grey, color, CMYK or with a
palette, with or without transparency. The camera's orientation (EXIF) is applied, transparency is composited onto `background`, grey is
ITU-R 601 luma, and the image is resized to `size`, ignoring its aspect ratio, by Pillow's bilinear filter, which widens with the reduction
and so does not alias. 16-bit greyscale keeps its depth; 16-bit colour is read as 8-bit. The size of an image is read from its
header and checked before it is decoded.

With `decode: scaled`, libjpeg skips high frequencies of a JPEG: it decodes at a half, a quarter or an eighth, at least OVERSAMPLING times
`size`, before the filter. That is faster, but pixels differ from full decoding (by 1.5 of 255 grey levels on average and 15 at most, for
grainy images of 256×256 at 64×64). It is not the default, because features would depend on the file format.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.documents.weights_document import WeightImage
from stages.contracts.modality import Features, Modality
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.image.decoding import PILLOW_WARNINGS, decode_image
from stages.modalities.image.hog import hog
from stages.modalities.image.image_corruptions import CORRUPTIONS
from stages.modalities.image.image_settings import ImageSettings
from stages.modalities.image.thumbnail import show_image
from stages.samples.read import read_each
from stages.samples.weight_images import channel_image, signed_image


def featurize(column: pa.Array | pa.ChunkedArray, settings: ImageSettings) -> Features:
    """Return float32 (n, d) in [0, 1] of encoded images (binary), with their shape: H×W×channels; for HOG see `hog_shape`."""
    with PILLOW_WARNINGS.filtered():
        images = read_each(column, lambda encoded: _image_features(decode_image(encoded, settings), settings))
    vectors = np.empty((len(images), math.prod(settings.shape)), dtype=np.float32)
    for vector, values in zip(vectors, images, strict=True):
        _fill(vector, values)
    return Features({"vector": fixed_lists(vectors)}, "dense", settings.shape)


def _image_features(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    """Return the features of one image, of shape `settings.shape`: decoded pixels, or HOG as float32."""
    if settings.features == "pixels":
        return pixels
    scaled = np.empty(pixels.shape, dtype=np.float32)
    _fill(scaled, pixels)
    histograms = hog(scaled, cell=settings.cell, block=settings.block, orientations=settings.orientations)
    return histograms.astype(np.float32)


def _fill(target: np.ndarray, pixels: np.ndarray) -> None:
    """Fill `target`, float32, with pixels in [0, 1]: uint8 is divided by 255 (it needs a quarter of the memory), float32 is copied."""
    values = pixels.reshape(target.shape)
    if pixels.dtype == np.uint8:
        np.divide(values, np.float32(255), out=target, dtype=np.float32)
    else:
        target[:] = values


def summarise(table: pa.Table, metadata: FeaturesMetadata) -> dict[str, np.ndarray]:
    """Return per image: finite, length, min, max and contrast (max - min)."""
    vectors = column_values(table["vector"])
    low, high = vectors.min(axis=1).astype(np.float64), vectors.max(axis=1).astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    contrast = np.subtract(high, low, out=np.zeros_like(high), where=np.isfinite(high) & np.isfinite(low))
    return {"finite": finite, "length": np.full(len(vectors), vectors.shape[1]), "min": low, "max": high, "contrast": contrast}


def show_weights(weights: np.ndarray, metadata: FeaturesMetadata) -> WeightImage | None:
    """Return the weights of pixels as an image of their size; of HOG None."""
    if metadata.settings["features"] != "pixels":
        return None
    pixels = weights.reshape(metadata.shape)
    return signed_image([pixels[:, :, 0]]) if metadata.shape[2] == 1 else channel_image(pixels)


LENGTH = "values in the vector"
# By `features`: the meaning of a value, and of a vector of equal values.
VALUE = {"pixels": "pixel value", "hog": "share of an orientation in its block"}
FLAT = {"pixels": "an image of one color", "hog": "an image without edges"}


def expectations(metadata: FeaturesMetadata) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: no value missing, all in [0, 1]; few images of a single color (`max_constant_share`)."""
    length = math.prod(metadata.shape)
    kind, mostly = metadata.settings["features"], 1 - metadata.settings["max_constant_share"]
    contrast = f"largest minus smallest {VALUE[kind]}; 0 is {FLAT[kind]}"
    between = "expect_column_values_to_be_between"
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        (between, {"column": "length", "min_value": length, "max_value": length, "notes": LENGTH}),
        (between, {"column": "min", "min_value": 0.0, "max_value": 1.0, "notes": f"smallest {VALUE[kind]}"}),
        (between, {"column": "max", "min_value": 0.0, "max_value": 1.0, "notes": f"largest {VALUE[kind]}"}),
        (between, {"column": "contrast", "min_value": 0.0, "strict_min": True, "mostly": mostly, "notes": contrast}),
    ]


MODALITY = Modality(
    name="image",
    settings=ImageSettings,
    column_types=("binary", "large_binary"),
    featurize=featurize,
    summarise=summarise,
    expectations=expectations,
    show=show_image,
    corruptions=CORRUPTIONS,
    show_weights=show_weights,
)
