"""Dots on rows: the leaderboard with its intervals, and labels or targets one by one."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.pages.drawing import (
    COLOURS,
    REFERENCE,
    TOOLTIP,
    WIDTH,
    axes_in,
    new_figure,
    padded,
    printable,
    text_width,
    value_ticks,
    write_name,
)
from stages.reporting.formatting import interval, number

ROW = 23.0  # px
NAME = 190.0  # px, the longest name
VALUES = 58.0  # px to the right of the dots


class ScoreDot(NamedTuple):
    """A row of the leaderboard."""

    name: str
    mean: float
    lo: float | None
    hi: float | None
    colour: str


def interval_dots(scores: Sequence[ScoreDot], *, x_label: str, reference: float | None) -> Figure:
    """Return a dot with its interval for each score, the best at the top, and the reference as a dashed line."""
    figure, axes = _rows([score.name for score in scores], x_label, WIDTH + 100)
    _draw_scores(axes, scores, reference)
    return figure


def subset_dots(
    members: Sequence[str], rows: Sequence[tuple[Sequence[str], ScoreDot]], *, x_label: str, reference: float | None
) -> Figure:
    """Return a row for each subset of the members, which are columns of filled or empty dots, with its score to the right."""
    column = max(26.0, *(min(NAME / 2, text_width(printable(name))) + 12 for name in members))
    left = column * len(members) + 14
    figure = new_figure(max(WIDTH + 100, left + 300), ROW * (len(rows) + 1) + 46)
    axes = axes_in(figure, left=left, right=VALUES, top=4 + ROW, bottom=42)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.yaxis.set_visible(False)
    for place, name in enumerate(members):
        x = -(left - column * (place + 0.5)) / axes.bbox.width
        write_name(axes, name, (x, -1), column - 6, ha="center", va="center_baseline", transform=axes.get_yaxis_transform())
        for row, (subset, _) in enumerate(rows):
            axes.plot([x], [row], "o", color=COLOURS["ink"] if name in subset else COLOURS["grid"], markersize=9, markeredgewidth=0,
                      clip_on=False, transform=axes.get_yaxis_transform())  # fmt: skip
    value_ticks(axes, "x")
    axes.set_xlabel(x_label)
    _draw_scores(axes, [score for _, score in rows], reference)
    return figure


def _draw_scores(axes: Axes, scores: Sequence[ScoreDot], reference: float | None) -> None:
    ends = [value for score in scores for value in (score.mean, score.lo, score.hi) if value is not None]
    axes.set_xlim(*padded(ends if reference is None else [*ends, reference]))
    if reference is not None:
        axes.axvline(reference, **REFERENCE)
    for row, score in enumerate(scores):
        if score.lo is not None and score.hi is not None:
            axes.plot([score.lo, score.hi], [row, row], color=score.colour)
        tooltip = f"{printable(score.name)}: {number(score.mean)}, interval {interval(score.lo, score.hi)}"
        _dot(axes, row, score.mean, colour=score.colour, tooltip=tooltip)
        _value(axes, row, score.mean)


def output_dots(rows: Sequence[tuple[str, float | None, float | None]], *, x_label: str) -> Figure:
    """Return a dot per label or target: (name, score, its baseline's score, dashed). Scores end at 1; those below −1 are drawn at −1."""
    figure, axes = _rows([name for name, *_ in rows], x_label, WIDTH)
    least = min([0.0, *(value for row in rows for value in row[1:] if value is not None)])
    least = max(-1.0, least - 0.03 if least < 0 else least)
    axes.set_xlim(least, 1.0)
    for row, (name, score, baseline) in enumerate(rows):
        if baseline is not None:
            tooltip = f"{TOOLTIP}{printable(name)}, baseline: {number(baseline)}"
            axes.plot([max(baseline, least)] * 2, [row - 0.36, row + 0.36], gid=tooltip, **REFERENCE)
        if score is not None:
            _dot(axes, row, max(score, least), colour=COLOURS["c0"], tooltip=f"{printable(name)}: {number(score)}")
        _value(axes, row, score)
    return figure


def _rows(names: Sequence[str], x_label: str, width: float) -> tuple[Figure, Axes]:
    left = min(NAME, max(text_width(printable(name)) for name in names)) + 14
    figure = new_figure(width, ROW * len(names) + 46)
    axes = axes_in(figure, left=left, right=VALUES, top=4, bottom=42)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_visible(False)
    for row, name in enumerate(names):
        write_name(axes, name, (-10 / axes.bbox.width, row), NAME, ha="right", va="center_baseline", transform=axes.get_yaxis_transform())
    value_ticks(axes, "x")
    axes.set_xlabel(x_label)
    return figure, axes


def _dot(axes: Axes, row: int, at: float, *, colour: str, tooltip: str) -> None:
    axes.plot([at], [row], "o", color=colour, markersize=8, markeredgewidth=0, clip_on=False, gid=TOOLTIP + tooltip)


def _value(axes: Axes, row: int, value: float | None) -> None:
    axes.text(1 + 10 / axes.bbox.width, row, number(value), va="center_baseline", transform=axes.get_yaxis_transform())
