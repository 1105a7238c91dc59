"""Read what controls may look at: the problem, its samples and its features as columns."""

from typing import Any

import pyarrow as pa

from stages.contracts.control import ControlData
from stages.contracts.paths import features_path, samples_path, splits_path
from stages.foundation.tables import read_table
from stages.training.read_problem import TrainingData, rows_of


def read_control_data(dataset: str, data: TrainingData) -> ControlData:
    """Return the samples and features of the problem's rows; nothing of the target but what the problem holds."""
    ids = data.sample_ids

    def aligned(path: Any, remedy: str) -> pa.Table:
        return rows_of(read_table(path), ids, f"{path}: its samples are not those of {splits_path(dataset)}; run `dvc repro {remedy}`")

    samples = aligned(samples_path(dataset), f"ingest@{dataset}").drop_columns(["target"])
    features = {name: aligned(features_path(dataset, name), f"featurize@{dataset}-{name}") for name in data.features}
    return ControlData(data.problem, samples, features)
