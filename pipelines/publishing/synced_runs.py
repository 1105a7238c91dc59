"""Bring the runs of an experiment up to date with records: log what is missing, refresh what looks different, mark what is current."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.publishing.record import Record
from pipelines.publishing.runs import BATCH, CURRENT, KEY, VIEW, log_run, refresh_run
from pipelines.publishing.tracking import Server

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class Synced:
    """runs: id of each run by its record's key. counts: of runs that are new, refreshed and unchanged."""

    runs: Mapping[str, str]
    counts: Mapping[str, int]

    @property
    def counted(self) -> str:
        return ", ".join(f"{n} {what}" for what, n in self.counts.items())


def sync_runs(server: Server, experiment: str, records: Sequence[Record], *, dvc_experiment: str | None = None) -> Synced:
    """Log, refresh and mark runs; in an experiment of `dvc exp run` only log, so that what is current stays that of the workspace."""
    there = finished_runs(server, experiment)
    runs = {key: str(run.info.run_id) for key, run in there.items()}
    counts = {"new": 0, "refreshed": 0, "unchanged": 0}
    for record in records:
        run = there.get(record.key)
        if run is None:
            runs[record.key] = log_run(server, experiment, record, dvc_experiment=dvc_experiment)
            counts["new"] += 1
        elif dvc_experiment is None and run.data.tags.get(VIEW) != record.view:
            refresh_run(server, run.info.run_id, record)
            counts["refreshed"] += 1
        else:
            counts["unchanged"] += 1
    if dvc_experiment is None:
        mark_current(server, there, {record.key for record in records})
    return Synced(runs, counts)


def delete_half_done(server: Server, experiment: str, synced: Synced) -> None:
    """Delete what a request left that was repeated because its answer was lost."""
    if synced.counts["new"] and server.artifact_root is None:
        finished_runs(server, experiment)


def mark_current(server: Server, runs: "Mapping[str, Run]", keys: Set[str]) -> None:
    """Tag each run as current or not."""
    for key, run in runs.items():
        if run.data.tags.get(CURRENT) != (current := str(key in keys).lower()):
            server.client.set_tag(run.info.run_id, CURRENT, current)


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
