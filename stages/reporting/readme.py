"""The results tables of README.md and docs/results.md, each generated between two markers from evaluation files."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.foundation.errors import InputError
from stages.reporting.findings import verdict
from stages.reporting.formatting import SPACE, metric_of, model_name, number, outputs_name, subset_name

RESULTS, KEPT = "results", "kept results"  # names of the markers
# what the table needs of an evaluation
NEEDED = {
    "dataset", "rows", "task", "target", "outputs", "modalities", "subsets", "models", "controls", "primary", "metrics", "leaderboard",
    "comparisons", "shipped",
}  # fmt: skip


def results_table(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: data set, rows, target, metric, baseline, each learner on its best modality combination, fusing."""
    learners = list(dict.fromkeys(model for e in evaluations for model in e["models"] if model not in e["controls"]))
    names = [model_name(model) for model in learners]
    lines = [
        "| " + " | ".join(["data set", "rows", "predicts", "metric", "baseline", *names, "fusing all modalities"]) + " |",
        "|---|--:|---|---|--:|" + "--:|" * len(learners) + "---|",
    ]
    for evaluation in evaluations:
        rows = evaluation["rows"] or {}
        best = {row["model"]: row for row in reversed(evaluation["leaderboard"])}
        control = next((row for row in evaluation["leaderboard"] if row["model"] in evaluation["controls"]), None)
        used = f"{rows['used']:,} of{SPACE}{rows['available']:,}" if rows else ""
        shipped = "" if evaluation.get("shipped", True) else " (not shipped)"
        columns = [evaluation["dataset"] + shipped, used, outputs_name(evaluation), _metric(evaluation),
                   *(_cell(row, evaluation) for row in (control, *map(best.get, learners))), verdict(evaluation)]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def short_table(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table: data set, target, metric, baseline, the best learner with its modalities and score."""
    lines = ["| data set | predicts | metric | baseline | best model | its score |", "|---|---|---|--:|---|--:|"]
    for evaluation in evaluations:
        of_learners = [row for row in evaluation["leaderboard"] if row["model"] not in evaluation["controls"]]
        baseline = next((row for row in evaluation["leaderboard"] if row["model"] in evaluation["controls"]), None)
        best = min(of_learners, key=lambda row: row["rank"], default=None)
        chosen = f"{model_name(best['model'])}, {subset_name(best['subset'])}" if best else ""
        columns = [evaluation["dataset"], outputs_name(evaluation), _metric(evaluation), _score(baseline, evaluation), chosen]
        lines.append(f"| {' | '.join([*columns, _score(best, evaluation)])} |")
    return "\n".join(lines)


def _metric(evaluation: Mapping[str, Any]) -> str:
    metric = metric_of(evaluation)
    return str(metric["title"]) + ("" if metric["greater_is_better"] else " ↓")


def _cell(row: Mapping[str, Any] | None, evaluation: Mapping[str, Any]) -> str:
    if row is None:
        return ""
    return _score(row, evaluation) + ("" if row["model"] in evaluation["controls"] else f"<br>{subset_name(row['subset'])}")


def _score(row: Mapping[str, Any] | None, evaluation: Mapping[str, Any]) -> str:
    if row is None:
        return ""
    score = number(row[evaluation["primary"]])
    shown = f"**{score}**" if row["rank"] == 1 else score
    return shown + ("" if row["lo"] is None else f" [{number(row['lo'])},{SPACE}{number(row['hi'])}]")


def markers(name: str) -> tuple[str, str]:
    """Return the lines between which a table stands."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def with_block(page: str, block: str, name: str) -> str:
    """Return a page with what stands between the markers `name` replaced.

    Raises:
        InputError: if it does not hold the two markers once each, in order.
    """
    start, end = markers(name)
    if page.count(start) != 1 or page.count(end) != 1 or page.index(start) > page.index(end):
        raise InputError(f"expected one line {start!r} and, below it, one line {end!r}; put them where the generated part belongs")
    head, rest = page.split(start)
    return f"{head}{start}\n{block}\n{end}{rest.split(end)[1]}"
