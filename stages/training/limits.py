"""Limits of this machine and of the data: memory, and the configurations for which the smallest training fold is large enough."""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psutil

from stages.contracts.model import Config, Size, Sweep
from stages.contracts.paths import features_path
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names
from stages.foundation.tables import read_table
from stages.model_selection.tuning_sample import fitting, smallest_inner_training_set
from stages.training.read_problem import trained_combinations
from stages.training.train_settings import UsedTrainSettings

USABLE_SHARE = 0.8  # of the machine's memory
VALUES = ("vector", "values", "numeric", "categorical")  # columns of a features file that training reads


def require_memory(dataset: str, model: Sweep, size: Size, settings: Settings) -> None:
    """Raise InputError if the sweep does not fit in this machine's memory, naming the largest number of rows that fits."""

    def estimate(n_rows: int) -> float:
        return model.memory_bytes(replace(size, n_rows=n_rows), settings)

    total = psutil.virtual_memory().total
    usable = USABLE_SHARE * total
    if estimate(size.n_rows) > usable:
        largest = bisect.bisect_right(range(size.n_rows), usable, key=estimate) - 1
        raise InputError(
            f"params.yaml: datasets.{dataset}.rows: {model.name} on {size.n_rows} rows needs about {estimate(size.n_rows) / 1e9:.0f} GB of "
            f"memory, and this machine has {total / 1e9:.0f} GB; set rows to at most {max(largest, 0)}"
        )


def size_of(dataset: str, params: Mapping[str, Any], about: SplitsMetadata, used: UsedTrainSettings) -> Size:
    """Return the problem's size without reading its features; `about` are the splits' metadata."""
    modalities = modality_names(params, dataset)
    n_bytes = n_sparse = 0
    for name in modalities:
        columns = read_table(features_path(dataset, name))  # memory-mapped, not read
        n_bytes += sum(columns[column].nbytes for column in VALUES if column in columns.column_names)
        n_sparse += "indices" in columns.column_names
    return Size(
        n_rows=about.rows.used,
        n_blocks=len(modalities),
        form=about.target.form,
        n_outputs=len(about.target.outputs),
        n_folds=about.n_folds * about.n_repeats,
        n_values=n_bytes / 4 / max(1, about.rows.used),
        n_sparse=n_sparse,
        n_inner=about.n_inner_folds,
        tuning_rows=used.tuning_rows,
        n_trained=len(trained_combinations(modalities, used.combinations)),
    )


def fitting_configs(
    dataset: str, model: Sweep, settings: Settings, problem: Problem, *, tuning_rows: int | None = None, key: str = ""
) -> list[Config]:
    """Return the grid's configurations that need no more rows than the smallest inner training set has; print how many are skipped.

    Args:
        tuning_rows: as in `results` (stages/model_selection/protocol.py).
        key: of params.yaml that lists the grid's values; models.<model> if not given.
    Raises:
        InputError: if all are skipped.
    """
    smallest = smallest_inner_training_set(problem, tuning_rows)
    grid = model.approximated(model.grid(settings, problem.seed), settings, problem)
    kept = [config for config in grid if model.min_samples(config) <= smallest]
    where = f"the smallest training fold of {dataset!r} has {smallest} rows"
    if not kept:
        raise InputError(f"params.yaml: {key or f'models.{model.name}'}: every configuration needs more training rows than there are: "
                         f"{where}, and the least that one needs is {min(map(model.min_samples, grid))}; lower the grid's values")
    if len(kept) < len(grid):
        print(f"{model.name} {dataset}: {len(grid) - len(kept)} of {len(grid)} configurations need more rows and are skipped: {where}",
              flush=True)
    return kept


def fitting_combinations(model: Sweep, problem: Problem, configs: Sequence[Config], tuning_rows: int | None) -> Problem:
    """Return the problem with the combinations that enough samples have for one of the configurations; print those that are left out."""
    kept = list[tuple[str, ...]]()
    for part in problem.parts():
        if fitting(model, part, configs, tuning_rows):
            kept += part.combinations
        else:
            names = ", ".join("+".join(modalities) for modalities in part.combinations)
            print(f"{model.name}: {names}: not trained: every configuration needs more samples with all of it than the smallest training "
                  f"fold has, {smallest_inner_training_set(part, tuning_rows)}", flush=True)
    return replace(problem, combinations=tuple(modalities for modalities in problem.combinations if modalities in kept))


def readable(model: Sweep, problem: Problem, encodings: Mapping[str, str]) -> Problem | str:
    """Return the problem with the modality combinations that the model can read, or the reason why it is not applicable.

    Args:
        encodings: modality → encoding of its features.
    """
    if problem.form not in model.target_forms:
        return f"it predicts {' and '.join(model.target_forms)}, and the targets are {problem.form}"
    kept = tuple(modalities for modalities in problem.combinations if all(encodings[name] in model.encodings for name in modalities))
    if kept:
        return replace(problem, combinations=kept)
    found = ", ".join(f"{name} is {encoding}" for name, encoding in encodings.items())
    return f"it reads {' and '.join(model.encodings)} features; {found}"
