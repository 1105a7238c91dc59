"""Figures of noisy and missing modalities: the score against the strength of each corruption, for every way of fusing."""

from collections.abc import Sequence
from itertools import zip_longest

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from stages.contracts.documents.condition_scores import Robustness, StrengthCurve
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.sample_condition import MISSING
from stages.pages.drawing import (
    COLOURS,
    SERIES,
    SMALL,
    TOOLTIP,
    WIDTH,
    Plot,
    axes_in,
    new_figure,
    padded,
    printable,
    text_width,
    value_ticks,
)
from stages.reporting.formatting import candidate_name, level_name, model_name, number, way_name
from stages.reporting.robustness_sentences import examined

N_COLUMNS = 2
LEFT, GAP, RIGHT, PANEL, ABOVE, BELOW = 46.0, 40.0, 16.0, 104.0, 26.0, 30.0  # px
LEGEND_LINE, LEGEND_KEY = 18.0, 42.0  # px
DASHES = ("-", (0, (4, 2)), (0, (1, 2)))  # once every colour is used


def robustness_plots(evaluation: Evaluation) -> list[Plot]:
    """Return a figure per modality of the best learner that was examined: a panel per corruption, a line per way of fusing."""
    ways = examined(evaluation)
    modalities = list(dict.fromkeys(curve.modality for curve in ways[0].curves)) if ways else []
    return [_plot(evaluation, ways, modality) for modality in modalities]


def _plot(evaluation: Evaluation, ways: Sequence[Robustness], modality: str) -> Plot:
    panels = [curve.corruption for curve in ways[0].curves if curve.modality == modality]
    names = [way_name(way.fusion) for way in ways] if len(ways) > 1 else []
    n_keys = int(max(1, WIDTH // (max(map(text_width, names), default=1.0) + LEGEND_KEY)))
    legend = LEGEND_LINE * -(-len(names) // n_keys)
    n_rows = -(-len(panels) // N_COLUMNS)
    height = legend + n_rows * (ABOVE + PANEL + BELOW)
    figure = new_figure(WIDTH, height)
    width = (WIDTH - LEFT - RIGHT - GAP) / N_COLUMNS
    limits, keys = _limits(ways, modality), list[Line2D]()
    for place, corruption in enumerate(panels):
        row, column = divmod(place, N_COLUMNS)
        left, top = LEFT + column * (width + GAP), legend + row * (ABOVE + PANEL + BELOW) + ABOVE
        axes = axes_in(figure, left=left, right=WIDTH - left - width, top=top, bottom=height - top - PANEL)
        axes.text(0, 1 + 8 / PANEL, printable(corruption.replace("_", " ")), fontsize=SMALL, color=COLOURS["muted"],
                  transform=axes.transAxes)  # fmt: skip
        axes.set_ylim(*limits)
        drawn = _lines(axes, ways, f"{modality}/{corruption}")
        keys = keys or drawn
        value_ticks(axes, "y")
        value_ticks(axes, "x")
    if names:
        figure.legend(keys, names, loc="upper left", bbox_to_anchor=(0, 1), ncols=n_keys)
    name = candidate_name(ways[0].candidate, evaluation) if len(ways) == 1 else model_name(ways[0].model, evaluation.form)
    title = f"{name}: {modality} noisy or missing"
    return Plot(f"conditions_{modality}", title, _caption(evaluation, ways[0], modality), figure)


def _lines(axes: Axes, ways: Sequence[Robustness], key: str) -> list[Line2D]:
    """Draw each way's scores from strength 0 on, that of clean samples; the compared way with its intervals."""
    keys = []
    for place, way in enumerate(ways):
        curve = next(curve for curve in way.curves if curve.key == key)
        colour, dashes = SERIES[place % len(SERIES)], DASHES[place // len(SERIES) % len(DASHES)]
        points = [(point.strength, point.mean) for point in curve.points if point.mean is not None]
        known = [(0.0, way.clean), *points] if way.clean is not None else points
        xs, ys = zip(*known, strict=True) if known else ((), ())
        tooltip = f"{way_name(way.fusion)}: {', '.join(f'{x:g}: {number(y)}' for x, y in known)}"
        keys += axes.plot(xs, ys, color=colour, linestyle=dashes, linewidth=1.4, marker="o", markersize=3.5, markeredgewidth=0,
                          clip_on=False, zorder=3 - place / len(ways), gid=TOOLTIP + tooltip)  # fmt: skip
        if place == 0:
            _whiskers(axes, curve, colour)
    axes.set_xlim(0, max((point.strength for way in ways for curve in way.curves if curve.key == key for point in curve.points), default=1))
    return keys


def _whiskers(axes: Axes, curve: StrengthCurve, colour: str) -> None:
    for point in curve.points:
        if point.lo is not None and point.hi is not None:
            axes.plot([point.strength] * 2, [point.lo, point.hi], color=colour, linewidth=1, clip_on=False, zorder=2)


def _limits(ways: Sequence[Robustness], modality: str) -> tuple[float, float]:
    """Return the ends of the score's axis, which all panels share."""
    values = [way.clean for way in ways]
    for way, first in zip_longest(ways, ways[:1]):
        for curve in way.curves if way else ():
            if curve.modality == modality:
                values += [end for point in curve.points for end in (point.mean, *((point.lo, point.hi) if first else ()))]
    return padded([value for value in values if value is not None] or [0.0])


def _caption(evaluation: Evaluation, way: Robustness, modality: str) -> str:
    units = [f"{curve.corruption.replace('_', ' ')}: {curve.unit}" for curve in way.curves
             if curve.modality == modality and curve.corruption != MISSING]  # fmt: skip
    missing = " Missing: the share of test samples without it." if any(curve.corruption == MISSING for curve in way.curves) else ""
    strengths = f" Strengths: {'; '.join(units)}." if units else ""
    return (f"{evaluation.primary.title} of test samples whose {modality} is changed, by models of clean training samples; intervals "
            f"({level_name(evaluation)}) of the way that is compared.{strengths}{missing}")  # fmt: skip
