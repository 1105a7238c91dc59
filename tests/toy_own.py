"""A person's own samples, synthetic: one table of things, three data sets drawn from it, seven modalities and three tasks among them.

Each thing's kind can be told from each of its modalities, though not from every one of its samples.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from toy_columns import tone, wav

N = 48
SOURCE = {"table": "data/raw/things.jsonl"}
SHARED: dict[str, Any] = {"source": SOURCE, "group": "maker", "id": "name"}
DATASETS: dict[str, Any] = {
    "sounds": SHARED | {
        "target": {"column": "loud", "task": "binary"},
        "modalities": {"sound": {"modality": "audio", "files": "sounds/{id}.wav"}, "shake": {"modality": "series", "column": "shake"},
                       "code": {"modality": "vector", "column": "code"}},
    },
    "marks": SHARED | {
        "target": {"column": "marks", "task": "multilabel", "empty": "none"},
        "modalities": {"facts": {"modality": "table", "columns": ["price", "shop"]}, "corners": {"modality": "set", "column": "corners"}},
    },
    "sizes": SHARED | {
        "target": {"columns": ["length", "mass"], "task": "regression"},
        "modalities": {"grip": {"modality": "tactile", "column": "grip"}, "joints": {"modality": "graph", "column": "joints"}},
    },
}  # fmt: skip
FEATURES: dict[str, Any] = {
    "sounds-sound": {"dataset": "sounds", "modality": "audio", "rate_hz": 8000},
    "sounds-shake": {"dataset": "sounds", "modality": "series"},
    "sounds-code": {"dataset": "sounds", "modality": "vector", "normalize": "l2"},
    "marks-facts": {"dataset": "marks", "modality": "table"},
    "marks-corners": {"dataset": "marks", "modality": "set"},
    "sizes-grip": {"dataset": "sizes", "modality": "tactile", "size": [4, 4]},
    "sizes-joints": {"dataset": "sizes", "modality": "graph"},
}


def write(folder: Path) -> None:
    """Write the table and its sounds below `folder`, a workspace."""
    table = folder / SOURCE["table"]
    (table.parent / "sounds").mkdir(parents=True)
    random = np.random.default_rng(3)
    lines = []
    for number in range(N):
        lines.append(json.dumps(thing(number, random)))
        sound = tone(300 + 300 * (number % 2), 8000) * (0.4 + 0.1 * (number % 3)) + 0.02 * random.standard_normal(1600)
        (table.parent / "sounds" / f"thing{number:02d}.wav").write_bytes(wav(sound, 8000))
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


def thing(number: int, random: np.random.Generator) -> dict[str, Any]:
    """Return thing `number`, whose kind is its number modulo 3 and which is loud where that is odd."""
    kind, loud = number % 3, number % 2
    return {
        "name": f"thing{number:02d}",
        "maker": f"maker {number // 2}",
        "loud": "yes" if loud else "no",
        "marks": ["round", "round;red", "red;heavy"][kind] if number else "",
        "length": round(10 * kind + random.normal(), 3),
        "mass": round(5 - kind + random.normal(), 3),
        "price": None if number == 5 else round(3 * kind + random.normal(), 2),
        "shop": "abc"[kind],
        "shake": noise(random, (20 + number % 5, 2), 1 + 2 * loud),
        "code": [round(float(value) + 2 * loud, 3) for value in np.random.default_rng(number).standard_normal(6)],
        "corners": noise(random, (8 + kind + number % 2, 3), 1 + kind),
        "grip": np.abs(noise(random, (6 + number % 3, 4, 4), 1 + kind)).round(3).tolist(),
        "joints": {"nodes": [{"id": node, "size": noise(random, (), kind + 1)} for node in range(4 + kind)],
                   "links": [{"source": node, "target": node + 1} for node in range(3 + kind)] + [{"source": 0, "target": 2 + number % 2}]},
    }  # fmt: skip


def noise(random: np.random.Generator, shape: tuple[int, ...], spread: float) -> Any:
    values: list[Any] = (spread * random.standard_normal(shape)).round(3).tolist()
    return values
