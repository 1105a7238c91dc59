"""Curves: how the inner score depends on a swept parameter, and how training went."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, GridPoint
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
    shortened,
    text_width,
    value_ticks,
)
from stages.reporting.formatting import candidate_name, model_name, setting

Line = Sequence[tuple[float, float]]  # (x, y) points
# parameter on the x axis, and those that split it into lines; the rest is taken at its best
VIEWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "knn": ("n_neighbors", ("metric",)),
    "svm": ("C", ("kernel", "gamma")),
}
FEWEST_POINTS = 3  # from which a curve says more than a table
DOTS_UP_TO = 20  # points of a line
DASHES = ("-", (0, (4, 2)), (0, (1, 2)))  # once every colour is used
LEFT, RIGHT, PLOT = 46.0, 14.0, 170.0  # px
LEGEND_NAME = 150.0  # px, the longest name


def view_of(model: str, grid: Sequence[GridPoint]) -> tuple[str, tuple[str, ...]] | None:
    """Return the parameter to draw and those that split its lines; None if no numeric parameter has enough values.

    A model without an entry in VIEWS is drawn over its numeric parameter with the most values.
    """
    values: dict[str, set[float]] = {}
    for point in grid:
        for name, value in point.settings.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                values.setdefault(name, set()).add(value)
    x, lines = VIEWS.get(model) or (max(values, key=lambda name: len(values[name]), default=""), ())
    return (x, lines) if len(values.get(x, ())) >= FEWEST_POINTS else None


def tuning_curve(evaluation: Evaluation, result: CandidateResult) -> Plot | None:
    """Return the inner score of one candidate against a parameter, or None where too little was swept."""
    view = view_of(result.model, result.grid)
    series = _best_by_line(evaluation, result, view) if view else {}
    if view is None or not series:
        return None
    parameter = view[0]
    figure = curves({name: [line] for name, line in series.items()}, x_label=parameter, y_label=f"inner {evaluation.primary.title}",
                    log_x=min(x for line in series.values() for x, _ in line) > 0)
    caption = f"Mean over inner folds; parameters not drawn are at their best for each {parameter}."
    return Plot(parameter, f"{candidate_name(result.candidate, evaluation)}: {parameter}", caption, figure, result.candidate)


def _best_by_line(evaluation: Evaluation, result: CandidateResult,
                  view: tuple[str, tuple[str, ...]]) -> dict[str, list[tuple[float, float]]]:
    """Return per line, named by the parameters that split, the best mean at each x."""
    x, split_by = view
    better = max if evaluation.primary.greater_is_better else min
    best: dict[str, dict[float, float]] = {}
    for point in result.grid:
        value = point.settings.get(x)
        if value is not None and point.mean is not None:
            parts = [_part(key, point.settings[key]) for key in split_by if point.settings.get(key) is not None]
            line = best.setdefault(" ".join(parts) or model_name(result.model, evaluation.form), {})
            line[value] = better(line.get(value, point.mean), point.mean)
    return {name: sorted(line.items()) for name, line in best.items()}


def _part(name: str, value: Any) -> str:
    return f"{name} {setting(value)}" if isinstance(value, (int, float)) else str(value)


def training_curve(evaluation: Evaluation, result: CandidateResult) -> Plot | None:
    """Return the training curves of one candidate, a line per outer fold, or None where nothing was recorded."""
    recorded = {
        name.replace("_", " "): [
            [(float(step), value) for step, value in enumerate(values, start=1) if value is not None]
            for values in of_folds[:evaluation.n_folds]
        ]
        for name, of_folds in result.curves.items()
    }
    series = {name: [line for line in lines if line] for name, lines in recorded.items() if any(lines)}
    if not series:
        return None
    units = sorted({name.split(" ")[-1] for name in series})
    of_first = " of the first repeat" if evaluation.n_repeats > 1 else ""
    caption = "On the training rows." if evaluation.is_one_split else f"A line per outer fold{of_first}; each stops at its own epoch."
    figure = curves(series, x_label="epoch", y_label=" or ".join(units))
    return Plot("training", f"{candidate_name(result.candidate, evaluation)}: training", caption, figure, result.candidate)


def curves(series: Mapping[str, Sequence[Line]], *, x_label: str, y_label: str, log_x: bool = False) -> Figure:
    """Return the lines of each series in its own colour, with a legend above; a dot marks each point where one line has few.

    Args:
        log_x: logarithmic x axis, with a tick at each x that occurs and has room.
    """
    names = [shortened(name, LEGEND_NAME) for name in series]
    n_columns = int(max(1, WIDTH // (max(map(text_width, names)) + 42)))
    top = 26.0 + (18 * -(-len(names) // n_columns) if len(names) > 1 else 0)
    figure = new_figure(WIDTH, top + PLOT + 44)
    axes = axes_in(figure, left=LEFT, right=RIGHT, top=top, bottom=44)
    xs = sorted({x for lines in series.values() for line in lines for x, _ in line})
    dot: dict[str, Any] = {"marker": "o" if len(xs) <= DOTS_UP_TO else "", "markeredgewidth": 0}
    several: dict[str, Any] = {"marker": "", "linewidth": 1.2}
    keys = []
    for place, (name, lines) in enumerate(series.items()):
        look: dict[str, Any] = {"color": SERIES[place % len(SERIES)], "linestyle": DASHES[place // len(SERIES) % len(DASHES)]}
        for number, line in enumerate(lines):
            label = name if len(lines) == 1 else f"{name}, fold {number}"
            drawn = axes.plot(*zip(*line, strict=True), **look, clip_on=False, gid=TOOLTIP + printable(label),
                              **(dot if len(lines) == 1 else several))
            keys += drawn if number == 0 else []
    if len(names) > 1:
        figure.legend(keys, names, loc="upper left", bbox_to_anchor=(0, 1), ncols=n_columns)
    axes.set_ylim(*padded([y for lines in series.values() for line in lines for _, y in line]))
    value_ticks(axes, "y")
    axes.text(-LEFT / axes.bbox.width, 1 + 8 / PLOT, y_label, fontsize=SMALL, color=COLOURS["muted"], transform=axes.transAxes)
    axes.set_xlabel(f"{x_label}, logarithmic" if log_x else x_label)
    _scale_x(axes, xs, "log" if log_x else "linear")
    return figure


def _scale_x(axes: Axes, xs: Sequence[float], scale: str) -> None:
    axes.set_xscale(scale)
    axes.set_xlim(*((xs[0], xs[-1]) if xs[0] < xs[-1] else (xs[0] * 0.9, xs[0] * 1.1)))
    if scale == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        return
    shown: list[float] = []
    for x in xs:  # labels closer than this run into each other
        place = axes.transData.transform((x, 1))[0]
        if not shown or place - axes.transData.transform((shown[-1], 1))[0] >= 24:
            shown.append(x)
    axes.set_xticks(shown, [f"{x:g}" for x in shown])
    axes.minorticks_off()
