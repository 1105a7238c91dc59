"""Decode an image file to pixels of the declared size and color mode, by Pillow."""

import re
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from stages.modalities.image.image_settings import ImageSettings
from stages.samples.file_kinds import foreign_kind

# Listed, because Pillow would also open formats that start other programs (EPS runs Ghostscript).
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
# What Pillow raises on damaged files.
UNREADABLE = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, MemoryError,
    struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
IN_MEMORY = re.compile(r" <[^<>]* at 0x[0-9a-f]+>")  # addresses in Pillow's messages, which differ between runs
ORIENTATION = 0x0112  # EXIF's tag
FIRST_ROTATED = 5  # orientations 5 to 8 exchange height and width
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
PLAIN, MAX_PLAIN = (b"P1", b"P2", b"P3"), 2**18  # PPM of digits: Pillow reads them in Python, 0.1 MB in a second
OVERSAMPLING = 1.5  # `decode: scaled`: minimum side of the decoded image / side of `size`


class TooManyPixelsError(ValueError):
    """An image has more pixels than `max_pixels`."""


class PillowWarnings:
    """Filters Pillow's warnings while any thread decodes: `warnings.catch_warnings` acts on all threads, but is not thread-safe."""

    def __init__(self) -> None:
        self.lock, self.n_inside, self.stack = threading.Lock(), 0, ExitStack()

    @contextmanager
    def filtered(self) -> Iterator[None]:
        """Ignore warnings about damaged metadata; raise the one about too many pixels."""
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


PILLOW_WARNINGS = PillowWarnings()


def decode_image(encoded: bytes, settings: ImageSettings) -> np.ndarray:
    """Return (H, W, d), uint8, or float32 in [0, 1] for 16-bit greyscale; raise ValueError if the bytes are not a readable image."""
    scaled_to = settings.size if settings.decode == "scaled" else None
    opaque = read_image(encoded, lambda image: _opaque(image, settings), max_pixels=settings.max_pixels, scaled_to=scaled_to)
    height, width = settings.size
    pixels = np.asarray(opaque.resize((width, height), Image.Resampling.BILINEAR))
    if opaque.mode == "F":
        return np.repeat(pixels[:, :, None], settings.n_channels, axis=2)
    return pixels.reshape(height, width, settings.n_channels)


def read_image(
    encoded: bytes, convert: Callable[[Image.Image], Image.Image], *, max_pixels: int, scaled_to: tuple[int, int] | None = None
) -> Image.Image:
    """Return `convert` of the decoded, upright image; raise ValueError if the bytes are not a readable image, or it has too many pixels.

    Args:
        scaled_to: height and width for which a JPEG may be decoded at a reduced scale.
    """
    try:
        with Image.open(BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise TooManyPixelsError(f"{image.height}×{image.width} pixels are more than max_pixels = {max_pixels}")
            if len(encoded) > MAX_PLAIN and encoded[:2] in PLAIN:
                raise ValueError(f"PPM with pixels written as text, of more than {MAX_PLAIN:,} bytes; save it as PNG")
            if scaled_to is not None and image.format == "JPEG":
                _decode_scaled(image, scaled_to)
            image.load()  # before the orientation is read: loading a TIFF file rotates it
            rotation = UPRIGHT.get(orientation(image))
            return convert(image if rotation is None else image.transpose(rotation))
    except TooManyPixelsError:
        raise
    except UNREADABLE as error:
        kind = foreign_kind(encoded, "image") if isinstance(error, UnidentifiedImageError) else None
        if kind is not None:
            raise ValueError(f"not a readable image of {len(encoded)} bytes: {kind}") from error
        reason = IN_MEMORY.sub("", str(error)).replace("\n", " ")
        raise ValueError(f"not a readable image of {len(encoded)} bytes ({type(error).__name__}: {reason})") from error


def _decode_scaled(image: Image.Image, size: tuple[int, int]) -> None:
    """Set a JPEG to be decoded at the smallest sufficient scale."""
    height, width = size
    if orientation(image) >= FIRST_ROTATED:
        height, width = width, height
    image.draft(None, (round(OVERSAMPLING * width), round(OVERSAMPLING * height)))


def orientation(image: Image.Image) -> int:
    """Return the camera's orientation, 1 to 8; 1 (upright) if the metadata lack it or are damaged."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except UNREADABLE:
        return 1
    return found if isinstance(found, int) else 1


def depth_of(image: Image.Image) -> int:
    """Return the largest value of a pixel: 255, or 65535 of 16-bit greyscale; raise ValueError if there is no fixed range."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        return 65535
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode!r} have no fixed range; save the image with 8 or 16 bits per channel")
    return 255


def _opaque(image: Image.Image, settings: ImageSettings) -> Image.Image:
    """Return an image without transparency: mode L or RGB (0 to 255), or F (0 to 1) for 16-bit greyscale."""
    if depth_of(image) > 255:  # Pillow's own conversion to 8 bits clips
        return Image.fromarray(np.asarray(image).astype(np.float32) / np.float32(65535))
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, settings.background)
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return rgb.convert("L") if settings.colour == "grey" else rgb
