"""Write a samples file of a test: what its schema requires and the test does not care about is filled in."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.paths import (
    condition_settings_path,
    fold_numbers_path,
    leak_levels_path,
    missing_shares_path,
    settings_path,
    train_settings_path,
)
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.foundation.tables import write_json, write_table
from stages.splitting.split_settings import SplitEntry
from stages.training.train_settings import TrainEntry, UsedTrainSettings
from stages.validation.leak_settings import LeakageEntry

METADATA: dict[str, Any] = {
    "dataset": "toy", "title": "Toy", "licence": "CC0", "citation": "none", "group": "none", "shipped": True, "sources": [],
    "target": {"name": "kind", "task": "binary", "form": "classes", "scoring": "accuracy", "outputs": ["a", "b"]},
    "rows": {"used": 1, "available": 1}, "on_bad_sample": "fail",
    "max_bad_share": 0.05,
}  # fmt: skip


def write_samples(path: Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """Write a samples table; each sample is a group of its own and of class 0 unless the table has other columns."""
    if "group" not in table.column_names:
        table = table.append_column("group", table["sample_id"].cast(pa.string()))
    if "target" not in table.column_names:
        table = table.append_column("target", pa.array(np.zeros(len(table), np.int32)))
    write_table(path, table, SamplesMetadata.model_validate({**METADATA, **metadata}))


def write_fold_numbers(dataset: str = "toy", **numbers: int) -> None:
    """Write what check passes to split; a number that is not given has its default."""
    write_json(fold_numbers_path(dataset), SplitEntry(**numbers).model_dump(exclude={"datasets"}))


def write_leak_levels(dataset: str = "toy", **levels: Sequence[str]) -> None:
    """Write what check passes to validate; a code in no list is warned of."""
    write_json(leak_levels_path(dataset), LeakageEntry(**levels).of(dataset).model_dump(mode="json"))


def write_used_settings(dataset: str, models: Iterable[str], scoring: str) -> None:
    """Write what check passes of `train:` to the stages that learn: its defaults, and the metric that chooses; no condition."""
    used = UsedTrainSettings(**dict(TrainEntry()) | {"scoring": scoring, "combinations": None}).model_dump(mode="json")
    studies = ("learning_curve", "bias_variance", "representation", "read_weights")
    for stage in ("control", *studies, *(f"train.{model}" for model in models)):
        write_json(train_settings_path(dataset, stage), used)
    write_json(settings_path(f"fusions.{dataset}"), {"early": {}})
    write_json(condition_settings_path(dataset), {})
    write_json(missing_shares_path(dataset), [])


def features_metadata(label: str, **known: Any) -> FeaturesMetadata:
    """Return the metadata of a features file; what is not given is filled in."""
    usual = {"modality": label, "settings": {}, "encoding": "dense", "shape": [1], "names": [], "fit": {}}
    return FeaturesMetadata.model_validate({"dataset": "toy", "modality_name": label, **usual, **known})
