"""A small copy of an image for a page."""

from io import BytesIO

import numpy as np
from PIL import Image

from stages.contracts.documents.gallery_document import ImageExhibit
from stages.modalities.image.decoding import FIRST_ROTATED, FORMATS, PILLOW_WARNINGS, UNREADABLE, decode_image, orientation
from stages.modalities.image.image_settings import ImageSettings
from stages.samples.exhibits import image_of, reduced


def show_image(encoded: bytes) -> ImageExhibit:
    """Return the image in its own shape, upright, on white; raise ValueError if it cannot be read."""
    with PILLOW_WARNINGS.filtered():
        try:
            with Image.open(BytesIO(encoded), formats=FORMATS) as image:
                height, width = image.height, image.width
                if orientation(image) >= FIRST_ROTATED:
                    height, width = width, height
        except UNREADABLE as error:
            raise ValueError(f"not a readable image ({type(error).__name__})") from error
        pixels = decode_image(encoded, ImageSettings.model_validate({"size": reduced(height, width), "decode": "scaled"}))
    if pixels.dtype != np.uint8:  # 16-bit greyscale, in [0, 1]
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return image_of(np.ascontiguousarray(pixels))
