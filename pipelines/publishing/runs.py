"""One run on the server: logged whole, or refreshed where it looks different."""

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.publishing.model_costs import model_points
from pipelines.publishing.record import DatasetVersion, Record
from pipelines.publishing.tracking import Server, plain_values
from stages.foundation.plain_output import plain

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

KEY, VIEW, CURRENT, NOTE = "sensorium.key", "sensorium.view", "current", "mlflow.note.content"  # tags
DVC_EXPERIMENT = "dvc_experiment"
BATCH = 1000  # MLflow's limit of one call


def log_run(server: Server, experiment: str, record: Record, *, dvc_experiment: str | None = None) -> str:
    """Log a record as one run, FINISHED only when all of it is there; return its id.

    Its duration is that of its stage, none if that is not known: how long it took to log a run says nothing of it.

    Args:
        dvc_experiment: name of the experiment of `dvc exp run` whose run it is, which is not current.
    """
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    tags = {**plain_values(record.tags), **record.standing, **(record.cost.tags if record.cost else {}), KEY: record.key,
            **({CURRENT: "true"} if dvc_experiment is None else {CURRENT: "false", DVC_EXPERIMENT: dvc_experiment})}
    started = now - (int(record.cost.seconds * 1000) if record.cost else 0)
    run_id = server.client.create_run(experiment, start_time=started, tags=tags, run_name=record.name).info.run_id
    if record.data is not None:
        server.client.log_inputs(run_id, [dataset_input(record.data)])
    server.client.log_batch(run_id, params=[Param(name, value) for name, value in plain_values(record.params).items()],
                            tags=[RunTag(NOTE, plain(record.note))])
    costs = [*(record.cost.points if record.cost else ()), *(model_points(record.model) if record.model else ())]
    metrics = [Metric(name, value, now, step) for name, value, step in (*record.points, *costs)]
    for start in range(0, len(metrics), BATCH):
        server.client.log_batch(run_id, metrics=metrics[start:start + BATCH])
    log_artifacts(server, run_id, record)
    server.client.set_tag(run_id, VIEW, record.view)
    if record.model is not None:
        from pipelines.publishing.logged_models import log_fitted_model

        log_fitted_model(run_id, record.model, metrics)
    server.client.set_terminated(run_id, "FINISHED", end_time=now)
    return str(run_id)


def refresh_run(server: Server, run_id: str, record: Record) -> None:
    """Replace the note, figures, pages and standing of a run whose results are the same."""
    log_artifacts(server, run_id, record)
    for tag, text in {NOTE: plain(record.note), **record.standing}.items():
        server.client.set_tag(run_id, tag, text)
    server.client.set_tag(run_id, VIEW, record.view)


def log_artifacts(server: Server, run_id: str, record: Record) -> None:
    """Upload a record's tables, texts and files in one go."""
    from pipelines.publishing.run_tables import write_run_tables

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if record.tables is not None and record.candidate is not None:
            write_run_tables(record.tables, record.candidate, folder)
        for target, text in record.texts.items():
            (folder / target).parent.mkdir(exist_ok=True)
            (folder / target).write_text(text, encoding="utf-8")
        for target, path in record.files.items():
            (folder / target).parent.mkdir(exist_ok=True)
            (folder / target).write_bytes(path.read_bytes())
        server.client.log_artifacts(run_id, name)


def dataset_input(data: DatasetVersion) -> "DatasetInput":
    """Return the data set as MLflow's input, its digest DVC's hash of the samples."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(name=data.name, digest=data.digest, source_type="local", source=json.dumps({"uri": data.path}),
                      profile=json.dumps({"num_rows": data.rows}))
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])
