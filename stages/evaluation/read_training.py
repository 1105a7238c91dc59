"""Read what training one data set's models left: predictions laid beside the splits, and how configurations did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from stages.contracts.metric import Metric
from stages.contracts.paths import predictions_dir
from stages.contracts.task import Task
from stages.evaluation.comparisons import Candidate
from stages.evaluation.held_out import Expected, Outcome, Protocol, outcomes_of
from stages.evaluation.inner_scores import chosen, grid_means, mean_curves, swept
from stages.foundation.errors import InputError
from stages.foundation.tables import read_table


@dataclass
class Trained:
    """What all models of a data set said, and what tuning found, by model."""

    outcomes: dict[Candidate, list[Outcome]] = field(default_factory=dict)
    controls: list[str] = field(default_factory=list)
    subsets: list[str] = field(default_factory=list)
    tuning: dict[str, dict[str, Any]] = field(default_factory=lambda: {"configs": {}, "grids": {}, "sweeps": {}, "curves": {}})


def read_models(dataset: str, models: Sequence[str], protocol: Protocol, *, task: Task, outputs: Sequence[str], select: Metric) -> Trained:
    """Return outcomes, controls, subsets, and configs, grids, sweeps and curves by model.

    Raises:
        InputError: if a file is missing, does not fit the splits, or models were trained on different subsets.
    """
    trained = Trained()
    for model in models:
        folder = predictions_dir(dataset, model)
        predictions, described = read_table(folder / "predictions.arrow")
        if trained.subsets and described["subsets"] != trained.subsets:
            raise InputError(f"{folder}: trained on {described['subsets']}, but {models[0]} on {trained.subsets}; run `dvc repro`")
        trained.subsets = described["subsets"]
        trained.controls += [model] if described["control"] else []
        expected = Expected(task, outputs, trained.subsets)
        found = outcomes_of(predictions, protocol, expected, folder / "predictions.arrow")
        trained.outcomes |= {(model, subset): folds for subset, folds in found.items()}
        sweep = pl.DataFrame(read_table(folder / "sweep.arrow")[0])
        if select.name not in sweep.columns:
            raise InputError(f"{folder / 'sweep.arrow'}: holds no {select.name!r}, which params.yaml's train.select names; run `dvc repro`")
        grids = grid_means(sweep, select.name)
        trained.tuning["configs"][model] = chosen(sweep, select.name)
        trained.tuning["grids"][model] = grids
        trained.tuning["sweeps"][model] = {
            subset: swept(grid, greater_is_better=select.greater_is_better) for subset, grid in grids.items()
        }
        trained.tuning["curves"][model] = mean_curves(pl.DataFrame(read_table(folder / "curves.arrow")[0]))
    return trained
