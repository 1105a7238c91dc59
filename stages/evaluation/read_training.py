"""Read what training one data set's models left: predictions laid next to the splits, and how configurations did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.contracts.paths import predictions_dir
from stages.contracts.task import TargetForm
from stages.evaluation.held_out import Expected, Outcome, Protocol, outcomes_of
from stages.evaluation.inner_scores import chosen, grid_means, mean_curves, swept
from stages.foundation.tables import read_table


@dataclass
class Trained:
    """What all models of a data set predicted, and what tuning found, by model. not_applicable: model → why it has no candidate."""

    outcomes: dict[Candidate, list[Outcome]] = field(default_factory=dict)
    controls: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)
    tuning: dict[str, dict[str, Any]] = field(default_factory=lambda: {"configs": {}, "grids": {}, "sweeps": {}, "curves": {}})

    @property
    def combinations(self) -> list[str]:
        """Return the modality combinations of all candidates, small ones first."""
        found = dict.fromkeys((len(candidate.modalities), candidate.combination) for candidate in self.outcomes)
        return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def read_models(
    dataset: str, models: Sequence[str], protocol: Protocol, *, form: TargetForm, outputs: Sequence[str], scoring: Metric
) -> Trained:
    """Return outcomes, controls, and configs, grids, sweeps and curves by model.

    Raises:
        InputError: if a file is missing or does not fit the splits.
    """
    trained = Trained()
    for model in models:
        folder = predictions_dir(dataset, model)
        predictions, described = read_table(folder / "predictions.arrow")
        trained.controls += [model] if described["control"] else []
        if described["not_applicable"]:
            trained.not_applicable[model] = described["not_applicable"]
            continue
        expected = Expected(form, outputs, described["combinations"])
        found = outcomes_of(predictions, protocol, expected, folder / "predictions.arrow")
        trained.outcomes |= {Candidate(model, tuple(name.split("+"))): folds for name, folds in found.items()}
        sweep = pl.DataFrame(read_table(folder / "sweep.arrow")[0])
        grids = grid_means(sweep)
        trained.tuning["configs"][model] = chosen(sweep)
        trained.tuning["grids"][model] = grids
        trained.tuning["sweeps"][model] = {
            name: swept(grid, greater_is_better=scoring.greater_is_better) for name, grid in grids.items()
        }
        trained.tuning["curves"][model] = mean_curves(pl.DataFrame(read_table(folder / "curves.arrow")[0]))
    return trained
