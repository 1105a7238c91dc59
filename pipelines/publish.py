"""Publish what DVC tracks to MLflow: `python -m pipelines.publish`, `make publish`, the last stage of the graph.

A projection: dvc.lock and the files it names become runs, keyed by their content. Publishing twice logs once; an empty
server is refilled; a run whose key is gone stays as history, tagged current = false. So do all runs of a data set whose
validation fails by now, or whose data have changed since it was evaluated.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from pipelines.publishing import descriptions
from pipelines.publishing.champions import register
from pipelines.publishing.dataset_records import dataset_records
from pipelines.publishing.links import leaderboard_link
from pipelines.publishing.lock_entries import read_lock, why_outdated
from pipelines.publishing.process_pool import distribute, workers
from pipelines.publishing.record import Record
from pipelines.publishing.runs import NOTE
from pipelines.publishing.saved_view import leaderboard_view
from pipelines.publishing.synced_runs import delete_half_done, finished_runs, mark_current, sync_runs
from pipelines.publishing.tracking import Server, connect, experiment_name, experiment_of_dvc, open_experiment, refusals
from stages.checking.pipeline_settings import PublishEntry
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.paths import DATA, evaluation_path
from stages.foundation.documents import read_document
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.parallel import cores_now
from stages.foundation.params_file import data_set_names, read_params, section
from stages.foundation.tables import read_json, write_json

WITHOUT, FAILED = "--without=", "a stage of it failed in the last run"
RECEIPT = DATA / "published" / "receipt.json"
NOT_CURRENT = " Its runs are history until it is evaluated again.\n\n"  # ends what `retire_dataset` puts before a note
MOST_PROCESSES = 2  # each holds 0.4 GB, and a sqlite file has one writer at a time


def main(option: str = "") -> None:
    """Bring the server up to date with dvc.lock; write the receipt.

    Args:
        option: `--without=<data sets>`, separated by commas: those whose stages failed in the last run.
    """
    if option and not option.startswith(WITHOUT):
        raise InputError(f"unknown option {option!r}; allowed: --without=<data sets>, or none")
    failed = option.removeprefix(WITHOUT).split(",") if option else []
    params = read_params()
    lock = read_lock()
    datasets = data_set_names(params)
    outdated = {dataset: why for dataset in datasets if (why := FAILED if dataset in failed else why_outdated(lock, dataset))}
    for dataset, why in outdated.items():
        print(f"{dataset}: skipped, {why}", file=sys.stderr)
    records = {dataset: dataset_records(lock, dataset) for dataset in datasets if dataset not in outdated}
    settings: PublishEntry = section(params, "publish", PublishEntry)
    is_experiment = experiment_of_dvc() is not None
    with workers(min(MOST_PROCESSES, cores_now(), n_with_news(records)) - 1) as processes:
        server = connect(settings)
        with refusals(server.uri):
            for dataset in datasets:  # in the order of params.yaml, which is the dashboard's
                if dataset in outdated and not is_experiment:
                    retire_dataset(server, dataset, outdated[dataset])
                elif dataset not in outdated:
                    open_experiment(server, dataset, {})
        distribute(list(records.items()), partial(publish_dataset, server), partial(publish_elsewhere, settings.tracking_uri), processes)
    if not records:
        raise InputError("no data set has results of its data as it is now, so there is nothing to publish; run `dvc repro` first")
    write_json(RECEIPT, {dataset: receipt_of(made) for dataset, made in records.items()})


def n_with_news(records: Mapping[str, Sequence[Record]]) -> int:
    """Return how many data sets (1 at least) have other runs than the last receipt: what was published to that server, most likely."""
    published = read_json(RECEIPT) if RECEIPT.is_file() else {}
    return max(1, sum(published.get(dataset) != receipt_of(made) for dataset, made in records.items()))


def receipt_of(made: Sequence[Record]) -> dict[str, str]:
    return {record.name: record.key for record in made}


def publish_elsewhere(tracking_uri: str, made: tuple[str, Sequence[Record]]) -> None:
    """Do as `publish_dataset`, in a worker process."""
    publish_dataset(_connected(tracking_uri), made)


@lru_cache
def _connected(tracking_uri: str) -> Server:
    return connect(PublishEntry(tracking_uri=tracking_uri))


def publish_dataset(server: Server, made: tuple[str, Sequence[Record]]) -> None:
    """Bring one data set's experiment up to date: log what is missing, refresh what looks different, mark what is current.

    In an experiment of `dvc exp run` only what is missing is logged, so that the leaderboard stays that of the workspace.
    """
    with refusals(server.uri):
        _publish(server, *made)


def _publish(server: Server, dataset: str, records: Sequence[Record]) -> None:
    evaluation, dvc_experiment = read_document(evaluation_path(dataset), Evaluation), experiment_of_dvc()
    experiment = open_experiment(server, dataset, {})
    if dvc_experiment is None:
        open_experiment(server, dataset, experiment_tags(evaluation, leaderboard_link(experiment)))
    synced = sync_runs(server, experiment, records, dvc_experiment=dvc_experiment)
    if dvc_experiment is None:
        for line in register(server, experiment, evaluation, records, synced.runs):
            print(f"{dataset}: {line}", flush=True)
    delete_half_done(server, experiment, synced)
    of = f", experiment {dvc_experiment}" if dvc_experiment else ""
    print(f"{dataset}{of}: {synced.counted}", flush=True)


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


def experiment_tags(evaluation: Evaluation, link: str) -> dict[str, str]:
    """Return an experiment's description, its kind (else the dashboard takes it for a chat bot's) and its saved view.

    Args:
        link: opens the leaderboard.
    """
    return {NOTE: descriptions.experiment_note(evaluation, link), "licence": evaluation.licence,
            "mlflow.experimentKind": "custom_model_development", **leaderboard_view()}


if __name__ == "__main__":
    run_stage(main)
