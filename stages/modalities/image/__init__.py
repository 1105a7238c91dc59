"""Images: H×W×d pixels in [0, 1] as one vector, or the histograms of oriented gradients (HOG) of those pixels.

Any size of PNG, JPEG, BMP, WebP, TIFF, PPM and GIF (of several frames or pages the first), in black and white, grey, colour, CMYK or with
a palette, with or without transparency. The camera's orientation (EXIF) is applied, transparency laid over `background`, grey is ITU-R
601 luma, and the picture is resized to `size` whatever its aspect ratio, by Pillow's bilinear filter, which widens with the
reduction and so does not alias. 16-bit greyscale keeps its depth; 16-bit colour is read as 8-bit. How large a picture is, is looked up in
its header and checked before it is decoded.

`decode: scaled` has libjpeg leave out the frequencies of a JPEG that `size` cannot show: it decodes at a half, a quarter or an eighth, but
to OVERSAMPLING times `size` at least, and the filter does the rest. That is faster, and pixels differ from those of full decoding (by 1.5
of 255 grey levels on average and 15 at most, of grainy pictures of 256×256 at 64×64), so it is not the default: numbers should not
depend on how a picture happens to be stored.
"""

import math
import re
import struct
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from PIL import Image
from pydantic import Field, model_validator

from stages.contracts.modality import Features, Modality
from stages.contracts.settings import Settings
from stages.foundation.tables import column_values, fixed_lists
from stages.modalities.image.hog import hog, hog_shape
from stages.samples.read import read_each

# Named, because Pillow would also open formats that start other programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
# What Pillow was seen to raise on damaged files, and its kin.
UNREADABLE = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, MemoryError,
    struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
IN_MEMORY = re.compile(r" <[^<>]* at 0x[0-9a-f]+>")  # how Pillow calls what has no name: another address in every run
ORIENTATION = 0x0112  # EXIF's tag
FIRST_ON_ITS_SIDE = 5  # of the orientations: 5 to 8 exchange height and width
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
COMPILED_FROM = 20_000_000  # pixels resized: Pillow takes 0.1 s for them
OVERSAMPLING = 1.5  # `decode: scaled`: sides of what is decoded, in sides of what is asked for, at least
Pixels = Annotated[int, Field(ge=1, le=1024)]


class TooLarge(ValueError):
    """A picture has more pixels than may be decoded."""


class PillowsWarnings:
    """What Pillow's warnings do while any thread decodes. `warnings.catch_warnings` changes them for all threads, and is for one."""

    def __init__(self) -> None:
        self.lock, self.n_inside, self.stack = threading.Lock(), 0, ExitStack()

    @contextmanager
    def sorted_out(self) -> Iterator[None]:
        """Ignore those about damaged metadata around sound pixels; raise the one about too many pixels."""
        with self.lock:
            self.n_inside += 1
            if self.n_inside == 1:
                self.stack.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        finally:
            with self.lock:
                self.n_inside -= 1
                if self.n_inside == 0:
                    self.stack.close()


_WARNINGS = PillowsWarnings()


class Resizer:
    """Pillow's resize; once there was enough to do, of RGB a compiled loop with the same results, whose import takes 0.3 s."""

    def __init__(self) -> None:
        self.n_pixels = 0  # so far; threads may lose count of some, which changes no result

    def resized(self, picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
        """Return uint8 (height, width) or (height, width, 3), of mode F float32 (height, width). size: (height, width)."""
        self.n_pixels += picture.width * picture.height
        if self.n_pixels > COMPILED_FROM and picture.mode == "RGB":
            from stages.modalities.image.resize_kernel import is_rows_first, resize_rows_first

            pixels = pixels_in_place(picture) if is_rows_first((picture.height, picture.width), size) else None
            if pixels is not None:
                resized = np.empty((*size, 3), dtype=np.uint8)
                resize_rows_first(pixels, resized)
                return resized
        return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def pixels_in_place(picture: Image.Image) -> np.ndarray | None:
    """Return the pixels of an RGB picture where Pillow keeps them, uint8 (height, width, 4); None if they are not together (large ones)."""
    try:
        pixels = pa.array(picture)
    except ValueError:
        return None
    return np.frombuffer(pixels.flatten().buffers()[1], dtype=np.uint8).reshape(picture.height, picture.width, 4)


_RESIZER = Resizer()


class ImageSettings(Settings):
    size: tuple[Pixels, Pixels] = Field((32, 32), description="[height, width] in pixels, 1 to 1024 each")
    colour: Literal["rgb", "grey"] = Field("rgb", description="rgb or grey")
    background: Literal["white", "black", "grey"] = Field("white", description="what shows through transparency: white, black or grey")
    max_pixels: int = Field(50_000_000, ge=1, le=89_000_000, description="largest picture that is decoded, height × width")
    decode: Literal["full", "scaled"] = Field("full", description="JPEG: full, or scaled: about as large as `size` needs, which is faster")
    features: Literal["pixels", "hog"] = Field("pixels", description="pixels, or hog: histograms of oriented gradients")
    cell: int = Field(8, ge=2, le=256, description="hog: side of a cell in pixels (of the resized picture)")
    block: int = Field(2, ge=1, le=16, description="hog: side in cells of a block, within which contrast is normalised")
    orientations: int = Field(9, ge=2, le=36, description="hog: parts of 180° into which a gradient's orientation is sorted")
    max_constant_share: float = Field(0.05, ge=0, le=1, description="validate: share of one-colour pictures (hog: without edges), at most")

    @model_validator(mode="after")
    def _check_block(self) -> "ImageSettings":
        if self.features == "hog" and min(self.size) < self.cell * self.block:
            raise ValueError(f"a hog block of {self.block} cells of {self.cell} pixels does not fit into size {list(self.size)}: "
                             "use a smaller cell or block, or a larger size")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample's features: (H, W, d); of hog see `hog_shape`."""
        if self.features == "hog":
            return hog_shape(self.size, self.cell, self.block, self.orientations)
        return (*self.size, self.n_colours)

    @property
    def n_colours(self) -> int:
        """Numbers per pixel."""
        return 3 if self.colour == "rgb" else 1


def featurize(column: pa.Array | pa.ChunkedArray, settings: ImageSettings) -> Features:
    """Return float32 (n, d) in [0, 1] of encoded images (binary), with the shape that it had.

    Pixels are H×W×colours; of HOG see `hog_shape`.
    """
    with _WARNINGS.sorted_out():
        described = read_each(column, lambda encoded: _described(_pixels(encoded, settings), settings))
    vectors = np.empty((len(described), math.prod(settings.shape)), dtype=np.float32)
    for vector, values in zip(vectors, described, strict=True):
        _fill(vector, values)
    return Features({"vector": fixed_lists(vectors)}, "dense", settings.shape)


def _described(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    """Return the features of one picture, of shape `settings.shape`: of pixels as `_pixels` gave them."""
    if settings.features == "pixels":
        return pixels
    shares = np.empty(pixels.shape, dtype=np.float32)
    _fill(shares, pixels)
    histograms = hog(shares, cell=settings.cell, block=settings.block, orientations=settings.orientations)
    return histograms.astype(np.float32)


def _fill(target: np.ndarray, pixels: np.ndarray) -> None:
    """Fill `target`, float32, with pixels in [0, 1]: uint8 of 255 (a quarter of the room while a part is read), float32 as they are."""
    values = pixels.reshape(target.shape)
    if pixels.dtype == np.uint8:
        np.divide(values, np.float32(255), out=target, dtype=np.float32)
    else:
        target[:] = values


def _pixels(encoded: bytes, settings: ImageSettings) -> np.ndarray:
    """Return (H, W, d), uint8 or of 16-bit greyscale float32 in [0, 1]; raise ValueError if the bytes are no readable image."""
    try:
        with Image.open(BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > settings.max_pixels:
                raise TooLarge(f"{image.height}×{image.width} pixels are more than max_pixels = {settings.max_pixels}")
            if settings.decode == "scaled" and image.format == "JPEG":
                _decode_less(image, settings.size)
            image.load()  # before its orientation is asked for: a TIFF file is turned as it is loaded
            turn = UPRIGHT.get(_orientation(image))
            picture = _flat(image if turn is None else image.transpose(turn), settings)
    except TooLarge:
        raise
    except UNREADABLE as error:
        reason = IN_MEMORY.sub("", str(error)).replace("\n", " ")
        raise ValueError(f"not a readable image of {len(encoded)} bytes ({type(error).__name__}: {reason})") from error
    array = _RESIZER.resized(picture, settings.size)
    if picture.mode == "F":
        return np.repeat(array[:, :, None], settings.n_colours, axis=2)
    return array.reshape(*settings.size, settings.n_colours)


def _decode_less(image: Image.Image, size: tuple[int, int]) -> None:
    """Have a JPEG decoded no larger than is of use."""
    height, width = size
    if _orientation(image) >= FIRST_ON_ITS_SIDE:
        height, width = width, height
    image.draft(None, (round(OVERSAMPLING * width), round(OVERSAMPLING * height)))


def _orientation(image: Image.Image) -> int:
    """Return the camera's orientation, 1 to 8; 1, upright, where the metadata do not say or are damaged: the pixels may be sound."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except UNREADABLE:
        return 1
    return found if isinstance(found, int) else 1


def _flat(image: Image.Image, settings: ImageSettings) -> Image.Image:
    """Return an opaque picture: mode L or RGB (0 to 255), or F (0 to 1) of 16-bit greyscale."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):  # Pillow's own conversion to 8 bits clips
        return Image.fromarray(np.asarray(image).astype(np.float32) / np.float32(65535))
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode!r} have no fixed range; save the image with 8 or 16 bits a channel")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, settings.background)
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    colours = image if image.mode == "RGB" else image.convert("RGB")
    return colours.convert("L") if settings.colour == "grey" else colours


def summarise(table: pa.Table, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return per picture: finite, length, min, max and contrast (max - min)."""
    vectors = column_values(table["vector"])
    low, high = vectors.min(axis=1).astype(np.float64), vectors.max(axis=1).astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    contrast = np.subtract(high, low, out=np.zeros_like(high), where=np.isfinite(high) & np.isfinite(low))
    return {"finite": finite, "length": np.full(len(vectors), vectors.shape[1]), "min": low, "max": high, "contrast": contrast}


LENGTH = "numbers in the vector"
# By `features`: what a number of the vector is, and what a vector of equal numbers would be.
NUMBER = {"pixels": "pixel value", "hog": "share of an orientation in its block"}
FLAT = {"pixels": "a picture of one colour", "hog": "a picture without edges"}


def expectations(metadata: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what must hold: all numbers there and in [0, 1]; few pictures of a single colour (`max_constant_share`)."""
    length = math.prod(metadata["shape"])
    kind, mostly = metadata["settings"]["features"], 1 - metadata["settings"]["max_constant_share"]
    contrast = f"largest minus smallest {NUMBER[kind]}; 0 is {FLAT[kind]}"
    return [
        ("expect_column_values_to_be_in_set", {"column": "finite", "value_set": [True]}),
        ("expect_column_values_to_be_between", {"column": "length", "min_value": length, "max_value": length, "notes": LENGTH}),
        (
            "expect_column_values_to_be_between",
            {"column": "min", "min_value": 0.0, "max_value": 1.0, "notes": f"smallest {NUMBER[kind]}"},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "max", "min_value": 0.0, "max_value": 1.0, "notes": f"largest {NUMBER[kind]}"},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "contrast", "min_value": 0.0, "strict_min": True, "mostly": mostly, "notes": contrast},
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
