"""Lay evaluations out as one self-contained page: what the template shows, in the order that it shows it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.reporting import formatting
from stages.reporting.figures import colour, whisker
from stages.reporting.findings import findings, verdict
from stages.reporting.prediction_figures import answer_pictures, output_metrics, output_table, primary_title
from stages.reporting.svg import padded
from stages.reporting.tuning_figures import learning_curve, tuning_curve

TEMPLATES = Path(__file__).parent / "templates"
Evaluation = Mapping[str, Any]


def render(evaluations: Sequence[Evaluation]) -> str:
    """Return the report as one HTML document that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)
    environment.filters |= {
        "number": formatting.number, "signed": formatting.signed, "p": formatting.p_value, "interval": formatting.interval,
        "listed": formatting.listed, "model": formatting.model_name, "subset": formatting.subset_name, "metric": primary_title,
        "candidate": formatting.candidate_name, "outputs": formatting.outputs_name, "control": formatting.control_name, "heading": heading,
    }
    css = Markup((TEMPLATES / "page.css").read_text(encoding="utf-8") + (TEMPLATES / "figure.css").read_text(encoding="utf-8"))
    page = environment.get_template("page.html.j2")
    models = list(dict.fromkeys(model for evaluation in evaluations for model in evaluation["models"]))
    controls = {model for evaluation in evaluations for model in evaluation["controls"]}
    tasks = {evaluation["task"] for evaluation in evaluations}
    heads = [{"name": formatting.model_name(model, tasks.copy().pop() if len(tasks) == 1 else None), "is_control": model in controls}
             for model in models]
    rows = [summary_row(evaluation, models) for evaluation in evaluations]
    return page.render(css=css, heads=heads, summary=rows, sections=[section(evaluation) for evaluation in evaluations])


def colours(evaluation: Evaluation) -> dict[str, str]:
    """Return the colour class of each model; controls are grey."""
    return dict.fromkeys(evaluation["controls"], "control") | {model: colour(place) for place, model in enumerate(learners(evaluation))}


def learners(evaluation: Evaluation) -> list[str]:
    """Return the models that are no controls."""
    return [model for model in evaluation["models"] if model not in evaluation["controls"]]


def control_level(evaluation: Evaluation) -> float | None:
    """Return the best control's mean primary score, if one was run."""
    return next((row[evaluation["primary"]] for row in evaluation["leaderboard"] if row["model"] in evaluation["controls"]), None)


def summary_row(evaluation: Evaluation, models: Sequence[str]) -> dict[str, Any]:
    """Return one data set's line of the summary: each model's best subset, None for a model that was not run."""
    cells = [next((row for row in evaluation["leaderboard"] if row["model"] == model), None) for model in models]
    return {"evaluation": evaluation, "cells": cells, "verdict": verdict(evaluation)}


def section(evaluation: Evaluation) -> dict[str, Any]:
    """Return all that the section of one data set shows."""
    comparisons = {family: [c for c in evaluation["comparisons"] if c["family"] == family] for family in ("fusion", "learners", "control")}
    return {
        "evaluation": evaluation,
        "findings": findings(evaluation),
        "leaderboard": leaderboard(evaluation),
        "comparisons": {family: compared(evaluation, members) for family, members in comparisons.items()},
        "figures": figures(evaluation),
        "output_metrics": output_metrics(evaluation),
        "output_table": output_table(evaluation),
        "configurations": configurations(evaluation),
        "level": formatting.level_name(evaluation),
        "outputs": [evaluation["outputs"][place] for place in formatting.reading_order(evaluation)],
        "one_split": formatting.is_one_split(evaluation),
        "averaged": formatting.averaged(evaluation),
    }


def heading(metric: Mapping[str, Any]) -> Markup:
    """Return a metric's title for the head of a column, whose lines end between words alone; ↓: less is better."""
    *first, last = metric["title"].split()
    parts = [*first, last if metric["greater_is_better"] else f"{last}{formatting.SPACE}↓"]
    return Markup(" ").join(Markup('<span class="nowrap">{}</span>').format(part) for part in parts)


def ranked(evaluation: Evaluation) -> list[Mapping[str, Any]]:
    """Return the leaderboard's rows; a control, which looks at no modality, has one and not one for each subset."""
    first = {row["model"]: row for row in reversed(evaluation["leaderboard"])}
    rows = [row for row in evaluation["leaderboard"] if row["model"] not in evaluation["controls"] or row is first[row["model"]]]
    return [{**row, "rank": rank} for rank, row in enumerate(rows, start=1)]


def leaderboard(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the leaderboard with a drawn interval in each row, all on one scale."""
    rows, primary = ranked(evaluation), evaluation["primary"]
    scale = padded([value for row in rows for value in (row[primary], row["lo"], row["hi"]) if value is not None] or [0.0], 0.03)
    kinds = colours(evaluation)
    found = []
    for row in rows:
        name = formatting.candidate_name(row, evaluation["task"])
        label = f"{name}: {formatting.number(row[primary])}, interval {formatting.interval(row['lo'], row['hi'])}"
        drawn = "" if row[primary] is None else whisker(row[primary], row["lo"], row["hi"], scale=scale,
                                                        reference=control_level(evaluation), kind=kinds[row["model"]], label=label)
        found.append({**row, "is_control": row["model"] in evaluation["controls"], "drawn": Markup(drawn)})
    return found


def compared(evaluation: Evaluation, members: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one family's tests with a drawn interval each."""
    # an empty family has a scale too: of zero alone
    ends = [value for c in members for value in (c["difference"], c["lo"], c["hi"]) if value is not None]
    scale = padded([*ends, 0.0], 0.03)
    kinds = colours(evaluation)
    found = []
    for c in members:
        a, b = (formatting.candidate_name(c[side], evaluation["task"]) for side in "ab")
        label = f"{a} minus {b}: {formatting.signed(c['difference'])}"
        drawn = "" if c["difference"] is None else whisker(
            c["difference"], c["lo"], c["hi"], scale=scale, reference=0.0, kind=kinds[c["a"]["model"]], label=label)
        found.append({**c, "drawn": Markup(drawn)})
    return found


def figures(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the answers of the best, then each learner's tuning and learning curves on its best subset, with captions."""
    best = evaluation["best"]
    found = [(p.title, p.caption, p.drawn) for p in answer_pictures(evaluation, best["model"], best["subset"])]
    for model in learners(evaluation):
        subset = next(row["subset"] for row in evaluation["leaderboard"] if row["model"] == model)
        name = formatting.candidate_name({"model": model, "subset": subset})
        tuned = tuning_curve(evaluation, model, subset)
        if tuned:
            caption = f"Mean over inner folds; parameters not drawn are at their best for each {tuned[0]}."
            found.append((f"{name}: {tuned[0]}", caption, tuned[1]))
        learnt = learning_curve(evaluation, model, subset)
        if learnt:
            one = formatting.is_one_split(evaluation)
            caption = "On the training rows." if one else "Mean over the outer folds that reached the epoch."
            found.append((f"{name}: learning", caption, learnt))
    return [{"title": title, "caption": caption, "drawn": Markup(drawn)} for title, caption, drawn in found]


def configurations(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return by model and subset the chosen configurations, the most frequent first, with the number of outer folds."""
    found = []
    for model in learners(evaluation):
        for subset in evaluation["subsets"]:
            folds = evaluation["configs"][model].get(subset, [])
            counts = Counter(formatting.settings_text(fold["settings"]) for fold in folds)
            chosen = [{"settings": settings, "n_folds": n} for settings, n in counts.most_common()]
            found.append({"model": model, "subset": subset, "chosen": chosen, "n_folds": len(folds)})
    return found
