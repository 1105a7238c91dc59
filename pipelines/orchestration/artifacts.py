"""Artifacts of a flow run in Prefect: the results as a table, and the path of the report."""

from collections.abc import Iterable, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from pipelines.running.executor import StageResult
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.results_document import MeanScore
from stages.contracts.paths import evaluation_path, report_path
from stages.foundation.documents import read_document
from stages.foundation.plain_output import plain
from stages.reporting.formatting import combination_name, number

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


def read_evaluation(dataset: str) -> Evaluation | None:
    """Return a data set's evaluation.json, or None where there is none yet."""
    path = evaluation_path(dataset)
    return read_document(path, Evaluation) if path.is_file() else None


def result_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return one row per candidate, in the leaderboard's order."""
    rows, n, (primary, *others) = [], evaluation.rows, evaluation.metrics
    for found in evaluation.ranked():
        row = {"data set": evaluation.dataset, "rows": f"{n.used:,} of {n.available:,}", "rank": found.rank,
               "model": found.model, "modalities": combination_name(found.candidate, evaluation)}
        # the same columns for every data set, whose metrics differ
        row |= {"metric": primary.title, "score": interval(found.scores[primary.name])}
        rows.append(row | {"others": ", ".join(f"{metric.title} {number(found.scores[metric.name].mean)}" for metric in others)})
    return rows


def interval(score: MeanScore) -> str:
    """Return `0.912 [0.901, 0.923]`, or what there is of it."""
    mean = number(score.mean)
    return mean if score.lo is None or score.hi is None else f"{mean} [{number(score.lo)}, {number(score.hi)}]"


def summary(evaluations: Iterable[Evaluation], note: str) -> str:
    """Return Markdown: the best candidate of each data set, then where the report and the dashboard are."""
    lines = ["| data set | best model | modalities | score |", "|---|---|---|---|"]
    for evaluation in evaluations:
        best, score = evaluation.best, interval(evaluation.primary_score(evaluation.result(evaluation.best)))
        modalities = combination_name(best, evaluation)
        lines.append(f"| {evaluation.title} | {best.model} | {modalities} | {evaluation.primary.title} {score} |")
    where = f"The whole report: `{report_path()}` in the workspace. Runs, curves and models: MLflow (`make ui`)."
    return plain("\n".join([*lines, "", *([note, ""] if note else []), where]))
