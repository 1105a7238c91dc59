"""Weights of features that have places, as images for a page: zero is grey, and the largest size of a weight has full color."""

import base64
import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from stages.contracts.documents.weights_document import WeightImage
from stages.samples.exhibits import reduced

ZERO, ABOVE, BELOW = (np.array(colour, np.float64) for colour in ((190, 190, 190), (178, 24, 43), (33, 102, 172)))
GAP = 255  # white, between images


def signed_image(parts: Sequence[np.ndarray], *, names: tuple[str, ...] = ()) -> WeightImage:
    """Return grids of weights (h, w) next to one another: red above zero, blue below, all on one scale."""
    limit = max(float(np.abs(part).max(initial=0.0)) for part in parts)
    drawn = []
    for part in parts:
        share = part[:, :, None] / (limit or 1.0)
        drawn.append(ZERO + np.where(share > 0, share * (ABOVE - ZERO), -share * (BELOW - ZERO)))
        drawn.append(np.full((part.shape[0], 1, 3), GAP))
    return _image(np.hstack(drawn[:-1]), limit, "signed", names)


def channel_image(weights: np.ndarray) -> WeightImage:
    """Return the weights of colors (h, w, 3) as a color image: each channel is brighter than grey where its weight is above zero."""
    limit = float(np.abs(weights).max(initial=0.0))
    return _image(127.5 + 127.5 * weights / (limit or 1.0), limit, "channels", ())


def _image(pixels: np.ndarray, limit: float, colours: Literal["signed", "channels"], names: tuple[str, ...]) -> WeightImage:
    image = Image.fromarray(np.rint(pixels).astype(np.uint8))
    height, width = reduced(image.height, image.width)
    if (height, width) != (image.height, image.width):
        image = image.resize((width, height), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode()
    return WeightImage(png=png, height=height, width=width, limit=limit, colours=colours, parts=names)
