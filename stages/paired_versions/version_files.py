"""The predictions and splits of one data set in one version, wherever its files lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages.contracts.candidate import EARLY, Candidate, parsed_combination
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits, predictions_by_candidate, splits_of
from stages.foundation.tables import read_described


@dataclass(frozen=True)
class VersionFiles:
    """splits: splits.arrow. predictions: by model, predictions.arrow."""

    splits: Path
    predictions: Mapping[str, Path]

    @cached_property
    def described_splits(self) -> tuple[Splits, SplitsMetadata]:
        """Return the test folds, and what the splits say of themselves."""
        table, about = read_described(self.splits, SplitsMetadata)
        return splits_of(table), about

    def described(self, model: str) -> TrainingMetadata:
        """Return what a model's predictions say of themselves."""
        return read_described(self.predictions[model], TrainingMetadata)[1]

    def candidates(self, model: str) -> list[Candidate]:
        """Return a model's candidates; none where it is not applicable."""
        table, about = read_described(self.predictions[model], TrainingMetadata)
        if about.not_applicable:
            return []
        ways = dict.fromkeys(zip(table["modalities"].to_pylist(), table["fusion"].to_pylist(), strict=True))
        found = [Candidate(model, parsed_combination(name), way) for name in about.combinations for of, way in ways if of == name]
        return found or [Candidate(model, parsed_combination(name), EARLY) for name in about.combinations]

    def by_candidate(self, model: str) -> dict[Candidate, list[list[FoldPredictions]]]:
        """Return the predictions of each of a model's candidates, by seed, one per test fold; see `predictions_by_candidate`."""
        table, about = read_described(self.predictions[model], TrainingMetadata)
        if about.not_applicable:
            return {}
        expected = Expected(model, about.target.form, about.target.outputs, about.combinations, about.seeds)
        return predictions_by_candidate(table, self.described_splits[0], expected, self.predictions[model])
