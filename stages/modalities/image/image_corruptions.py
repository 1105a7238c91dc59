"""What can happen to an image: noise, blur, occlusion, rotation. The result is a PNG of the image's own size, upright, grey or colour.

16-bit greyscale keeps its depth. Transparency stays where it is (blur and rotation move it along), so that noise shows where the image
does; what covers a part of the image is opaque.
"""

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from PIL import Image

from stages.contracts.corruption import CorruptColumn, Corruption, Reference
from stages.modalities.image.decoding import PILLOW_WARNINGS, depth_of, read_image
from stages.samples.sample_changes import each_sample

MAX_PIXELS = 89_000_000  # the most that settings can allow
OCCLUDER = 0.5  # grey
WITH_ALPHA = 4  # channels

OneImage = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def with_noise(pixels: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return pixels (H, W, d) with Gaussian noise of standard deviation `strength`, of full scale 1, in each color."""
    noisy = pixels.copy()
    colours = noisy[:, :, : n_colours(pixels)]
    colours += np.float32(strength) * random.standard_normal(colours.shape, dtype=np.float32)
    return noisy


def with_salt_and_pepper(pixels: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return pixels (H, W, d) of which each is black or white with probability `strength`."""
    chance, is_white = random.random(pixels.shape[:2], dtype=np.float32), random.random(pixels.shape[:2], dtype=np.float32) < 0.5
    speckled = pixels.copy()
    hit = chance < strength
    speckled[hit, : n_colours(pixels)] = is_white[hit, None]
    return speckled


def blurred(pixels: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return pixels (H, W, d) after a Gaussian filter of standard deviation `strength` · the longer side."""
    from scipy.ndimage import gaussian_filter  # here: only corrupting needs it

    sigma = strength * max(pixels.shape[:2])
    return _straight(gaussian_filter(_premultiplied(pixels), (sigma, sigma, 0), mode="nearest"))


def occluded(pixels: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return pixels (H, W, d) of which a grey rectangle of the image's proportions covers the share `strength`."""
    place = random.random(2)
    sides = [round(side * math.sqrt(strength)) for side in pixels.shape[:2]]
    top, left = (int(at * (whole - side)) for at, whole, side in zip(place, pixels.shape[:2], sides, strict=True))
    covered = pixels.copy()
    covered[top : top + sides[0], left : left + sides[1], : n_colours(pixels)] = OCCLUDER
    covered[top : top + sides[0], left : left + sides[1], n_colours(pixels) :] = 1.0
    return covered


def rotated(pixels: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return pixels (H, W, d) turned by `strength` degrees around the centre, left or right; beyond the image, its edge continues."""
    from scipy.ndimage import rotate

    degrees = strength * float(random.choice([-1.0, 1.0]))
    return _straight(rotate(_premultiplied(pixels), degrees, axes=(1, 0), reshape=False, order=1, mode="nearest"))


def n_colours(pixels: np.ndarray) -> int:
    """Return how many of the channels are colors: all but alpha."""
    return min(pixels.shape[2], WITH_ALPHA - 1)


def _premultiplied(pixels: np.ndarray) -> np.ndarray:
    """Return colors weighted by alpha, so that a transparent pixel has none."""
    return pixels if pixels.shape[2] < WITH_ALPHA else np.concatenate([pixels[:, :, :3] * pixels[:, :, 3:], pixels[:, :, 3:]], axis=2)


def _straight(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] < WITH_ALPHA:
        return pixels
    alpha = pixels[:, :, 3:]
    return np.concatenate([np.divide(pixels[:, :, :3], alpha, out=np.zeros_like(pixels[:, :, :3]), where=alpha > 0), alpha], axis=2)


def _each(change: OneImage) -> CorruptColumn:
    """Return the change of a column of files from that of one image's pixels, float32 (H, W, d) in [0, 1], d: grey 1, RGB 3, RGBA 4."""

    def one(encoded: bytes, strength: float, random: np.random.Generator) -> bytes:
        image = read_image(encoded, _plain, max_pixels=MAX_PIXELS)
        most = depth_of(image)
        pixels = np.asarray(image).astype(np.float32).reshape(image.height, image.width, -1) / np.float32(most)
        changed = np.rint(np.clip(change(pixels, strength, random), 0, 1) * most).astype(np.uint16 if most > 255 else np.uint8)
        file = io.BytesIO()
        # not compressed: noise hardly shrinks, and nobody keeps the file
        Image.fromarray(changed[:, :, 0] if changed.shape[2] == 1 else changed).save(file, "PNG", compress_level=0)
        return file.getvalue()

    def changed(column: pa.Array, strength: float, randoms: Sequence[np.random.Generator], reference: Reference) -> pa.Array:
        with PILLOW_WARNINGS.filtered():
            return each_sample(one)(column, strength, randoms, reference)

    return changed


def _plain(image: Image.Image) -> Image.Image:
    """Return an image with the pixels that featurizing sees before it removes transparency: mode L, RGB, RGBA or 16-bit greyscale."""
    if depth_of(image) > 255:
        return Image.fromarray(np.asarray(image).astype(np.uint16))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


CORRUPTIONS = (
    Corruption(
        name="gaussian_noise",
        what="Gaussian noise is added to each color of each pixel",
        unit="standard deviation of the noise, of full scale 1",
        largest=1.0,
        strengths=(0.05, 0.1, 0.2),
        change=_each(with_noise),
    ),
    Corruption(
        name="salt_and_pepper",
        what="pixels are black or white",
        unit="probability of a pixel to be replaced",
        largest=1.0,
        strengths=(0.02, 0.05, 0.1),
        change=_each(with_salt_and_pepper),
    ),
    Corruption(
        name="blur",
        what="a Gaussian filter",
        unit="standard deviation of the filter as a share of the longer side",
        largest=0.5,
        strengths=(0.02, 0.04, 0.08),
        change=_each(blurred),
    ),
    Corruption(
        name="occlusion",
        what="a grey rectangle covers a random part of the image",
        unit="share of the image that is covered",
        largest=1.0,
        strengths=(0.1, 0.25, 0.5),
        change=_each(occluded),
    ),
    Corruption(
        name="rotation",
        what="the image is turned, left or right; its edge continues",
        unit="degrees",
        largest=180.0,
        strengths=(10.0, 20.0, 45.0),
        change=_each(rotated),
    ),
)
