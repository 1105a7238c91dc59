"""Log a refitted model as an MLflow model: arrays and JSON as artifacts, code by file, nothing pickled."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.publishing import model_script
from pipelines.publishing.model_code import copy_code, predicting_files, requirements
from pipelines.publishing.model_script import PREDICTION, PROBABILITY, flat_names, framed_type, is_list
from pipelines.publishing.runs import NOTE
from stages.contracts.documents.model_document import SavedModel
from stages.contracts.paths import samples_path
from stages.foundation.documents import read_document
from stages.foundation.tables import read_table

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.models import ModelSignature

EXAMPLE_ROWS = 3
# On the model's page of the dashboard and in its file MLmodel: where a person or a program finds it before it is loaded.
LOADING = "Loading this model runs the Python code in its folder (model_script.py, code/): load it only from a server that you trust."
# MLflow imports the script before any line of it can tell Python to keep its bytecode to itself; a file of this name can.
NO_BYTECODE = "__pycache__", "A file instead of a folder, so that Python writes no bytecode here: the model stays as it was logged.\n"


def log_fitted_model(run_id: str, folder: Path, metrics: "Sequence[Metric]") -> None:
    """Attach the model in `folder` (as stages/training/saved_model.py saves it) to a run, with signature, example and mean scores.

    `mlflow.pyfunc.load_model(uri).predict(frame)` then takes raw samples, a column per modality (table: per field), and
    returns what model_script.py says of the form of the targets.
    """
    import mlflow
    from mlflow.entities import Metric

    about = read_document(folder / "model.json", SavedModel)
    samples = read_table(samples_path(about.dataset)).select(list(about.read))
    way = (about.way or about.fusion) if about.members else None
    files = predicting_files(about.model, [about.features[name].modality for name in about.read], way)
    with tempfile.TemporaryDirectory() as name:
        schema = Path(name) / "samples.schema"
        schema.write_bytes(samples.schema.remove_metadata().serialize().to_pybytes())
        marker = Path(name) / NO_BYTECODE[0]
        marker.write_text(NO_BYTECODE[1], encoding="utf-8")
        # MLflow tries the model before it uploads the folder
        with mlflow.start_run(run_id=run_id, log_system_metrics=False), model_script.nothing_written():
            logged = mlflow.pyfunc.log_model(
                name=f"{about.dataset}-{about.model}",
                python_model=model_script.__file__,
                artifacts={"fitted": str(folder), "schema": str(schema)},
                code_paths=[str(copy_code(files, Path(name)))],
                signature=signature(samples.schema, about.form, about.outputs),
                input_example=flat_frame(complete_samples(samples).slice(0, EXAMPLE_ROWS)),
                pip_requirements=requirements(files),
                metadata=about.model_dump(mode="json", include={"dataset", "model", "modalities", "fusion", "way", "config", "form"})
                | {"loading": LOADING},
                tags={NOTE: LOADING},
            )
            client = mlflow.MlflowClient()
            client.log_model_artifact(logged.model_id, str(marker))
            delete_others(client, run_id, logged.model_id)
            means = [m for m in metrics if m.key.endswith("_mean")]
            linked = [Metric(m.key, m.value, m.timestamp, m.step, model_id=logged.model_id, run_id=run_id) for m in means]
            client.log_batch(run_id, metrics=linked)


def complete_samples(samples: pa.Table) -> pa.Table:
    """Return the samples that have every modality: a saved model predicts no others."""
    for name in samples.column_names:
        if samples[name].null_count:
            samples = samples.filter(samples[name].is_valid())
    return samples


def delete_others(client: "MlflowClient", run_id: str, model_id: str) -> None:
    """Delete the models that a run has besides `model_id`: MLflow's client repeats a request whose answer was lost."""
    experiment = client.get_run(run_id).info.experiment_id
    for model in client.search_logged_models([experiment], f"source_run_id = '{run_id}'"):
        if model.model_id != model_id:
            client.delete_logged_model(model.model_id)


def signature(schema: pa.Schema, form: str, outputs: Sequence[str]) -> "ModelSignature":
    """Return the columns that a model reads and predicts."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    inputs = [ColSpec(data_type(field.type), name=name, required=required)
              for column in schema for name, field, required in leaves(column)]
    if form == "continuous":
        return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.double, name=name) for name in outputs]))
    predicted = ColSpec(Array(DataType.string) if form == "labels" else DataType.string, name=PREDICTION[form])
    return ModelSignature(Schema(inputs), Schema([predicted, *(ColSpec(DataType.double, name=PROBABILITY + name) for name in outputs)]))


def leaves(column: pa.Field) -> Iterator[tuple[str, pa.Field, bool]]:
    """Yield (name, field, required) of a modality's column; a table's fields one by one, none of them required."""
    for name, child in flat_names(column):
        yield name, child, child is column


def data_type(kind: pa.DataType) -> object:
    """Return MLflow's name of what a frame carries of an Arrow type."""
    from mlflow.types import DataType
    from mlflow.types.schema import Array

    framed = framed_type(kind)
    if is_list(framed):
        return Array(data_type(framed.value_type))
    return {pa.float64(): DataType.double, pa.binary(): DataType.binary, pa.bool_(): DataType.boolean, pa.string(): DataType.string}[framed]


def flat_frame(samples: pa.Table) -> "pd.DataFrame":
    """Return samples as the frame that the model reads."""
    import pandas as pd

    columns = {}
    for column in samples.schema:
        array = samples[column.name].combine_chunks()
        for name, child in flat_names(column):
            columns[name] = framed(array if child is column else array.field(child.name))
    return pd.DataFrame(columns)


def framed(values: pa.Array) -> "pd.Series":
    """Return one column of samples as a frame carries it."""
    import pandas as pd

    kind = values.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        values = values.cast(pa.int64() if kind.bit_width == 64 else pa.int32())
    values = values.cast(framed_type(kind))
    return pd.Series(values.to_pylist(), dtype="object") if is_list(values.type) else values.to_pandas()
