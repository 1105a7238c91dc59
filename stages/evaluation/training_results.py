"""Read what training one data set's models wrote: predictions matched with the splits, and how configurations did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from stages.contracts.candidate import Candidate
from stages.contracts.metric import Metric
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits, predictions_by_candidate
from stages.evaluation.inner_scores import Tuning, tuning_by_candidate
from stages.foundation.tables import read_described, read_table


@dataclass
class TrainingResults:
    """What all models of a data set predict, and what tuning found, by candidate. not_applicable: model → why it has no candidate.

    by_seed: for each seed, one per test fold; the seed of the saved model first.
    """

    by_seed: dict[Candidate, list[list[FoldPredictions]]] = field(default_factory=dict)
    tuning: dict[Candidate, Tuning] = field(default_factory=dict)
    baselines: list[str] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)

    @property
    def predictions(self) -> dict[Candidate, list[FoldPredictions]]:
        """Return the predictions of the first seed."""
        return {candidate: by_seed[0] for candidate, by_seed in self.by_seed.items()}

    @property
    def combinations(self) -> list[tuple[str, ...]]:
        """Return the modality combinations of all candidates that see one, small ones first."""
        return sorted(dict.fromkeys(candidate.modalities for candidate in self.by_seed if candidate.modalities), key=len)


def read_models(
    folders: Mapping[str, Path], splits: Splits, *, form: TargetForm, outputs: Sequence[str], scoring: Metric
) -> TrainingResults:
    """Return predictions and tuning of each candidate, and which models are baselines, diagnostics or not applicable; folders: by model.

    Raises:
        InputError: if a file is missing or does not fit the splits.
    """
    found = TrainingResults()
    for model, folder in folders.items():
        predictions, described = read_described(folder / "predictions.arrow", TrainingMetadata)
        found.baselines += [model] if described.baseline else []
        found.diagnostics += [model] if described.diagnostic else []
        if described.not_applicable:
            found.not_applicable[model] = described.not_applicable
            continue
        expected = Expected(model, form, outputs, described.combinations)
        found.by_seed |= predictions_by_candidate(predictions, splits, expected, folder / "predictions.arrow")
        tables = (pl.DataFrame(read_table(folder / f"{name}.arrow")) for name in ("sweep", "curves", "notes"))
        found.tuning |= tuning_by_candidate(model, *tables, greater_is_better=scoring.greater_is_better)
    return found
