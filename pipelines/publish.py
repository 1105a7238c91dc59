"""Publish what DVC tracks to MLflow: `python -m pipelines.publish`, `make publish`, the last stage of the graph.

A projection: dvc.lock and the files it names become runs, keyed by their content. Publishing twice logs once; an empty
server is refilled; a run whose key is gone stays as history, tagged current = false. So do all runs of a data set whose
validation fails by now, or whose data have changed since it was evaluated.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.publishing import notes
from pipelines.publishing.lock import read_lock, why_outdated
from pipelines.publishing.records import Record, Source, dataset_records
from pipelines.publishing.spread import helpers, spread
from pipelines.publishing.tracking import Server, connect, experiment_name, open_experiment, refusals
from pipelines.publishing.views import leaderboard_view
from stages.contracts import DATA, evaluation_dir
from stages.entry import run_stage
from stages.errors import InputError
from stages.numerics.parallel import n_cores
from stages.params import PublishEntry, read_params, section, value_at
from stages.tables import read_json, write_json

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

KEY, VIEW, CURRENT, NOTE = "sensorium.key", "sensorium.view", "current", "mlflow.note.content"
RECEIPT = DATA / "published" / "receipt.json"
NOT_CURRENT = " Its runs are history until it is evaluated again.\n\n"  # ends what `retire_dataset` puts before a note
BATCH = 1000  # MLflow's limit of one call


def main() -> None:
    """Bring the server up to date with dvc.lock; write the receipt."""
    params = read_params()
    lock = read_lock()
    datasets, models = list(value_at(params, "datasets")), list(value_at(params, "models"))
    outdated = {dataset: why for dataset in datasets if (why := why_outdated(lock, dataset, models))}
    for dataset, why in outdated.items():
        print(f"{dataset}: left out, {why}", file=sys.stderr)
    records = {dataset: dataset_records(lock, dataset) for dataset in datasets if dataset not in outdated}
    settings: PublishEntry = section(params, "publish", PublishEntry)
    with helpers(min(n_cores(), len(records)) - 1 if records else 0) as processes:
        server = connect(settings)
        with refusals(server.uri):
            for dataset in datasets:  # in the order of params.yaml, which is the dashboard's
                if dataset in outdated:
                    retire_dataset(server, dataset, outdated[dataset])
                else:
                    open_experiment(server, dataset, {})
        spread(list(records.items()), partial(publish_dataset, server), partial(publish_elsewhere, settings.tracking_uri), processes)
    if not records:
        raise InputError("no data set has results of its data as it is now, so there is nothing to publish; `dvc repro` first")
    write_json(RECEIPT, {dataset: {record.name: record.key for record in made} for dataset, made in records.items()})


def publish_elsewhere(tracking_uri: str, made: tuple[str, Sequence[Record]]) -> None:
    """Do as `publish_dataset`, in a process beside the one that connected first."""
    publish_dataset(_connected(tracking_uri), made)


@lru_cache
def _connected(tracking_uri: str) -> Server:
    return connect(PublishEntry(tracking_uri=tracking_uri))


def publish_dataset(server: Server, made: tuple[str, Sequence[Record]]) -> None:
    """Bring one data set's experiment up to date: log what is missing, refresh what looks different, mark what is current."""
    with refusals(server.uri):
        _publish(server, *made)


def _publish(server: Server, dataset: str, records: Sequence[Record]) -> None:
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
    mark_current(server, there, {record.key for record in records})
    print(f"{dataset}: " + ", ".join(f"{n} {what}" for what, n in counts.items()), flush=True)


def retire_dataset(server: Server, dataset: str, why: str) -> None:
    """Leave a data set's runs as history, none of them current, and say why at the head of its experiment."""
    found = server.client.get_experiment_by_name(experiment_name(dataset))
    if found is None or found.lifecycle_stage == "deleted":
        return
    runs = finished_runs(server, found.experiment_id)
    mark_current(server, runs, set())
    note = found.tags.get(NOTE, "").partition(NOT_CURRENT)
    text = f"**No run is current**: {why}.{NOT_CURRENT}{note[2] or note[0]}"
    if found.tags.get(NOTE) != text:
        server.client.set_experiment_tag(found.experiment_id, NOTE, text)
    print(f"{dataset}: {len(runs)} runs kept as history, none current", flush=True)


def mark_current(server: Server, runs: "Mapping[str, Run]", keys: Set[str]) -> None:
    """Tag each run as current or not."""
    for key, run in runs.items():
        if run.data.tags.get(CURRENT) != (current := str(key in keys).lower()):
            server.client.set_tag(run.info.run_id, CURRENT, current)


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
