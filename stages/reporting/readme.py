"""The results table of README.md, generated between two markers from the evaluation files."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.errors import InputError
from stages.reporting.findings import verdict
from stages.reporting.words import metric_of, model_name, number, outputs_name, subset_name

START, END = "<!-- results -->", "<!-- /results -->"


def results_table(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: data set, rows, what is predicted, the metric, the control, each learner on its best subset, fusing."""
    learners = list(dict.fromkeys(model for e in evaluations for model in e["models"] if model not in e["controls"]))
    names = [model_name(model) for model in learners]
    lines = [
        "| " + " | ".join(["data set", "rows", "predicts", "metric", "control", *names, "fusing all modalities"]) + " |",
        "|---|--:|---|---|--:|" + "--:|" * len(learners) + "---|",
    ]
    for evaluation in evaluations:
        rows = evaluation["rows"] or {}
        best = {row["model"]: row for row in reversed(evaluation["leaderboard"])}
        control = next((row for row in evaluation["leaderboard"] if row["model"] in evaluation["controls"]), None)
        used = f"{rows['used']:,} of {rows['available']:,}" if rows else ""
        shipped = "" if evaluation.get("shipped", True) else " (not shipped)"
        metric = metric_of(evaluation)
        scored_by = metric["title"] + ("" if metric["greater_is_better"] else " ↓")
        columns = [evaluation["dataset"] + shipped, used, outputs_name(evaluation), scored_by,
                   *(_cell(row, evaluation) for row in (control, *map(best.get, learners))), verdict(evaluation)]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any] | None, evaluation: Mapping[str, Any]) -> str:
    if row is None:
        return ""
    score = number(row[evaluation["primary"]])
    shown = f"**{score}**" if row["rank"] == 1 else score
    around = "" if row["lo"] is None else f" [{number(row['lo'])}, {number(row['hi'])}]"
    return f"{shown}{around}" + ("" if row["model"] in evaluation["controls"] else f"<br>{subset_name(row['subset'])}")


def with_results(readme: str, table: str) -> str:
    """Return the README with the block between the markers replaced.

    Raises:
        InputError: if it does not hold the two markers once each, in order.
    """
    if readme.count(START) != 1 or readme.count(END) != 1 or readme.index(START) > readme.index(END):
        raise InputError(f"README.md: expected one line {START!r} and, below it, one line {END!r}; put them where the results belong")
    head, rest = readme.split(START)
    return f"{head}{START}\n{table}\n{END}{rest.split(END)[1]}"
