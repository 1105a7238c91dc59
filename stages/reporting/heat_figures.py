"""Counts as shades: confusion of classes, predicted against true targets. The cells are one small image, a pixel each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stages.pages.drawing import (
    COLOURS,
    FONT,
    HEAT,
    REFERENCE,
    SMALL,
    WIDTH,
    axes_in,
    new_figure,
    shortened,
    text_width,
    write_name,
)
from stages.reporting.formatting import number

NAME = 120.0  # px, the longest name of a class
LARGEST_CELL, SMALLEST_CELL = 64.0, 11.0  # px
NUMBERS_UP_TO, ROOMY_UP_TO = 12, 20  # classes: with numbers in the cells; with large names
SMALLEST_FONT = 9.0  # px
TURNS: dict[int, dict[str, Any]] = {  # of the names over the cells
    0: {"ha": "center"},
    45: {"ha": "left", "rotation": 45, "rotation_mode": "anchor"},
    90: {"ha": "left", "rotation": 90, "rotation_mode": "anchor", "va": "center"},
}
ON_HEAT_FROM = 0.55  # share from which light text has the better contrast
LARGEST_PANEL, GAP, N_COLUMNS = 230.0, 34.0, 3  # px, px, panels in a row


def confusion_matrix(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Return a confusion matrix, rows true and columns predicted; shade is the share of the true class."""
    n, size = len(classes), FONT if len(classes) <= ROOMY_UP_TO else SMALLEST_FONT
    longest = max(text_width(shortened(name, NAME, size), size) for name in classes)
    left = max(50.0, longest + 12)
    cell = max(SMALLEST_CELL, min(LARGEST_CELL, (WIDTH - left) / n))
    turn = 0 if longest < cell - 3 else 45 if n <= ROOMY_UP_TO else 90
    rise = {0: 22.0, 45: 0.71 * longest + 18, 90: longest + 12}[turn]  # of the names over the cells
    reach = 0.71 * longest if turn == 45 else 6.0  # the last slanted name leans out to the right
    width, side = max(WIDTH, left + cell * n + reach), cell * n
    figure = new_figure(width, rise + 14 + side + 4)
    axes = axes_in(figure, left=left, right=width - left - side, top=rise + 14, bottom=4)
    table = np.array(counts, dtype=np.int64)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    _shades(axes, 0.05 + 0.95 * share, origin="upper")
    axes.set_axis_off()
    if n <= ROOMY_UP_TO:
        for lines in (axes.hlines, axes.vlines):
            lines(np.arange(n + 1) - 0.5, -0.5, n - 0.5, color=COLOURS["paper"], linewidth=1.5, clip_on=False)
    for place, name in enumerate(classes):
        write_name(axes, name, (-6 / side, place), NAME, fontsize=size, ha="right", va="center_baseline",
                   transform=axes.get_yaxis_transform())
        write_name(axes, name, (place, 1 + 6 / side), NAME, fontsize=size, **TURNS[turn], transform=axes.get_xaxis_transform())
    muted: dict[str, Any] = {"fontsize": SMALL, "color": COLOURS["muted"], "transform": axes.transAxes}
    axes.text(0, 1 + (rise + 3) / side, "predicted →", **muted)
    axes.text(-6 / side, 1 + 6 / side, "true ↓", ha="right", **muted)
    if n <= NUMBERS_UP_TO and text_width(f"{table.max():,}", SMALL) < cell - 3:
        _numbers(axes, table, share)
    return figure


def _numbers(axes: Axes, table: np.ndarray, share: np.ndarray) -> None:
    for i, j in np.argwhere(table):
        colour = COLOURS["on-heat" if share[i, j] > ON_HEAT_FROM else "ink"]
        axes.text(j, i, f"{table[i, j]:,}", ha="center", va="center_baseline", fontsize=SMALL, color=colour)


def _shades(axes: Axes, strength: np.ndarray, origin: str) -> None:
    """Draw cells of one colour; strength: float (n_rows, n_columns), from 0, transparent, to 1."""
    pixels = np.empty((*strength.shape, 4), np.uint8)
    pixels[..., :3] = HEAT
    pixels[..., 3] = np.rint(255 * strength)
    axes.imshow(pixels, interpolation="none", origin=origin, aspect="auto", clip_on=False)  # type: ignore[arg-type]


def agreement_panels(cells: Mapping[str, Sequence[Sequence[int]]], ranges: Mapping[str, tuple[float, float]], *, n_bins: int) -> Figure:
    """Return a panel per target: rows by bin of the true value (x) and of the predicted one (y), equality dashed."""
    n_columns = min(N_COLUMNS, len(cells))
    side = min(LARGEST_PANEL, WIDTH / n_columns - GAP)
    n_lines = -(-len(cells) // n_columns)
    width, height = WIDTH, (side + 56) * n_lines
    figure = new_figure(width, height)
    for place, (name, counts) in enumerate(cells.items()):
        left, top = GAP / 2 + 4 + (side + GAP) * (place % n_columns), 22 + (side + 56) * (place // n_columns)
        axes = axes_in(figure, left=left, right=width - left - side, top=top, bottom=height - top - side)
        _panel(axes, counts, ranges[name], n_bins)
        write_name(axes, name, (0, 1 + 7 / side), side + GAP - 8, transform=axes.transAxes)
    return figure


def _panel(axes: Axes, counts: Sequence[Sequence[int]], ends: tuple[float, float], n_bins: int) -> None:
    rows = np.zeros((n_bins, n_bins))
    for true, predicted, n in counts:
        rows[predicted, true] = n
    strength = np.where(rows > 0, 0.12 + 0.88 * np.sqrt(rows / max(rows.max(), 1)), 0)
    _shades(axes, strength, origin="lower")
    outermost = (-0.5, n_bins - 0.5)
    axes.plot(outermost, outermost, **REFERENCE)
    axes.set_axis_off()
    axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=COLOURS["grid"], transform=axes.transAxes, clip_on=False))
    muted: dict[str, Any] = {"fontsize": SMALL, "color": COLOURS["muted"], "transform": axes.transAxes}
    below = -6 / axes.bbox.height
    for x, text, side in ((0, number(ends[0]), "left"), (0.5, "true", "center"), (1, number(ends[1]), "right")):
        axes.text(x, below, text, ha=side, va="top", **muted)
    axes.text(below, 0.5, "predicted", rotation=90, rotation_mode="anchor", ha="center", va="baseline", **muted)
