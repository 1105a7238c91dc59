"""What a page shows of one sample, by kind of column: bounded, and made of text and numbers alone.

Each function takes a value as `to_pylist` returns it. Images, sounds and frames of pressure are shown by their modalities.
"""

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from stages.contracts.documents.gallery_document import (
    ImageExhibit,
    LinesExhibit,
    PointsExhibit,
    TableExhibit,
    TextExhibit,
)

MOST_CHARACTERS, MOST_CELLS, CELL = 400, 24, 80
MOST_CHANNELS, MOST_PARTS, MOST_POINTS = 6, 120, 300
SIDE = 128  # px, of the longer side of an image


def cut(text: str, most: int) -> str:
    """Return the beginning of a text, the cut shown."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def show_text(value: Any) -> TextExhibit:
    """Return the beginning of a document, of an utterance with its speaker, or a word in brackets between its neighbors."""
    if isinstance(value, Mapping):
        text = f"{value['speaker']}: {value['text']}" if value.get("speaker") else str(value.get("text"))
    elif isinstance(value, list):
        text = " ".join(f"[{word}]" if place == len(value) // 2 else word for place, word in enumerate(value) if word is not None)
    else:
        text = str(value)
    return TextExhibit(text=cut(text, MOST_CHARACTERS), n_characters=len(text))


def show_row(value: Mapping[str, Any]) -> TableExhibit:
    """Return the first cells of a row."""
    return cells_of([(name, written(cell)) for name, cell in value.items()])


def cells_of(cells: Sequence[tuple[str, str]]) -> TableExhibit:
    """Return the first cells, their names and values cut."""
    return TableExhibit(cells=tuple((cut(name, CELL), cut(text, CELL)) for name, text in cells[:MOST_CELLS]), n_cells=len(cells))


def written(value: Any) -> str:
    """Return a cell as text: numbers with six digits, "missing" for null and NaN."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def show_series(value: Sequence[Sequence[float | None]]) -> LinesExhibit:
    """Return the first channels of a series (n, c)."""
    series = np.array([[np.nan if number is None else number for number in point] for point in value], dtype=np.float64)
    series = series.reshape(len(value), -1)
    lines = [means_of_parts(channel) for channel in series.T[:MOST_CHANNELS]]
    return LinesExhibit(lines=tuple(lines), n_channels=series.shape[1], n_points=len(series))


def means_of_parts(values: np.ndarray) -> tuple[float | None, ...]:
    """Return the means of at most MOST_PARTS equal parts of (n,), with four digits; None where nothing is known."""
    parts = np.array_split(values, min(len(values), MOST_PARTS)) if len(values) else []
    found = []
    for part in parts:
        known = part[np.isfinite(part)]
        found.append(float(f"{known.mean():.4g}") if known.size else None)
    return tuple(found)


def show_points(value: Sequence[Sequence[float]]) -> PointsExhibit:
    """Return the first two coordinates of a set's points (n, c), of many evenly spaced ones; a single coordinate stands over 0."""
    points = np.array(value, dtype=np.float64).reshape(len(value), -1)
    kept = points[np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))] if len(points) else points
    pairs = np.hstack([kept, np.zeros((len(kept), 1))])[:, :2]
    return PointsExhibit(points=tuple((float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in pairs), n_points=len(points))


def show_graph(value: Mapping[str, Any]) -> TableExhibit:
    """Return how large a graph is, and its most frequent labels."""
    facts = [("nodes", str(value["n_nodes"])), ("edges", str(len(value["source"]))), ("directed", "yes" if value["directed"] else "no")]
    for field, name in (("node_labels", "nodes by label"), ("edge_labels", "edges by label")):
        if value.get(field):
            ranked = sorted(Counter(value[field]).items(), key=lambda found: (-found[1], str(found[0])))
            facts.append((name, ", ".join(f"{label} {n}" for label, n in ranked[:8])))
    return cells_of(facts)


def show_vector(value: Any) -> TableExhibit:
    """Return the first numbers of a dense vector, or the largest of a sparse one, and what they are like."""
    numbers = np.array(value["values"] if isinstance(value, Mapping) else value, dtype=np.float64)
    if isinstance(value, Mapping):
        order = np.argsort(-numbers, kind="stable")[:8]
        what, named = "numbers that are not 0", [(f"number {value['indices'][i]}", written(float(numbers[i]))) for i in order]
    else:
        what, named = "numbers", [(f"number {i}", written(number)) for i, number in enumerate(numbers[:8].tolist())]
    return cells_of([(what, str(len(numbers))), ("length", written(float(np.sqrt((numbers**2).sum())))), *named])


def image_of(pixels: np.ndarray) -> ImageExhibit:
    """Return pixels, uint8 (H, W) or (H, W, 3), as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return ImageExhibit(png=base64.b64encode(buffer.getvalue()).decode(), height=pixels.shape[0], width=pixels.shape[1])


def reduced(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of an image whose longer side is at most SIDE."""
    scale = min(1.0, SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
