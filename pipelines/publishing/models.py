"""Log a refitted model as an MLflow model: arrays and JSON as artifacts, code by file, nothing pickled."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

import stages
from pipelines.publishing import model_script
from pipelines.publishing.model_script import PROBABILITY, flat_names
from stages.contracts import samples_path
from stages.tables import read_json, read_table

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Metric
    from mlflow.models import ModelSignature

# What predicting imports, wherever the model is taken; the rest of the lock (Prefect, DVC, …) is not needed there.
PACKAGES = ("mlflow", "numpy", "pandas", "pillow", "polars", "pyarrow", "pydantic", "pyyaml", "scikit-learn", "scipy")
EXAMPLE_ROWS = 3


def log_fitted_model(run_id: str, folder: Path, metrics: "Sequence[Metric]") -> None:
    """Attach the model in `folder` (as stages/fitted.py saves it) to a run, with signature, example and mean scores.

    `mlflow.pyfunc.load_model(uri).predict(frame)` then takes raw samples, a column per modality (table: per field), and
    returns `label` and a probability per class.
    """
    import mlflow
    from mlflow.entities import Metric

    about = read_json(folder / "model.json")
    samples = read_table(samples_path(about["dataset"]))[0].select(about["subset"])
    with tempfile.TemporaryDirectory() as name:
        schema = Path(name) / "samples.schema"
        schema.write_bytes(samples.schema.remove_metadata().serialize().to_pybytes())
        with mlflow.start_run(run_id=run_id, log_system_metrics=False):
            logged = mlflow.pyfunc.log_model(
                name=f"{about['dataset']}-{about['model']}",
                python_model=model_script.__file__,
                artifacts={"fitted": str(folder), "schema": str(schema)},
                code_paths=[str(Path(stages.__file__).parent)],
                signature=signature(samples.schema, about["classes"]),
                input_example=flat_frame(samples.slice(0, EXAMPLE_ROWS)),
                pip_requirements=requirements(about["model"]),
                metadata={key: about[key] for key in ("dataset", "model", "subset", "config")},
            )
            means = [m for m in metrics if m.key.endswith("_mean")]
            linked = [Metric(m.key, m.value, m.timestamp, m.step, model_id=logged.model_id, run_id=run_id) for m in means]
            mlflow.MlflowClient().log_batch(run_id, metrics=linked)


def requirements(model: str) -> list[str]:
    """Return the exact packages that predicting needs; torch (large) only where the model's file imports it."""
    source = (Path(stages.__file__).parent / "models" / f"{model}.py").read_text(encoding="utf-8")
    packages = [*PACKAGES, "torch"] if re.search(r"^\s*import torch\b", source, re.MULTILINE) else PACKAGES
    # a local build's suffix (2.13.0+cpu) is of this machine, no index has it
    return [f"{package}=={version(package).partition('+')[0]}" for package in packages]


def signature(schema: pa.Schema, classes: Sequence[str]) -> "ModelSignature":
    """Return the columns that a model reads and gives."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = [ColSpec(data_type(field.type), name=name, required=required)
              for column in schema for name, field, required in leaves(column)]
    outputs = [ColSpec(DataType.string, name="label"), *(ColSpec(DataType.double, name=PROBABILITY + label) for label in classes)]
    return ModelSignature(Schema(inputs), Schema(outputs))


def leaves(column: pa.Field) -> Iterator[tuple[str, pa.Field, bool]]:
    """Yield (name, field, required) of a modality's column; a table's fields one by one, none of them required."""
    for name, child in flat_names(column):
        yield name, child, child is column


def data_type(kind: pa.DataType) -> object:
    """Return MLflow's name of an Arrow type; whole numbers are double, as pandas has no other column with gaps."""
    from mlflow.types import DataType
    from mlflow.types.schema import Array

    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return Array(data_type(kind.value_type))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return DataType.binary
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return DataType.double
    return DataType.boolean if pa.types.is_boolean(kind) else DataType.string


def flat_frame(samples: pa.Table) -> "pd.DataFrame":
    """Return samples as the frame that the model reads."""
    columns, fields = [], []
    for column in samples.schema:
        array = samples[column.name].combine_chunks()
        for name, child in flat_names(column):
            values = array if child is column else array.field(child.name)
            columns.append(values.cast(pa.float64()) if pa.types.is_integer(values.type) else values)
            fields.append(name)
    return pa.table(columns, names=fields).to_pandas()
