"""Publish what DVC tracks to MLflow: `python -m pipelines.publish`, `make publish`, the last stage of the graph.

A projection: dvc.lock and the files it names become runs, keyed by their content. Publishing twice logs once; an empty
server is refilled; a run whose key is gone stays as history, tagged current = false.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.publishing import notes
from pipelines.publishing.lock import read_lock
from pipelines.publishing.records import Record, Source, dataset_records
from pipelines.publishing.tracking import Server, connect, open_experiment, refusals
from pipelines.publishing.views import leaderboard_view
from stages.contracts import DATA, evaluation_dir
from stages.entry import run_stage
from stages.errors import InputError
from stages.params import PublishEntry, read_params, section, value_at
from stages.tables import read_json, write_json

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

KEY, VIEW, CURRENT, NOTE = "sensorium.key", "sensorium.view", "current", "mlflow.note.content"
RECEIPT = DATA / "published" / "receipt.json"
BATCH = 1000  # MLflow's limit of one call


def main() -> None:
    """Bring the server up to date with dvc.lock; write the receipt."""
    params = read_params()
    lock = read_lock()
    finished = [dataset for dataset in value_at(params, "datasets") if f"evaluate@{dataset}" in lock]
    for dataset in value_at(params, "datasets"):
        if dataset not in finished:
            print(f"{dataset}: left out, it has not been evaluated (`dvc repro evaluate@{dataset}`)", file=sys.stderr)
    if not finished:
        raise InputError("no data set has been evaluated yet, so there is nothing to publish; `dvc repro` first")
    records = {dataset: dataset_records(lock, dataset) for dataset in finished}
    server = connect(section(params, "publish", PublishEntry))
    with refusals(server.uri):
        for dataset in finished:
            publish_dataset(server, dataset, records[dataset])
    write_json(RECEIPT, {dataset: {record.name: record.key for record in records[dataset]} for dataset in finished})


def publish_dataset(server: Server, dataset: str, records: Sequence[Record]) -> None:
    """Bring one experiment up to date: log what is missing, refresh what looks different, mark what is current."""
    evaluation = read_json(evaluation_dir(dataset) / "evaluation.json")
    experiment = open_experiment(server, dataset, experiment_tags(evaluation))
    there = finished_runs(server, experiment)
    counts = {"new": 0, "refreshed": 0, "unchanged": 0}
    for record in records:
        run = there.get(record.key)
        if run is None:
            log_run(server, experiment, record)
        elif run.data.tags.get(VIEW) != record.view:
            refresh_run(server, run.info.run_id, record)
        counts["new" if run is None else "refreshed" if run.data.tags.get(VIEW) != record.view else "unchanged"] += 1
    keys = {record.key for record in records}
    for key, run in there.items():
        if run.data.tags.get(CURRENT) != (current := str(key in keys).lower()):
            server.client.set_tag(run.info.run_id, CURRENT, current)
    print(f"{dataset}: " + ", ".join(f"{n} {what}" for what, n in counts.items()), flush=True)


def experiment_tags(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return an experiment's description, its kind (else the dashboard takes it for a chat bot's) and its saved view."""
    return {NOTE: notes.experiment_note(evaluation), "licence": evaluation["licence"],
            "mlflow.experimentKind": "custom_model_development", **leaderboard_view(evaluation)}


def finished_runs(server: Server, experiment: str) -> "Mapping[str, Run]":
    """Return our finished runs by key; what a killed publish left half-done is deleted."""
    found: dict[str, Run] = {}
    token = None
    while True:
        page = server.client.search_runs([experiment], f"tags.`{KEY}` != ''", max_results=BATCH, page_token=token)
        for run in page:
            if run.info.status == "FINISHED" and artifacts_are_there(server, run) and run.data.tags[KEY] not in found:
                found[run.data.tags[KEY]] = run
            else:
                for model in server.client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'"):
                    server.client.delete_logged_model(model.model_id)
                server.client.delete_run(run.info.run_id)
        token = page.token
        if not token:
            return found


def artifacts_are_there(server: Server, run: "Run") -> bool:
    """Return whether a run's artifacts were not deleted from under a local database."""
    return server.artifact_root is None or Path(run.info.artifact_uri).is_dir()


def log_run(server: Server, experiment: str, record: Record) -> None:
    """Log a record as one run, FINISHED only when all of it is there."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    tags = {**record.tags, KEY: record.key, CURRENT: "true"}
    run_id = server.client.create_run(experiment, start_time=now, tags=tags, run_name=record.name).info.run_id
    if record.source is not None:
        server.client.log_inputs(run_id, [dataset_input(record.source)])
    server.client.log_batch(run_id, params=[Param(name, value) for name, value in record.params.items()],
                            tags=[RunTag(NOTE, record.note)])
    metrics = [Metric(name, value, now, step) for name, value, step in record.points]
    for start in range(0, len(metrics), BATCH):
        server.client.log_batch(run_id, metrics=metrics[start:start + BATCH])
    log_artifacts(server, run_id, record)
    server.client.set_tag(run_id, VIEW, record.view)
    if record.model is not None:
        from pipelines.publishing.models import log_fitted_model

        log_fitted_model(run_id, record.model, metrics)
    server.client.set_terminated(run_id, "FINISHED")


def refresh_run(server: Server, run_id: str, record: Record) -> None:
    """Replace the note, pictures and pages of a run whose results are the same."""
    log_artifacts(server, run_id, record)
    server.client.set_tag(run_id, NOTE, record.note)
    server.client.set_tag(run_id, VIEW, record.view)


def log_artifacts(server: Server, run_id: str, record: Record) -> None:
    """Upload a record's tables, texts and files in one go."""
    from pipelines.publishing.run_tables import write_run_tables

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if record.tables is not None and record.subset is not None:
            write_run_tables(record.tables, record.subset, folder)
        for target, text in record.texts.items():
            (folder / target).write_text(text, encoding="utf-8")
        for target, path in record.files.items():
            (folder / target).parent.mkdir(exist_ok=True)
            (folder / target).write_bytes(path.read_bytes())
        server.client.log_artifacts(run_id, name)


def dataset_input(source: Source) -> "DatasetInput":
    """Return the data set as MLflow's input, its digest DVC's hash of the samples."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(name=source.name, digest=source.digest, source_type="local", source=json.dumps({"uri": source.path}),
                      profile=json.dumps({"num_rows": source.rows}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])


if __name__ == "__main__":
    run_stage(main)
