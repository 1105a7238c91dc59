"""Read what training one data set's models wrote: predictions matched with the splits, and how configurations did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import Candidate
from stages.contracts.checked import shortened
from stages.contracts.metric import Metric
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import Expected, FoldPredictions, Splits, predictions_by_candidate
from stages.evaluation.inner_scores import Tuning, tuning_by_candidate
from stages.evaluation.read_critical_points import CriticalPoints, read_critical_points
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described, read_table


@dataclass
class TrainingResults:
    """What all models of a data set predict, and what tuning found, by candidate. not_applicable: model → why it has no candidate.

    by_seed: for each seed, one per test fold; the seed of the saved model first. scoring: name of the metric that chose. seed:
    with which configurations were compared, that of params.yaml.
    """

    by_seed: dict[Candidate, list[list[FoldPredictions]]] = field(default_factory=dict)
    tuning: dict[Candidate, Tuning] = field(default_factory=dict)
    critical_points: CriticalPoints = field(default_factory=dict)
    baselines: list[str] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)
    scoring: str = ""
    seed: int = 0

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
    found = TrainingResults(scoring=scoring.name)
    for model, folder in folders.items():
        predictions, described = read_described(folder / "predictions.arrow", TrainingMetadata)
        found.baselines += [model] if described.baseline else []
        found.diagnostics += [model] if described.diagnostic else []
        if described.not_applicable:
            found.not_applicable[model] = described.not_applicable
            continue
        sweep, curves, notes = (read_table(folder / f"{name}.arrow") for name in ("sweep", "curves", "notes"))
        seed = sole_seed(sweep, described.seeds, folder / "sweep.arrow")
        found.seed = seed
        expected = Expected(model, form, outputs, described.combinations, described.seeds or (seed,))
        by_seed = predictions_by_candidate(predictions, splits, expected, folder / "predictions.arrow")
        tables = (pl.DataFrame(table) for table in (sweep, curves, notes))
        tuning = tuning_by_candidate(model, *tables, greater_is_better=scoring.greater_is_better)
        check_tuning(tuning, list(by_seed), splits, folder / "sweep.arrow")
        found.by_seed |= by_seed
        found.tuning |= tuning
        found.critical_points |= read_critical_points(model, folder)
    return found


def sole_seed(sweep: pa.Table, seeds: Sequence[int], path: Path) -> int:
    """Return the seed with which configurations were compared, which is that of the saved model.

    Raises:
        InputError: if it is not one, or not the first of `seeds` (of the refits, if there are several).
    """
    found = pc.unique(sweep["seed"]).to_pylist()
    if len(found) != 1 or (seeds and found[0] != seeds[0]):
        wanted = f"{seeds[0]}, the first of metadata seeds" if seeds else "one"
        names = ", ".join(shortened(map(str, found))) or "no row"
        raise InputError(f"{path}: column 'seed': expected {wanted}, found {names}; run `dvc repro`")
    return int(found[0])


def check_tuning(tuning: Mapping[Candidate, Tuning], candidates: Sequence[Candidate], splits: Splits, path: Path) -> None:
    """Raise InputError unless the sweep is of these candidates and has one chosen configuration for each test fold."""
    for candidate in dict.fromkeys([*candidates, *tuning]):
        if candidate not in tuning or candidate not in candidates:
            lacks = "no configuration" if candidate in candidates else "no prediction"
            raise InputError(f"{path}: modalities {candidate.combination!r}, {candidate.fusion}: there is {lacks} of it; run `dvc repro`")
        used, wanted = [(config.repeat, config.fold) for config in tuning[candidate].configs], [(t.repeat, t.fold) for t in splits.folds]
        if used != wanted:
            raise InputError(f"{path}: modalities {candidate.combination!r}: column 'chosen': expected one configuration for each of "
                             f"{len(wanted)} test folds, found {len(used)}, on {len(set(used) & set(wanted))} of them; run `dvc repro`")
