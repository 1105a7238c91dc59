"""The results tables of README.md, each generated between two markers from evaluation files."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.foundation.errors import InputError
from stages.reporting.findings import verdict
from stages.reporting.formatting import metric_of, model_name, number, outputs_name, subset_name

RESULTS, KEPT = "results", "kept results"  # names of the markers
# what the table needs of an evaluation
NEEDED = {
    "dataset", "rows", "task", "target", "outputs", "modalities", "subsets", "models", "controls", "primary", "metrics", "leaderboard",
    "comparisons", "shipped",
}  # fmt: skip


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


def markers(name: str) -> tuple[str, str]:
    """Return the lines between which a table stands."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def with_results(readme: str, table: str, name: str) -> str:
    """Return the README with the block between the markers `name` replaced.

    Raises:
        InputError: if it does not hold the two markers once each, in order.
    """
    start, end = markers(name)
    if readme.count(start) != 1 or readme.count(end) != 1 or readme.index(start) > readme.index(end):
        raise InputError(f"README.md: expected one line {start!r} and, below it, one line {end!r}; put them where the results belong")
    head, rest = readme.split(start)
    return f"{head}{start}\n{table}\n{end}{rest.split(end)[1]}"
