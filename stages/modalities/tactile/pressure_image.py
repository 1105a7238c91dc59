"""An image of a sample's pressure for a page."""

from collections.abc import Sequence

import numpy as np

from stages.contracts.documents.gallery_document import ImageExhibit
from stages.samples.exhibits import image_of


def show_pressure(value: Sequence[Sequence[Sequence[float | None]]]) -> ImageExhibit:
    """Return each sensor's greatest pressure over the frames (T, H, W), the strongest black; missing readings are white."""
    frames = np.array(value, dtype=object).astype(np.float64)  # None becomes NaN
    if frames.ndim != 3 or not frames.size:
        raise ValueError("there is no frame")
    strongest = np.where(np.isfinite(frames), frames, 0.0).max(axis=0)
    return image_of(np.rint(255 * (1 - strongest / max(strongest.max(), np.finfo(np.float64).tiny))).astype(np.uint8))
