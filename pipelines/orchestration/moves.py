"""After a run: compare with the accepted version, show it in Prefect and on MLflow, and tell whom params.yaml names.

Import after `set_up_prefect`, because Prefect reads its settings at import.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from prefect.artifacts import create_markdown_artifact

from pipelines.comparing.accepted import accepted_commit, is_accepted
from pipelines.comparing.comparison_text import candidate_text, markdown, summary, version_name
from pipelines.orchestration.notification import notify
from pipelines.publishing.history import log_history
from stages.checking.pipeline_settings import FlowEntry, PublishEntry
from stages.contracts.documents.version_comparison_document import VersionComparison
from stages.foundation.errors import InputError
from stages.foundation.params_file import section

MOVED = "moved"


def report_moves(params: Mapping[str, Any], failed: Collection[str]) -> list[str]:
    """Return lines for the log: what moved since the accepted version. A problem is a line, not the end of the flow, whose stages have run.

    Args:
        failed: data sets of which a stage failed in this run.
    """
    if not is_accepted():
        return ["no version is accepted, so nothing is compared; accept one: `make compare ARGS=--accept`"]
    from pipelines.comparing.compared import compare_with  # scipy and DVC: a second that a run without an accepted version does not need

    lines: list[str] = []
    try:
        comparison = compare_with(accepted_commit(), failed)
    except InputError as error:
        return [f"not compared with the accepted version: {error}"]
    create_markdown_artifact(key=MOVED, markdown=markdown(comparison), description="Held-out scores against the accepted version")
    against = f"against the accepted version {version_name(comparison.before)}"
    lines += [f"{against}: {summary(comparison)} (artifact '{MOVED}')", *moved(comparison)]
    publish: PublishEntry = section(params, "publish", PublishEntry)
    lines += attempted(lambda: log_history(publish, comparison))
    settings: FlowEntry = section(params, "flow", FlowEntry)
    if settings.notify and moved(comparison):
        lines += attempted(lambda: told(settings.notify, comparison))
    return lines


def moved(comparison: VersionComparison) -> list[str]:
    """Return a line per candidate that moved, those that moved down first."""
    moves = [*comparison.moves("moved down"), *comparison.moves("moved up")]
    return [f"{move.move}: {candidate_text(dataset, move)}" for dataset, move in moves]


def told(target: str, comparison: VersionComparison) -> list[str]:
    """Send what moved; return a line that says so."""
    notify(target, f"Sensorium: {summary(comparison)}", "\n".join(moved(comparison)))
    return ["notified, as flow.notify asks"]


def attempted(do: Callable[[], list[str]]) -> list[str]:
    """Return the lines of a step, or its error as a line."""
    try:
        return do()
    except InputError as error:
        return [str(error)]
