"""Artifacts of a flow run in Prefect: the results as a table, and the path of the report."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from pipelines.running.executor import StageResult
from stages.contracts.paths import evaluation_dir, report_path
from stages.foundation.tables import read_json
from stages.reporting.formatting import number

RESULTS = "results"
REPORT = "report"


def create_artifacts(datasets: Sequence[str], results: Iterable[StageResult]) -> list[str]:
    """Create Prefect artifacts of this workspace's results; return lines for the console.

    Without an evaluation in the workspace no artifact is created.
    """
    evaluations = [evaluation for name in datasets if (evaluation := read_evaluation(name))]
    if not evaluations:
        return []
    stale = sorted({o.stage for o in results if not o.is_ok and o.stage.startswith("evaluate")})
    note = f"Not updated in this run: {', '.join(stale)}." if stale else ""
    rows = [row for evaluation in evaluations for row in result_rows(evaluation)]
    create_table_artifact(key=RESULTS, table=rows, description=f"Mean over the outer folds [interval]. {note}".strip())
    create_markdown_artifact(key=REPORT, markdown=summary(evaluations, note), description="Best model per data set, and the report")
    report = [f"report: {report_path()}"] if report_path().is_file() else []
    return ["", *report, f"artifacts of this run: '{RESULTS}' and '{REPORT}' (`python -m pipelines.orchestration.server` shows every run)"]


def read_evaluation(dataset: str) -> dict[str, Any] | None:
    """Return a data set's evaluation.json, or None if there is none yet."""
    path = evaluation_dir(dataset) / "evaluation.json"
    return read_json(path) if path.is_file() else None


def result_rows(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per model and modality combination, in the leaderboard's order."""
    rows, n, (primary, *others) = [], evaluation["rows"], evaluation["metrics"]
    for place in evaluation["leaderboard"]:
        scores = evaluation["scores"][place["model"]][place["subset"]]
        row = {"data set": evaluation["dataset"], "rows": f"{n['used']:,} of {n['available']:,}", "rank": place["rank"],
               "model": place["model"], "modalities": place["subset"]}
        # the same columns for every data set, whose metrics differ
        row |= {"metric": primary["title"], "score": interval(scores[primary["name"]])}
        rows.append(row | {"others": ", ".join(f"{metric['title']} {number(scores[metric['name']]['mean'])}" for metric in others)})
    return rows


def interval(score: Mapping[str, Any]) -> str:
    """Return `0.912 [0.901, 0.923]`, or the mean if there is no interval."""
    mean, low, high = (score.get(name) for name in ("mean", "lo", "hi"))
    return number(mean) if low is None or high is None else f"{number(mean)} [{number(low)}, {number(high)}]"


def summary(evaluations: Iterable[Mapping[str, Any]], note: str) -> str:
    """Return Markdown: the best model of each data set, then the places of report and dashboard."""
    lines = ["| data set | best model | modalities | score |", "|---|---|---|---|"]
    for evaluation in evaluations:
        best, primary = evaluation["best"], evaluation["metrics"][0]
        score = interval(evaluation["scores"][best["model"]][best["subset"]][primary["name"]])
        lines.append(f"| {evaluation['title']} | {best['model']} | {best['subset']} | {primary['title']} {score} |")
    where = f"The whole report: `{report_path()}` in the workspace. Runs, curves and models: MLflow (`make ui`)."
    return "\n".join([*lines, "", *([note, ""] if note else []), where])
