"""What candidates predict of test samples that are not as they were: corrupted ones, which condition wrote, and incomplete ones.

Every learner is examined where samples lack a modality; where they are corrupted, those that `conditions:` names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import Candidate
from stages.contracts.paths import conditions_path, missing_shares_path
from stages.contracts.sample_condition import MISSING, MISSING_UNIT, Condition, parsed_condition
from stages.contracts.tables.conditions_table import ConditionsMetadata
from stages.evaluation.checked_predictions import BySeed, Expected, Splits, predictions_by_candidate
from stages.evaluation.incomplete_samples import IncompleteSamples
from stages.evaluation.training_results import TrainingResults
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described, read_json

ByCondition = dict[Condition, BySeed]


@dataclass(frozen=True)
class Changed:
    """A candidate's predictions under every condition. units: of strengths, by `Condition.key`."""

    candidate: Candidate
    predicted: ByCondition
    units: Mapping[str, str]


def read_shares(dataset: str) -> tuple[float, ...]:
    """Return the shares of a data set's test samples that lack a modality, as check wrote them."""
    return tuple(read_json(missing_shares_path(dataset)))


def changed_predictions(dataset: str, trained: TrainingResults, incomplete: IncompleteSamples, expected: Expected) -> Iterator[Changed]:
    """Yield the predictions of every candidate that is examined; a candidate of no condition is left out.

    Args:
        expected: form and names of the outputs.
    Raises:
        InputError: if the predictions of corrupted samples do not fit the splits, or another metric chose.
    """
    corrupted, units = corrupted_predictions(dataset, incomplete.splits, expected, trained.scoring)
    left_out = {*trained.baselines, *trained.diagnostics}
    for candidate in trained.by_seed:
        if candidate.model not in left_out:
            of_model = {other: by_seed for other, by_seed in trained.by_seed.items() if other.model == candidate.model}
            predicted = {**corrupted.get(candidate, {}), **incomplete.predictions(candidate, of_model)}
            if predicted:
                missing = {condition.key: MISSING_UNIT for condition in predicted if condition.corruption == MISSING}
                yield Changed(candidate, predicted, {**units, **missing})


def corrupted_predictions(
    dataset: str, splits: Splits, expected: Expected, scoring: str
) -> tuple[dict[Candidate, ByCondition], Mapping[str, str]]:
    """Return each candidate's predictions of corrupted samples, in the order of the file, and the units of strengths."""
    path = conditions_path(dataset)
    found: dict[Candidate, ByCondition] = {}
    if not path.is_file():  # the stage has not run: nothing is corrupted
        return found, {}
    table, about = read_described(path, ConditionsMetadata)
    if about.scoring != scoring:
        raise InputError(f"{path}: metadata scoring: expected {scoring!r}, which ranks, found {about.scoring!r}; run `dvc repro`")
    for model in about.combinations:
        of_model = table.filter(pc.equal(table["model"], model))
        for candidate, of_candidate in _of_model(of_model, model, about, splits, expected, path):
            found.setdefault(candidate, {}).update(of_candidate)
    return found, about.units


def _of_model(
    table: pa.Table, model: str, about: ConditionsMetadata, splits: Splits, expected: Expected, path: Path
) -> list[tuple[Candidate, ByCondition]]:
    """Return the predictions of one model's candidates, condition by condition."""
    found: list[tuple[Candidate, ByCondition]] = []
    for name in pc.unique(table["condition"]).to_pylist():
        condition = parsed_condition(name)
        combinations = [combination for combination in about.combinations[model] if condition.modality in combination.split("+")]
        wanted = replace(expected, model=model, combinations=combinations, seeds=about.seeds[model])
        of_condition = table.filter(pc.equal(table["condition"], name))
        predicted = predictions_by_candidate(of_condition, splits, wanted, path, condition=name)
        found += [(candidate, {condition: by_seed}) for candidate, by_seed in predicted.items()]
    return found
