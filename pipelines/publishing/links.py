"""Links into MLflow's dashboard: one per data set, which opens its leaderboard."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from pipelines.publishing.saved_view import VIEW_ID
from pipelines.publishing.tracking import DATASET_TAG, SQLITE, connect, refusals
from stages.checking.pipeline_settings import PublishEntry
from stages.foundation.errors import InputError

# Without `workflowType` a link opens MLflow's pages for language models.
EXPERIMENTS = "#/experiments?workflowType=machine_learning"


def leaderboard_link(experiment: str) -> str:
    """Return the link, relative to the server's address, that opens an experiment's leaderboard."""
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW_ID}"


def experiments_on(uri: str) -> Mapping[str, str]:
    """Return {data set: id of its experiment} of a tracking server, in the order in which they were made.

    Raises:
        InputError: if the server does not answer, or the file is no MLflow database.
    """
    if uri.startswith(SQLITE):
        return _experiments_in(Path(uri.removeprefix(SQLITE)))
    server = connect(PublishEntry(tracking_uri=uri))
    with refusals(uri):
        found = server.client.search_experiments(filter_string=f"tags.`{DATASET_TAG}` != ''", order_by=["creation_time ASC"])
    return {experiment.tags[DATASET_TAG]: experiment.experiment_id for experiment in found}


def _experiments_in(database: Path) -> dict[str, str]:
    """Read what MLflow would in 3 s."""
    query = ("SELECT value, experiment_id FROM experiment_tags JOIN experiments USING (experiment_id) "
             "WHERE key = ? AND lifecycle_stage = 'active' ORDER BY experiment_id")
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return {dataset: str(experiment) for dataset, experiment in connection.execute(query, (DATASET_TAG,))}
    except sqlite3.DatabaseError as error:
        raise InputError(f"{database.name}: cannot be read as an MLflow database ({error}); close what is writing it, or move it away and "
                         "`make publish`") from error
