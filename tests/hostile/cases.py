"""All hostile inputs by name, with the error that is expected, a regular expression."""

from hostile import Case, media, params
from hostile.samples import FILES, IMAGES, SOUNDS
from hostile.tables import FOLDERS, PARAMS, SOUND, TABLES

__all__ = ["CASES", "SOUND"]

CASES: dict[str, tuple[Case, str]] = {
    **{f"params.yaml: {name}": (params(text), reason) for name, (text, reason) in PARAMS.items()},
    **TABLES,
    **FOLDERS,
    **{name: (media("audio", raw), reason) for name, (raw, reason) in SOUNDS.items()},
    **{name: (media("image", raw), reason) for name, (raw, reason) in IMAGES.items()},
    **FILES,
}
