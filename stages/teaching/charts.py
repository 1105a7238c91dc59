"""Charts of lessons, in the report's style. Everything is told apart without colour, too: by dashes, marks and names at the lines.

matplotlib takes half a second to import: drawing does, so that checking settings does not wait for it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stages.contracts.lesson import Measured, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1)), (0, (9, 3)))
MARKS = "os^Dv*PX"
LEFT, RIGHT, TOP, BOTTOM, PLOT = 52.0, 22.0, 28.0, 46.0, 190.0  # px
LEGEND_ROW = 17.0  # px
ROW = 26.0  # px, of a measured number
LOG_TICKS = 6  # most decades that are named


class Line(NamedTuple):
    """A named curve. lo, hi: a band around it. dots: whether its points are marked."""

    name: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    lo: Sequence[float] | np.ndarray | None = None
    hi: Sequence[float] | np.ndarray | None = None
    dots: bool = False


def new_axes(x_label: str, y_label: str, *, height: float = PLOT, width: float = 400.0, n_names: int = 0) -> "tuple[Figure, Axes]":
    """Return a figure with one pair of axes, its y label above; n_names: in the legend, for which room is left."""
    from stages.pages.drawing import COLOURS, SMALL, axes_in, new_figure

    top = TOP + LEGEND_ROW * -(-n_names // 2)
    figure = new_figure(width, top + height + BOTTOM)
    axes = axes_in(figure, left=LEFT, right=RIGHT, top=top, bottom=BOTTOM)
    axes.text(-LEFT / axes.bbox.width, 1 + 8 / height, y_label, fontsize=SMALL, color=COLOURS["muted"], transform=axes.transAxes)
    axes.set_xlabel(x_label)
    return figure, axes


def line_chart(lines: Sequence[Line], x_label: str, y_label: str, *, log: str = "", limits: tuple[float, float] | None = None) -> "Figure":
    """Return curves, each with a dash pattern and a colour of its own, named in a legend if there are several.

    Args:
        log: the axes that are logarithmic: "", "x", "y" or "xy". limits: of the y axis; default: all of the curves.
    """
    from stages.pages.drawing import SERIES

    figure, axes = new_axes(x_label, y_label, n_names=len(lines) if len(lines) > 1 else 0)
    handles = []
    for place, line in enumerate(lines):
        colour, dashes = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
        if line.lo is not None and line.hi is not None:
            axes.fill_between(line.x, line.lo, line.hi, color=colour, alpha=0.16, linewidth=0)
        mark: dict[str, Any] = {"marker": MARKS[place % len(MARKS)], "markersize": 5, "markeredgewidth": 0} if line.dots else {}
        handles += axes.plot(line.x, line.y, color=colour, linestyle=dashes, **mark)
    if len(lines) > 1:
        figure.legend(handles, [line.name for line in lines], loc="upper left", bbox_to_anchor=(0, 1), ncols=2)
    axes.margins(x=0.02, y=0.06)
    if limits is not None:
        axes.set_ylim(*limits)
    for axis in "xy":
        scaled(axes, axis, log=axis in log)
    return figure


def scaled(axes: "Axes", axis: str, *, log: bool) -> None:
    """Put round numbers and a grid on an axis, linear or logarithmic."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    from stages.pages.drawing import value_ticks

    if not log:
        value_ticks(axes, axis)
        return
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    numbers = axes.xaxis if axis == "x" else axes.yaxis
    numbers.set_major_locator(LogLocator(numticks=LOG_TICKS))
    numbers.set_major_formatter(FuncFormatter(lambda value, _: written(value).removeprefix("1 × ")))
    numbers.set_minor_formatter(NullFormatter())
    numbers.set_tick_params(which="minor", length=0)
    numbers.grid(visible=True, which="major")


def dots_of(numbers: Mapping[str, Measured], x_label: str, *, log: bool = False, reference: float | None = None) -> "Figure":
    """Return measured numbers as dots with their intervals, a row each. numbers: name → number."""
    from stages.pages.drawing import COLOURS, REFERENCE, axes_in, new_figure, text_width

    left = 16 + max(text_width(name) for name in numbers)
    figure = new_figure(400.0, TOP / 2 + ROW * len(numbers) + BOTTOM)
    axes = axes_in(figure, left=left, right=RIGHT, top=TOP / 2, bottom=BOTTOM)
    for row, (name, number) in enumerate(numbers.items()):
        axes.plot([number.lo, number.hi], [row, row], color=COLOURS["c0"])
        axes.plot([number.mean], [row], "o", color=COLOURS["c0"], markeredgewidth=0, clip_on=False)
        axes.text(-left / axes.bbox.width, row, name, transform=axes.get_yaxis_transform(), va="center")
    axes.set_ylim(len(numbers) - 0.5, -0.5)
    axes.set_yticks([])
    axes.margins(x=0.05)
    if reference is not None:
        axes.axvline(reference, **REFERENCE)
    axes.set_xlabel(x_label)
    scaled(axes, "x", log=log)
    return figure


def region_map(codes: np.ndarray, points: np.ndarray, classes: np.ndarray, *, limits: tuple[float, float, float, float],
               boundary: bool = True) -> "tuple[Figure, Axes]":
    """Return a plane that is coloured by the predicted class, with the training points on it, marked by their class.

    Args:
        codes: int (n_y, n_x), class of each cell, the first row at the bottom. points: (n, 2). classes: int (n,), of the points.
        limits: x from, to, y from, to. boundary: whether regions are separated by a line.
    """
    from stages.pages.drawing import COLOURS, SERIES

    figure, axes = new_axes("x₁", "x₂", height=250.0, width=330.0)
    shades = np.array([[int(colour[place:place + 2], 16) for place in (1, 3, 5)] for colour in SERIES]) / 255
    light = 1 - (1 - shades) * np.linspace(0.30, 0.12, len(SERIES))[:, None]  # of different brightness, too
    axes.imshow(light[codes], origin="lower", extent=limits, aspect="auto", interpolation="nearest")
    if boundary:
        xs, ys = (np.linspace(limits[k], limits[k + 1], codes.shape[1 - k // 2]) for k in (0, 2))
        for code in np.unique(codes)[:-1]:
            axes.contour(xs, ys, (codes <= code).astype(float), levels=[0.5], colors=COLOURS["ink"], linewidths=0.8)
    for code in np.unique(classes):
        at = points[classes == code]
        look = {"color": SERIES[code], "markersize": 7, "markeredgecolor": COLOURS["paper"], "markeredgewidth": 0.7}
        axes.plot(at[:, 0], at[:, 1], MARKS[code], **look)
    axes.set_xlim(limits[0], limits[1])
    axes.set_ylim(limits[2], limits[3])
    for axis in "xy":
        scaled(axes, axis, log=False)
    axes.grid(visible=False)
    return figure, axes


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], x_label: str, *, texts: Sequence[Sequence[str]]) -> "Figure":
    """Return a table of shades with the numbers on them; darker is more; NaN is left white.

    Args:
        values: (n_rows, n_columns). texts: what is written on each cell.
    """
    from matplotlib.colors import LinearSegmentedColormap

    from stages.pages.drawing import COLOURS, axes_in, new_figure, text_width

    left = 14 + max(text_width(row) for row in rows)
    figure = new_figure(max(400.0, left + 56.0 * len(columns)), TOP / 2 + 30.0 * len(rows) + BOTTOM)
    axes = axes_in(figure, left=left, right=RIGHT / 2, top=TOP / 2, bottom=BOTTOM)
    finite = values[np.isfinite(values)]
    lo, hi = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    shades = LinearSegmentedColormap.from_list("heat", [(0.93, 0.95, 0.98), (0x2C / 255, 0x70 / 255, 0xBD / 255)])
    axes.imshow(np.ma.masked_invalid(values), cmap=shades, vmin=lo, vmax=hi if hi > lo else lo + 1, aspect="auto")
    for row, column in np.ndindex(values.shape):
        is_dark = np.isfinite(values[row, column]) and values[row, column] > lo + 0.55 * (hi - lo)
        axes.text(column, row, texts[row][column], ha="center", va="center", fontsize=10,
                  color=COLOURS["on-heat"] if is_dark else "#1c2431")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xticks(range(len(columns)), list(columns))
    axes.set_xlabel(x_label)
    return figure
