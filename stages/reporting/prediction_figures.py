"""What a model's answers look like, by task: confusion of classes, scores by label or number, predicted against true numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.reporting.figures import confusion_matrix
from stages.reporting.formatting import UNITS, averaged, candidate_name, control_name, is_one_split, metric_of, reading_order
from stages.reporting.output_figures import agreement_panels, output_dots

MOST_CLASSES = 60  # drawn of a confusion matrix; more are no longer told apart
MOST_OUTPUTS = 40  # rows of dots; a table holds them all
MOST_PANELS = 12

Evaluation = Mapping[str, Any]


class Picture(NamedTuple):
    """One figure: what it shows (part of a file's name), heading, caption, SVG."""

    kind: str
    title: str
    caption: str
    drawn: str


def answer_pictures(evaluation: Evaluation, model: str, subset: str) -> list[Picture]:
    """Return the pictures of one model's answers on one subset."""
    name = candidate_name({"model": model, "subset": subset}, evaluation["task"])
    if "confusion" in evaluation:
        return [_confusion(evaluation, model, subset, f"Confusion of {name}")]
    found = [_outputs(evaluation, model, subset, f"{UNITS[evaluation['task']].capitalize()} one by one: {name}")]
    if "agreement" in evaluation:
        found.append(_agreement(evaluation, model, subset, f"Predicted against true: {name}"))
    return [picture for picture in found if picture is not None]


def output_metrics(evaluation: Evaluation) -> list[Mapping[str, Any]]:
    """Return the metrics that score each label or number by itself, as titled there."""
    found = evaluation.get("by_output", {}).get(evaluation["best"]["model"], {}).get(evaluation["best"]["subset"], {})
    metrics = [metric for metric in evaluation["metrics"] if metric["name"] in found]
    return [{**metric, "title": metric["title"].removeprefix("macro-")} for metric in metrics]


def output_table(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return a row per label or number of the best model: its rows or range, and each metric beside the control's."""
    best, metrics = evaluation["best"], output_metrics(evaluation)  # none: classes
    mine = evaluation.get("by_output", {}).get(best["model"], {}).get(best["subset"], {})
    controls = control_scores(evaluation)
    return [
        {
            "name": name,
            "n_rows": evaluation["counts"][name] if evaluation["counts"] else None,
            "range": evaluation["ranges"][name] if "ranges" in evaluation else None,
            "cells": [(mine[m["name"]][place], controls[m["name"]][place] if controls else None) for m in metrics],
        }
        for place, name in ((place, evaluation["outputs"][place]) for place in (reading_order(evaluation) if metrics else ()))
    ]


def control_scores(evaluation: Evaluation) -> Mapping[str, Any]:
    """Return {metric: scores by label or number} of the best control; nothing if none was run."""
    row = next((row for row in evaluation["leaderboard"] if row["model"] in evaluation["controls"]), None)
    found: Mapping[str, Any] = evaluation["by_output"][row["model"]][row["subset"]] if row and "by_output" in evaluation else {}
    return found


def _confusion(evaluation: Evaluation, model: str, subset: str, title: str) -> Picture:
    whole, shown = evaluation["confusion"][model][subset], reading_order(evaluation)
    caption = f"{held_out(evaluation)}; the stronger the colour, the larger the share of the true class."
    if len(shown) > MOST_CLASSES:
        kept = sorted(shown, key=lambda code: -sum(whole[code]))[:MOST_CLASSES]
        shown = [code for code in shown if code in kept]
        caption += f" The {MOST_CLASSES} most frequent of {len(whole)} classes."
    counts, classes = [[whole[i][j] for j in shown] for i in shown], [evaluation["outputs"][i] for i in shown]
    return Picture("confusion", title, caption, confusion_matrix(counts, classes, title))


def _outputs(evaluation: Evaluation, model: str, subset: str, title: str) -> Picture | None:
    """Return the dots of the first metric that has no unit (more is better, 1 at most); None if there is none."""
    metric = next((m for m in output_metrics(evaluation) if m["greater_is_better"]), None)
    if metric is None:
        return None
    scores, names = evaluation["by_output"][model][subset][metric["name"]], evaluation["outputs"]
    control = control_scores(evaluation).get(metric["name"], [None] * len(names))
    rows = [(names[i], scores[i], control[i]) for i in reading_order(evaluation)][:MOST_OUTPUTS]
    caption = f"{metric['title']}, {averaged(evaluation)}." + (f" Dashed: {control_name(evaluation)}." if evaluation["controls"] else "")
    if len(names) > MOST_OUTPUTS:
        caption += f" The first {MOST_OUTPUTS} of {len(names)} {UNITS[evaluation['task']]}."
    return Picture("outputs", title, caption, output_dots(rows, x_label=metric["title"], label=title))


def _agreement(evaluation: Evaluation, model: str, subset: str, title: str) -> Picture:
    caption = (f"True value to the right, predicted upwards, equal on the dashed line. {held_out(evaluation)}, the stronger the colour the "
               "more; what is predicted beyond the range of the true values stands at its edge.")
    if len(evaluation["outputs"]) > MOST_PANELS:
        caption += f" The first {MOST_PANELS} of {len(evaluation['outputs'])} numbers."
    # in the outputs' order: a JSON file has its keys sorted
    cells = {name: evaluation["agreement"][model][subset][name] for name in evaluation["outputs"][:MOST_PANELS]}
    return Picture("agreement", title, caption, agreement_panels(cells, evaluation["ranges"], n_bins=evaluation["n_bins"], label=title))


def held_out(evaluation: Evaluation) -> str:
    """Return which rows are counted."""
    return "Rows of the official test split" if is_one_split(evaluation) else "Held-out rows of all outer folds"


def primary_title(evaluation: Evaluation) -> str:
    """Return how the primary metric is written."""
    title: str = metric_of(evaluation)["title"]
    return title
