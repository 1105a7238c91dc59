"""Figures of what decides a score besides the choice of a learner: the number of training rows, and the learner's capacity."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.contracts.documents.bias_variance_document import BiasVariance
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.growth import LearningCurve
from stages.contracts.task import OUTPUT_NOUNS
from stages.pages.drawing import COLOURS, SMALL, TOOLTIP, WIDTH, Plot, axes_in, new_figure, padded, printable, value_ticks
from stages.reporting.formatting import averaged, candidate_name, interval, number, setting
from stages.reporting.growth_sentences import caption_of_growth

LEFT, RIGHT, TOP, PLOT, BOTTOM = 46.0, 20.0, 26.0, 170.0, 44.0  # px
LEGEND = 18.0  # px
N_DRAWN = 60  # points of a fitted curve
FACTOR = 2.0


def growth_plot(evaluation: Evaluation, curve: LearningCurve) -> Plot:
    """Return the score by the number of training rows: points with intervals, the fitted law, and dashed what it says of twice the rows."""
    figure, axes = _axes(evaluation.primary.title)
    colour = COLOURS["c0"]
    ends: list[float] = []
    rows = [float(point.n_train) for point in curve.points]
    for point in curve.points:
        if point.mean is not None:
            tooltip = f"{point.n_train:,} rows: {number(point.mean)}, interval {interval(point.lo, point.hi)}"
            ends += _whisker(axes, point.n_train, (point.mean, point.lo, point.hi), colour, tooltip)
    if curve.law is not None and curve.twice is not None:
        sign = 1.0 if evaluation.primary.greater_is_better else -1.0

        def score_at(n: np.ndarray) -> np.ndarray:
            assert curve.law is not None
            return np.asarray(curve.law.limit - sign * curve.law.scale * (n / rows[-1]) ** -curve.law.exponent)

        seen, beyond = np.geomspace(rows[0], rows[-1], N_DRAWN), np.geomspace(rows[-1], FACTOR * rows[-1], N_DRAWN)
        axes.plot(seen, score_at(seen), color=colour, linewidth=1.4)
        axes.plot(beyond, score_at(beyond), color=colour, linewidth=1.4, linestyle=(0, (4, 3)))
        start = float(score_at(np.array(rows[-1])))
        parts = [None if value is None else start + sign * value for value in (curve.twice.mean, curve.twice.lo, curve.twice.hi)]
        rows.append(FACTOR * rows[-1])
        tooltip = f"{rows[-1]:,.0f} rows, extrapolated: {number(parts[0])}, interval of the gain {interval(parts[1], parts[2])}"
        hollow = {"markerfacecolor": COLOURS["paper"], "markeredgewidth": 1.6}
        ends += _whisker(axes, rows[-1], (parts[0], parts[1], parts[2]), colour, tooltip, **hollow)
    axes.set_ylim(*padded(ends or [0.0]))
    value_ticks(axes, "y")
    _ticks(axes, rows, [f"{n:,.0f}" for n in rows], log=True)
    axes.set_xlabel("training rows, logarithmic")
    name = candidate_name(curve.candidate, evaluation)
    return Plot("growth", f"{name}: learning curve", caption_of_growth(evaluation, curve), figure, curve.candidate)


def capacity_plot(evaluation: Evaluation, study: BiasVariance) -> Plot:
    """Return bias, variance and their sum, the mean loss, by the values of a parameter."""
    numbers = [point.value for point in study.points if isinstance(point.value, (int, float)) and not isinstance(point.value, bool)]
    is_numeric = len(numbers) == len(study.points) and min(numbers, default=0) > 0
    points = sorted(study.points, key=lambda point: point.value) if is_numeric else list(study.points)
    xs = [float(point.value) for point in points] if is_numeric else [float(place) for place in range(len(points))]
    parts = {"bias (with noise)": [point.mean_bias for point in points], "variance": [point.mean_variance for point in points]}
    parts["total loss"] = [sum(of_value) for of_value in zip(*parts.values(), strict=True)]
    figure, axes = _axes(study.loss, legend=True)
    keys = []
    for (name, values), colour in zip(parts.items(), ("c0", "c1", "muted"), strict=True):
        keys += axes.plot(xs, values, "o-", color=COLOURS[colour], markeredgewidth=0, clip_on=False, gid=TOOLTIP + name)
    figure.legend(keys, list(parts), loc="upper left", bbox_to_anchor=(0, 1), ncols=3)
    axes.set_ylim(*padded([0.0, *(value for values in parts.values() for value in values)]))
    value_ticks(axes, "y")
    _ticks(axes, xs, [printable(setting(point.value)) for point in points], log=is_numeric)
    axes.set_xlabel(f"{study.parameter}, logarithmic" if is_numeric else study.parameter)
    name = candidate_name(study.candidate, evaluation)
    noun = OUTPUT_NOUNS[evaluation.form]
    skipped = "".join(f" {study.parameter} {printable(setting(value.value))} is not compared: {value.why}." for value in study.skipped)
    caption = (f"Over {study.n_bootstraps} bootstraps of the training rows, {averaged(evaluation)}; other parameters at their best. "
               "Bias is the loss of the mean prediction, variance that of single ones around it. The noise of the "
               f"{noun} is part of the bias: how much is unknown.{skipped}")
    return Plot(f"bias_variance_{study.parameter}", f"{name}: bias and variance", caption, figure, study.candidate)


def _axes(y_label: str, *, legend: bool = False) -> tuple[Figure, Axes]:
    top = TOP + LEGEND * legend
    figure = new_figure(WIDTH, top + PLOT + BOTTOM)
    axes = axes_in(figure, left=LEFT, right=RIGHT, top=top, bottom=BOTTOM)
    axes.text(-LEFT / axes.bbox.width, 1 + 8 / PLOT, y_label, fontsize=SMALL, color=COLOURS["muted"], transform=axes.transAxes)
    return figure, axes


def _whisker(
    axes: Axes, x: float, parts: tuple[float | None, float | None, float | None], colour: str, tooltip: str, **look: Any
) -> list[float]:  # fmt: skip
    """Draw a mean with its interval; return what was drawn."""
    mean, lo, hi = parts
    assert mean is not None
    if lo is not None and hi is not None:
        axes.plot([x, x], [lo, hi], color=colour, clip_on=False)
    axes.plot([x], [mean], "o", color=colour, clip_on=False, gid=TOOLTIP + tooltip, **({"markeredgewidth": 0, "zorder": 3} | look))
    return [value for value in parts if value is not None]


def _ticks(axes: Axes, xs: Sequence[float], names: Sequence[str], *, log: bool) -> None:
    axes.set_xscale("log" if log else "linear")
    axes.set_xlim(*((xs[0], xs[-1]) if xs[0] < xs[-1] else (xs[0] * 0.9, xs[0] * 1.1 + 0.1)))
    shown: list[int] = []
    for place, x in enumerate(xs):  # labels closer than this run into each other
        if not shown or axes.transData.transform((x, 1))[0] - axes.transData.transform((xs[shown[-1]], 1))[0] >= 30:
            shown.append(place)
    axes.set_xticks([xs[place] for place in shown], [names[place] for place in shown])
    axes.minorticks_off()
