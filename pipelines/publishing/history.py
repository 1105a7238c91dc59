"""A data set's run `history` on the tracking server: each candidate's score as a line over the versions that were compared.

A point per version, in the order in which they were compared; the same version twice in a row is one point.
"""

import json
import time
from typing import TYPE_CHECKING, Any

from pipelines.publishing.lock_entries import digest, identity, read_lock
from pipelines.publishing.metric_values import metric_names
from pipelines.publishing.runs import BATCH, CURRENT, NOTE
from pipelines.publishing.tracking import Server, connect, experiment_of_dvc, open_experiment, plain_values, refusals
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.version_comparison_document import DatasetMoves, VersionComparison
from stages.contracts.paths import evaluation_path
from stages.foundation.documents import read_document
from stages.foundation.plain_output import plain
from stages.reporting.formatting import listed

if TYPE_CHECKING:
    from mlflow.entities import Run

HISTORY = "history"  # name and kind of the run
STEP = "sensorium.step."  # prefix of the tags that hold the key and the line of each point
MOST_LINES = 30


def log_history(settings: PublishEntry, comparison: VersionComparison) -> list[str]:
    """Add a point to the history of each data set that was compared; return a line that says of how many.

    Raises:
        InputError: if the server does not answer, or refuses.
    """
    if experiment_of_dvc() is not None:
        return []
    server, lock, added = connect(settings), read_lock(), []
    with refusals(server.uri):
        for found in comparison.datasets:
            if found.candidates and f"evaluate@{found.dataset}" in lock and evaluation_path(found.dataset).is_file():
                key = digest(identity(lock[f"evaluate@{found.dataset}"]))
                added += [found.dataset] * add_point(server, comparison, found, key)
    return [f"MLflow: run '{HISTORY}' of {listed(added)} has a new point"] if added else []


def add_point(server: Server, comparison: VersionComparison, found: DatasetMoves, key: str) -> bool:
    """Log a version's scores as the next step of a data set's history; return False if it is the last one that was logged.

    Args:
        key: tells the version of the data set's results.
    """
    from mlflow.entities import Metric, RunTag

    evaluation = read_document(evaluation_path(found.dataset), Evaluation)
    experiment = open_experiment(server, found.dataset, {})
    run = history_run(server, experiment, found.dataset)
    points = logged_points(run)
    if points and points[-1]["key"] == key:
        return False
    step, now = len(points), int(time.time() * 1000)
    points.append({"key": key, "line": line_of(comparison, found, step)})
    metrics = [Metric(name, value, now, step) for name, value in scores_of(evaluation).items()]
    for start in range(0, len(metrics), BATCH):
        server.client.log_batch(run.info.run_id, metrics=metrics[start:start + BATCH])
    tags = {f"{STEP}{step:05}": json.dumps(points[-1]), NOTE: note_of(evaluation, [point["line"] for point in points])}
    server.client.log_batch(run.info.run_id, tags=[RunTag(name, text) for name, text in plain_values(tags).items()])
    return True


def history_run(server: Server, experiment: str, dataset: str) -> "Run":
    """Return the run that holds a data set's history, made if need be."""
    for run in server.client.search_runs([experiment], f"tags.kind = '{HISTORY}'", order_by=["attributes.start_time ASC"], max_results=1):
        return run
    tags = {"dataset": dataset, "kind": HISTORY, CURRENT: "false"}
    made = server.client.create_run(experiment, tags=plain_values(tags), run_name=HISTORY)
    server.client.set_terminated(made.info.run_id, "FINISHED")
    return made


def logged_points(run: "Run") -> list[dict[str, Any]]:
    """Return the key and the line of each point of a history."""
    return [json.loads(text) for name, text in sorted(run.data.tags.items()) if name.startswith(STEP)]


def scores_of(evaluation: Evaluation) -> dict[str, float]:
    """Return each candidate's mean on the primary metric, by a name that MLflow takes: accuracy/knn image_text."""
    results = evaluation.candidates
    names = metric_names([" ".join(evaluation.key(found.candidate)).strip() for found in results])
    scores = {f"{evaluation.primary.name}/{name}": evaluation.primary_score(found).mean for name, found in zip(names, results, strict=True)}
    return {name: mean for name, mean in scores.items() if mean is not None}


def line_of(comparison: VersionComparison, found: DatasetMoves, step: int) -> str:
    """Return what a point stands for, in one line: step 3: commit 4f2a…, against 3f2a…: moved down: knn on image+text."""
    after = (comparison.after.commit or comparison.after.lock)[:8]
    before = (comparison.before.commit or comparison.before.lock)[:8]
    moved = [move for move in found.candidates if move.move in ("moved up", "moved down")]
    moves = [f"{move.move}: {move.model} on {move.candidate.combination}" for move in moved]
    return f"step {step}: {after}, against {before}: {', '.join(moves) or found.note or 'nothing moved'}"


def note_of(evaluation: Evaluation, lines: list[str]) -> str:
    """Return the run's description: what its lines are, and what each of the last points stands for."""
    head = (f"{evaluation.primary.title} of every candidate over the versions that were compared with the accepted one, a step each. "
            "A step's commit is the one that was checked out; its results may not be committed.")
    return plain("\n".join([head, "", *(f"- {line}" for line in lines[-MOST_LINES:])]))

