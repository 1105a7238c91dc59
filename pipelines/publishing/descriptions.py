"""The words of the dashboard: a note per experiment and run in markdown, the leaderboard as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stages.reporting.findings import findings
from stages.reporting.formatting import (
    interval,
    is_one_split,
    level_name,
    metric_of,
    model_name,
    number,
    outputs_name,
    p_value,
    signed,
    subset_name,
)
from stages.reporting.report_page import ranked


def experiment_note(evaluation: Mapping[str, Any]) -> str:
    """Return what the data set is, how much of it was used, how the scores come about and how to read the runs."""
    rows = evaluation["rows"]
    whole = rows["used"] == rows["available"]
    used = f"all {rows['used']:,} rows" if whole else f"**{rows['used']:,} of {rows['available']:,} rows** (a sample)"
    lines = [
        f"{evaluation['title']}\n",  # plain: the list of experiments shows the first words unrendered
        f"- Predicts {what_is_predicted(evaluation)} from {used}.",
        f"- Modalities: {', '.join(evaluation['modalities'])}.",
        f"- Ranked by {metric_of(evaluation)['title']}; {protocol(evaluation)}; {level_name(evaluation)} intervals.",
        f"- Licence of the data: {evaluation['licence']}.",
    ]
    if evaluation.get("citation"):
        lines.append(f"- Source: {evaluation['citation']}")
    if evaluation["quarantined"]["rows"]:
        lines.append(f"- Left out because they could not be read: {evaluation['quarantined']['rows']:,} samples "
                     f"({evaluation['quarantined']['share']:.1%}), in the summary's `quarantine.csv`.")
    lines.append("\nOne run per model and subset of the modalities; the run `summary` has the leaderboard and the report. "
                 "The saved view `Leaderboard` (under Views) ranks the current ones; `tags.current = 'true'` leaves out runs that later "
                 "results replaced.")
    return "\n".join(lines)


def what_is_predicted(evaluation: Mapping[str, Any]) -> str:
    """Return "category: 9 classes", "functions: 14 labels that may hold together", or "flow: 8 numbers"."""
    together = " that may hold together" if evaluation["task"] == "multilabel" else ""
    return f"{evaluation['target']}: {outputs_name(evaluation)}{together} ({evaluation['task']})"


def title_of(evaluation: Mapping[str, Any], metric: str) -> str:
    """Return how a metric is written, with an arrow where less is better."""
    found = metric_of(evaluation, metric)
    return str(found["title"]) + ("" if found["greater_is_better"] else " ↓")


def mean_name(evaluation: Mapping[str, Any]) -> str:
    """Return what a run's score is called."""
    return "score" if is_one_split(evaluation) else "mean"


def protocol(evaluation: Mapping[str, Any]) -> str:
    """Return how often and on what the models were tested."""
    folds, repeats, inner = evaluation["n_folds"], evaluation["n_repeats"], evaluation["n_inner_folds"]
    outer = f"{folds} outer folds" if folds > 1 else "the official test split"
    return outer + (f" × {repeats} repeats" if repeats > 1 else "") + f", configuration chosen on {inner} inner folds"


def run_note(evaluation: Mapping[str, Any], model: str, subset: str, chosen: Mapping[str, str]) -> str:
    """Return a run's numbers, choices and comparisons."""
    scores = evaluation["scores"][model][subset]
    called = model_name(model, evaluation["task"])
    head = f"**{called}** on **{subset_name(subset)}** of {evaluation['title']}: {protocol(evaluation)}."
    if model in evaluation["controls"]:
        head = (f"**{called}**, a control: it looks at no modality (so it is the same on each subset), and every learner must beat it. "
                f"{evaluation['title']}: {protocol(evaluation)}.")
    rows = [(title_of(evaluation, metric), number(s["mean"]), interval(s["lo"], s["hi"]), ", ".join(map(number, s["folds"])))
            for metric, s in ((m["name"], scores[m["name"]]) for m in evaluation["metrics"] if m["name"] in scores)]
    columns = ["metric", mean_name(evaluation), f"{level_name(evaluation)} interval", "outer folds"]
    if is_one_split(evaluation):  # its one score stands in front
        columns, rows = columns[:-1], [row[:-1] for row in rows]  # type: ignore[misc]
    parts = [head, table(columns, rows)]
    if chosen:
        parts.append("Chosen on the inner folds: " + "; ".join(f"{name} = {value}" for name, value in chosen.items()) + ".")
    return "\n\n".join([*parts, *comparisons(evaluation, model, subset)])


def comparisons(evaluation: Mapping[str, Any], model: str, subset: str) -> list[str]:
    """Return the paired tests that a run takes part in, as a table; nothing if there are none."""
    me, rows = {"model": model, "subset": subset}, []
    for test in evaluation.get("comparisons", ()):
        if me not in (test["a"], test["b"]):
            continue
        sign, other = (1, test["b"]) if test["a"] == me else (-1, test["a"])
        ends = sorted(sign * test[end] for end in ("lo", "hi") if test[end] is not None)
        # said of a, which may be the other run
        verdict = "no" if test["verdict"] == "not shown" else "yes, better" if (test["verdict"] == "better") == (sign > 0) else "yes, worse"
        difference = None if test["difference"] is None else sign * test["difference"]
        rows.append((name(other, evaluation), title_of(evaluation, test["metric"]), signed(difference),
                     " to ".join(map(signed, ends)) or "–", p_value(test["p_corrected"]), verdict))
    if not rows:
        return []
    return ["Paired tests against other runs (p corrected for their number):",
            table(("against", "metric", "difference", "interval", "corrected p", "shown to differ"), rows)]


def summary_note(evaluation: Mapping[str, Any]) -> str:
    """Return a data set's leaderboard and what the tests support."""
    primary = evaluation["primary"]
    head = f"**{evaluation['title']}**: {protocol(evaluation)}; ranked by {title_of(evaluation, primary)}."
    said = "\n".join(f"- {finding}" for finding in findings(evaluation))
    # of those against the control the findings say it all
    shown = [test for test in evaluation.get("comparisons", ()) if test["verdict"] != "not shown" and test["family"] != "control"]
    tests = [f"- {name(test['a'], evaluation)} is {test['verdict']} than {name(test['b'], evaluation)}: "
             f"{metric_of(evaluation, test['metric'])['title']} {signed(test['difference'])} (corrected p {p_value(test['p_corrected'])})"
             for test in shown]
    found = ["Differences between learners and subsets that hold after correction:\n" + "\n".join(tests)] if tests else []
    others = [m["name"] for m in evaluation["metrics"][1:]]
    rows = [[str(entry["rank"]), model_name(entry["model"], evaluation["task"]),
             "none" if entry["model"] in evaluation["controls"] else subset_name(entry["subset"]), number(entry[primary]),
             interval(entry["lo"], entry["hi"]), *(number(entry.get(column)) for column in others)] for entry in ranked(evaluation)]
    headings = ("rank", "model", "modalities", title_of(evaluation, primary), f"{level_name(evaluation)} interval",
                *(title_of(evaluation, column) for column in others))
    return "\n\n".join([head, said, table(headings, rows), *found, "The whole report: artifact `report.html`."])


def leaderboard_csv(evaluation: Mapping[str, Any]) -> str:
    """Return the leaderboard with the intervals of the primary metric, as CSV."""
    primary, metrics = evaluation["primary"], [metric["name"] for metric in evaluation["metrics"]]
    columns = ["rank", "model", "subset", *metrics]
    rows = [(*(entry[column] for column in columns), entry["lo"], entry["hi"]) for entry in evaluation["leaderboard"]]
    return csv_text([*columns, f"{primary}_lo", f"{primary}_hi"], rows)


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def name(pair: Mapping[str, str], evaluation: Mapping[str, Any]) -> str:
    """Return how a model on a subset is written; a control looks at none."""
    called = model_name(pair["model"], evaluation["task"])
    return called if pair["model"] in evaluation["controls"] else f"{called} · {subset_name(pair['subset'])}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table; the dashboard draws tables without any padding, so cells bring their own."""
    head, *body = (" | ".join(f"{text}&nbsp;&nbsp;" for text in line) for line in (columns, *rows))
    return "\n".join(f"| {line} |" for line in (head, " | ".join(["---"] * len(columns)), *body))
