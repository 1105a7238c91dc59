"""Draw how the inner score depends on a swept parameter, and how training went."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.reporting.figures import curves
from stages.reporting.formatting import is_one_split, metric_of, model_name, setting, subset_name

# parameter on the x axis, and those that split it into lines; the rest is taken at its best
VIEWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "knn": ("n_neighbors", ("metric",)),
    "svm": ("C", ("kernel", "gamma")),
}
FEWEST_POINTS = 3  # from which a curve says more than a table


def view_of(model: str, grid: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[str, ...]] | None:
    """Return the parameter to draw and those that split its lines; None if no numeric parameter has enough values.

    A model without an entry in VIEWS is drawn over its numeric parameter with the most values.
    """
    values: dict[str, set[float]] = {}
    for entry in grid:
        for name, value in entry["settings"].items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                values.setdefault(name, set()).add(value)
    x, lines = VIEWS.get(model) or (max(values, key=lambda name: len(values[name]), default=""), ())
    return (x, lines) if len(values.get(x, ())) >= FEWEST_POINTS else None


def tuning_curve(evaluation: Mapping[str, Any], model: str, subset: str) -> tuple[str, str] | None:
    """Return (parameter, figure) of one model and subset, or None where too little was swept."""
    grid = evaluation["grids"][model].get(subset, [])
    view = view_of(model, grid)
    if view is None:
        return None
    x, lines = view
    metric, task = metric_of(evaluation), evaluation["task"]
    better = max if metric["greater_is_better"] else min
    best: dict[str, dict[float, float]] = {}
    for entry in grid:
        value = entry["settings"].get(x)
        if value is not None and entry["mean"] is not None:
            parts = [_line(key, entry["settings"][key]) for key in lines if entry["settings"].get(key) is not None]
            line = best.setdefault(" ".join(parts) or model_name(model, task), {})
            line[value] = better(line.get(value, entry["mean"]), entry["mean"])
    series = {name: sorted(line.items()) for name, line in best.items()}
    xs = [value for line in best.values() for value in line]
    if not xs:
        return None
    figure = curves(series, x_label=x, y_label=f"inner {metric['title']}", log_x=min(xs) > 0,
                    label=f"{model_name(model, task)} on {subset_name(subset)}: inner {metric['title']} against {x}")
    return x, figure


def learning_curve(evaluation: Mapping[str, Any], model: str, subset: str) -> str | None:
    """Return the mean training curves of one model and subset, or None where nothing was recorded."""
    found = evaluation["curves"].get(model, {}).get(subset, {})
    series = {
        name.replace("_", " "): [(float(step), value) for step, value in enumerate(values, start=1) if value is not None]
        for name, values in found.items()
    }
    series = {name: line for name, line in series.items() if line}
    if not series:
        return None
    units = {name.split(" ")[-1] for name in series}
    name = f"{model_name(model, evaluation['task'])} on {subset_name(subset)}"
    return curves(series, x_label="epoch", y_label=" or ".join(sorted(units)),
                  label=f"{name}: {' and '.join(series)} by epoch" + ("" if is_one_split(evaluation) else ", mean over outer folds"))


def _line(name: str, value: Any) -> str:
    return f"{name} {setting(value)}" if isinstance(value, (int, float)) else str(value)
