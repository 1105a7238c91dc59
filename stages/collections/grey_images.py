"""Write grey pictures as the image files that the image modality reads."""

import io

import numpy as np


def png(picture: np.ndarray) -> bytes:
    """Return a uint8 (H, W) picture as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def pgm(picture: np.ndarray) -> bytes:
    """Return a uint8 (H, W) picture as a binary PGM file: a header of one line, then the pixels.

    Written and read some twenty times faster than PNG; for data sets of many small pictures, where a smaller file saves little.
    """
    height, width = picture.shape
    return b"P5 %d %d 255\n" % (width, height) + picture.tobytes()
