"""What each stage uses of the section `train:`, a file per data set and stage: an edit of it reruns the stages that it can change."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.checking.check_models import task_of
from stages.contracts.model import never
from stages.contracts.paths import train_settings_path
from stages.contracts.task import Task
from stages.foundation.registry import component
from stages.foundation.tables import write_json
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.target_forms import FORMS
from stages.params import section
from stages.training.train_settings import TrainEntry, UsedTrainSettings

# by stage
USED = {"control": {"scoring"}, "bias_variance": {"scoring"}, "read_weights": {"scoring"}, "learning_curve": {"scoring", "tuning_rows"},
        "representation": {"scoring", "tuning_rows"}}
COMBINATIONS = "combinations"  # used by every stage, and in its file where a data set has them


def write_train_settings(params: Mapping[str, Any]) -> None:
    """Write the files of all data sets and stages; remove those of others."""
    written = dict(train_files(params))
    for path in train_settings_path("", "").parent.glob("*/*.json"):
        if path not in written:
            path.unlink()
    for path, values in written.items():
        write_json(path, values)


def train_files(params: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each file's path and content."""
    entry: TrainEntry = section(params, "train", TrainEntry)
    for dataset in params["datasets"]:
        name = task_of(params, dataset)
        task: Task = component("tasks", name)
        own = {"scoring": entry.scoring.get(name, task.scoring), COMBINATIONS: entry.combinations.get(dataset)}
        values = UsedTrainSettings(**dict(entry) | own).model_dump(mode="json")
        for stage, used in (USED | {f"train.{model}": used_by(model, task) for model in params["models"]}).items():
            yield train_settings_path(dataset, stage), {
                key: value for key, value in values.items() if key in used or (key == COMBINATIONS and value is not None)}


def used_by(model: str, task: Task) -> set[str]:
    """Return the settings that the training of a model uses: n_seeds if it may draw random numbers, calibration if it has probabilities."""
    may_draw = as_sweep(component("models", model)).is_seeded is not never
    of_some = {"n_seeds": may_draw, "calibration": FORMS[task.form].has_probabilities}
    return {"scoring", "tuning_rows", "keep", *(name for name, used in of_some.items() if used)}
