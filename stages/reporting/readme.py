"""The results table of README.md, generated between two markers from the evaluation files."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.errors import InputError
from stages.reporting.findings import verdict
from stages.reporting.words import CONTROL, model_name, number, subset_name

START, END = "<!-- results -->", "<!-- /results -->"


def results_table(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: data set, rows, the control and each learner on its best subset, what fusing does."""
    models = list(dict.fromkeys(model for evaluation in evaluations for model in evaluation["models"]))
    lines = [
        "| data set | rows | classes | " + " | ".join(model_name(model) for model in models) + " | fusing all modalities |",
        "|---|--:|--:|" + "--:|" * len(models) + "---|",
    ]
    for evaluation in evaluations:
        primary, rows = evaluation["primary"], evaluation["rows"] or {}
        best = {row["model"]: row for row in reversed(evaluation["leaderboard"])}
        cells = [_cell(best[model], primary) if model in best else "" for model in models]
        used = f"{rows['used']:,} of {rows['available']:,}" if rows else ""
        columns = [evaluation["dataset"], used, str(len(evaluation["classes"])), *cells, verdict(evaluation)]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], primary: str) -> str:
    shown = f"**{number(row[primary])}**" if row["rank"] == 1 else number(row[primary])
    around = "" if row["lo"] is None else f" [{number(row['lo'])}, {number(row['hi'])}]"
    return f"{shown}{around}" + ("" if row["model"] == CONTROL else f"<br>{subset_name(row['subset'])}")


def with_results(readme: str, table: str) -> str:
    """Return the README with the block between the markers replaced.

    Raises:
        InputError: if it does not hold the two markers once each, in order.
    """
    if readme.count(START) != 1 or readme.count(END) != 1 or readme.index(START) > readme.index(END):
        raise InputError(f"README.md: expected one line {START!r} and, below it, one line {END!r}; put them where the results belong")
    head, rest = readme.split(START)
    return f"{head}{START}\n{table}\n{END}{rest.split(END)[1]}"
