"""Draw how the inner score depends on a swept parameter, and how training went."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation, GridPoint
from stages.reporting.figures import curves
from stages.reporting.formatting import combination_name, model_name, setting

# parameter on the x axis, and those that split it into lines; the rest is taken at its best
VIEWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "knn": ("n_neighbors", ("metric",)),
    "svm": ("C", ("kernel", "gamma")),
}
FEWEST_POINTS = 3  # from which a curve says more than a table


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


def tuning_curve(evaluation: Evaluation, result: CandidateResult) -> tuple[str, str] | None:
    """Return (parameter, figure) of one candidate, or None where too little was swept."""
    view = view_of(result.model, result.grid)
    if view is None:
        return None
    x, lines = view
    metric, model = evaluation.primary, model_name(result.model, evaluation.form)
    better = max if metric.greater_is_better else min
    best: dict[str, dict[float, float]] = {}
    for point in result.grid:
        value = point.settings.get(x)
        if value is not None and point.mean is not None:
            parts = [_line(key, point.settings[key]) for key in lines if point.settings.get(key) is not None]
            line = best.setdefault(" ".join(parts) or model, {})
            line[value] = better(line.get(value, point.mean), point.mean)
    series = {name: sorted(line.items()) for name, line in best.items()}
    xs = [value for line in best.values() for value in line]
    if not xs:
        return None
    figure = curves(series, x_label=x, y_label=f"inner {metric.title}", log_x=min(xs) > 0,
                    label=f"{model} on {combination_name(result.candidate, evaluation)}: inner {metric.title} against {x}")
    return x, figure


def learning_curve(evaluation: Evaluation, result: CandidateResult) -> str | None:
    """Return the mean training curves of one candidate, or None where nothing was recorded."""
    series = {
        name.replace("_", " "): [(float(step), value) for step, value in enumerate(values, start=1) if value is not None]
        for name, values in result.curves.items()
    }
    series = {name: line for name, line in series.items() if line}
    if not series:
        return None
    units = {name.split(" ")[-1] for name in series}
    name = f"{model_name(result.model, evaluation.form)} on {combination_name(result.candidate, evaluation)}"
    return curves(series, x_label="epoch", y_label=" or ".join(sorted(units)),
                  label=f"{name}: {' and '.join(series)} by epoch" + ("" if evaluation.is_one_split else ", mean over outer folds"))


def _line(name: str, value: Any) -> str:
    return f"{name} {setting(value)}" if isinstance(value, (int, float)) else str(value)
