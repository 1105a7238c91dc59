"""Figures of a candidate's predictions: confusion of classes, scores by label or target, reliability, predicted against true targets."""

from collections.abc import Mapping
from typing import Any

from stages.contracts.documents.evaluation_document import CandidateResult, Evaluation
from stages.contracts.documents.results_document import MetricInfo
from stages.contracts.task import OUTPUT_NOUNS
from stages.pages.drawing import Plot
from stages.reporting.dot_figures import output_dots
from stages.reporting.formatting import averaged, baseline_name, candidate_name, reading_order
from stages.reporting.heat_figures import agreement_panels, confusion_matrix
from stages.reporting.reliability_figures import reliability_plot

MOST_CLASSES = 60  # drawn of a confusion matrix; more are illegible
MOST_OUTPUTS = 40  # rows of dots; a table holds them all
MOST_PANELS = 12


def prediction_plots(evaluation: Evaluation, result: CandidateResult) -> list[Plot]:
    """Return the figures of one candidate's predictions."""
    name = candidate_name(result.candidate, evaluation)
    found: list[Plot | None]
    if result.confusion is not None:
        found = [_confusion(evaluation, result.confusion, f"Confusion of {name}")]
    else:
        found = [_outputs(evaluation, result, f"{OUTPUT_NOUNS[evaluation.form].capitalize()} one by one: {name}")]
    if result.agreement is not None:
        found.append(_agreement(evaluation, result.agreement, f"Predicted against true: {name}"))
    found.append(reliability_plot(evaluation, result))
    return [plot._replace(candidate=result.candidate) for plot in found if plot is not None]


def output_metrics(evaluation: Evaluation) -> list[MetricInfo]:
    """Return the metrics that score each label or target by itself, as titled there."""
    found = evaluation.result(evaluation.best).by_output or {}
    metrics = [metric for metric in evaluation.metrics if metric.name in found]
    return [metric.model_copy(update={"title": metric.title.removeprefix("macro-")}) for metric in metrics]


def output_table(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return a row per label or target of the best candidate: its rows or range, and each metric next to the baseline's."""
    metrics = output_metrics(evaluation)  # none: classes
    best, baseline = evaluation.result(evaluation.best).by_output or {}, baseline_by_output(evaluation)
    return [
        {
            "name": name,
            "n_rows": evaluation.counts[name] if evaluation.counts else None,
            "range": evaluation.ranges[name] if evaluation.ranges else None,
            "cells": [(best[m.name][index], baseline[m.name][index] if baseline else None) for m in metrics],
        }
        for index, name in ((index, evaluation.outputs[index]) for index in (_order(evaluation) if metrics else ()))
    ]


def baseline_by_output(evaluation: Evaluation) -> Mapping[str, tuple[float | None, ...]]:
    """Return {metric: scores by label or target} of the best baseline; nothing if there is none."""
    found = evaluation.best_of(evaluation.baselines)
    return evaluation.result(found.candidate).by_output or {} if found else {}


def _order(evaluation: Evaluation) -> list[int]:
    return reading_order(evaluation.outputs, evaluation.form)


def _confusion(evaluation: Evaluation, whole: tuple[tuple[int, ...], ...], title: str) -> Plot:
    shown = _order(evaluation)
    caption = f"{counted_rows(evaluation)}; the stronger the colour, the larger the share of the true class."
    if len(shown) > MOST_CLASSES:
        kept = sorted(shown, key=lambda code: -sum(whole[code]))[:MOST_CLASSES]
        shown = [code for code in shown if code in kept]
        caption += f" The {MOST_CLASSES} most frequent of {len(whole)} classes."
    counts, classes = [[whole[i][j] for j in shown] for i in shown], [evaluation.outputs[i] for i in shown]
    return Plot("confusion", title, caption, confusion_matrix(counts, classes))


def _outputs(evaluation: Evaluation, result: CandidateResult, title: str) -> Plot | None:
    """Return the dots of the first metric that has no unit (more is better, 1 at most); None if there is none."""
    metric = next((m for m in output_metrics(evaluation) if m.greater_is_better), None)
    if metric is None or result.by_output is None:
        return None
    scores, names = result.by_output[metric.name], evaluation.outputs
    baseline = baseline_by_output(evaluation).get(metric.name, (None,) * len(names))
    rows = [(names[i], scores[i], baseline[i]) for i in _order(evaluation)][:MOST_OUTPUTS]
    caption = f"{metric.title}, {averaged(evaluation)}." + (f" Dashed: {baseline_name(evaluation)}." if evaluation.baselines else "")
    if len(names) > MOST_OUTPUTS:
        caption += f" The first {MOST_OUTPUTS} of {len(names)} {OUTPUT_NOUNS[evaluation.form]}."
    return Plot("outputs", title, caption, output_dots(rows, x_label=f"{metric.title}, {averaged(evaluation)}"))


def _agreement(evaluation: Evaluation, cells: Mapping[str, tuple[tuple[int, int, int], ...]], title: str) -> Plot:
    caption = (f"True value to the right, predicted upwards, equal on the dashed line. {counted_rows(evaluation)}, the stronger the colour "
               "the more; a prediction beyond the range of the true values is drawn at its edge.")
    if len(evaluation.outputs) > MOST_PANELS:
        caption += f" The first {MOST_PANELS} of {len(evaluation.outputs)} targets."
    assert evaluation.ranges is not None and evaluation.n_bins is not None
    shown = {name: cells[name] for name in evaluation.outputs[:MOST_PANELS]}  # in the outputs' order: a JSON file has its keys sorted
    return Plot("agreement", title, caption, agreement_panels(shown, evaluation.ranges, n_bins=evaluation.n_bins))


def counted_rows(evaluation: Evaluation) -> str:
    """Return which rows are counted."""
    return "Rows of the official test split" if evaluation.is_one_split else "Test rows of all outer folds"
