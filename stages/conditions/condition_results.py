"""What the models of a data set predict under every condition, as rows of predictions.arrow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from stages.conditions.changed_samples import ExaminedSamples
from stages.conditions.fold_models import FoldAnswers, FoldModels, key_of
from stages.conditions.refits import Answers, ConfigGrid
from stages.conditions.refitted_fold import RefittedFold
from stages.conditions.trained_folds import FoldKey, Trained
from stages.contracts.fusion import Fusion
from stages.contracts.model import FoldResult
from stages.contracts.paths import conditions_path
from stages.contracts.problem import Fold, Problem
from stages.contracts.sample_condition import Condition
from stages.contracts.tables.conditions_table import ConditionsMetadata
from stages.features.encoders import Raw
from stages.foundation.plain_output import write_line
from stages.foundation.tables import write_table
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.target_forms import FORMS, fit_scale
from stages.training.read_problem import TrainingData
from stages.training.result_tables import prediction_rows

CONDITION, MODEL = "condition", "model"


@dataclass(frozen=True)
class Examined:
    """A model under examination. problem: with the combinations that it reads. ways: of fusing, each with its settings."""

    learner: LearnerSetup
    problem: Problem
    grid: ConfigGrid
    ways: Mapping[Fusion, Any]
    trained: Trained

    @property
    def name(self) -> str:
        return self.learner.model.name


@dataclass(frozen=True)
class ExaminedFold:
    """An outer fold's test samples, clean and under every condition; corrupted: by modality, all under its first condition, then the next.

    kept: the blocks as they are encoded on the fold's training rows, which all models share while this lives.
    """

    fold: Fold
    clean: Mapping[str, Raw]
    corrupted: Mapping[str, Raw]
    conditions: Mapping[str, Sequence[Condition]]
    kept: Sequence[Any]

    @classmethod
    def of(cls, fold: Fold, samples: ExaminedSamples, conditions: Sequence[Condition]) -> "ExaminedFold":
        """Return a fold's test samples under all conditions."""
        by_modality = {name: tuple(found) for name, found in groupby(conditions, lambda condition: condition.modality)}
        corrupted = {name: samples.corrupted(fold, found) for name, found in by_modality.items()}
        kept = [samples.problem.blocks[name].encoded(samples.own_fold(fold, name).train) for name in samples.features]
        return cls(fold, samples.clean(fold), corrupted, by_modality, kept)


def condition_rows(
    models: Sequence[Examined], samples: ExaminedSamples, conditions: Sequence[Condition], data: TrainingData
) -> Iterator[pa.Table]:
    """Yield the rows of predictions.arrow, fold by fold and model by model.

    Raises:
        InputError: if a model that is fitted again does not predict of clean samples what train wrote.
    """
    for fold in data.problem.folds if models else ():
        examined = ExaminedFold.of(fold, samples, conditions)
        for model in models:
            yield from _rows_of_model(model, examined, data)
        write_line(f"{data.splits.dataset}: repeat {fold.repeat} fold {fold.index}: {len(conditions)} conditions, {len(models)} models")


def _rows_of_model(model: Examined, examined: ExaminedFold, data: TrainingData) -> Iterator[pa.Table]:
    refitted = RefittedFold(model.learner, model.problem, examined.fold, model.grid, model.ways, model.trained).models()
    clean = {seed: models.clean(examined.clean) for seed, models in refitted.items()}
    _require_same(model, refitted, clean, data)
    for seed, models in refitted.items():
        for name, conditions in examined.conditions.items():
            raws = {**examined.clean, name: examined.corrupted[name]}
            answered = models.corrupted(raws, clean[seed], name, len(conditions))
            for condition, answers in zip(conditions, answered, strict=True):
                for key, found in models.of_all_rows(answers, clean[seed]):
                    yield _rows(model.name, examined.fold, key, condition, seed, found, data)


def _require_same(model: Examined, refitted: Mapping[int, FoldModels], clean: Mapping[int, FoldAnswers], data: TrainingData) -> None:
    """Raise InputError unless all refits predict of clean samples what train wrote."""
    problem = model.problem
    spread = None if FORMS[problem.form].has_probabilities else fit_scale(problem.target).deviation
    first = refitted[problem.seed]
    for way, modalities in clean[problem.seed].by_member:
        ids = data.sample_ids.take(pa.array(first.own_rows(way, modalities))).combine_chunks()
        by_seed = {seed: found.by_member[way, modalities] for seed, found in clean.items()}
        model.trained.require_same(key_of(modalities, way, first.fold), ids, by_seed, spread)


def _rows(model: str, fold: Fold, key: FoldKey, condition: Condition, seed: int, found: Answers, data: TrainingData) -> pa.Table:
    result = FoldResult(fold, tuple(key[0].split("+")), {}, 0, found[0], None, fusion=key[1])
    of_seed = replace(data, problem=replace(data.problem, seed=seed))
    (table,) = prediction_rows(result, model, of_seed)
    table = table.set_column(table.column_names.index(CONDITION), CONDITION, pa.array([condition.name] * len(table), pa.string()))
    return table.add_column(0, MODEL, pa.array([model] * len(table), pa.string()))


def write_conditions(
    tables: Sequence[pa.Table], data: TrainingData, models: Sequence[Examined], not_applicable: Mapping[str, str], units: Mapping[str, str]
) -> None:
    """Write predictions.arrow; not_applicable: by model, why it has no row."""
    metadata = ConditionsMetadata(
        **dict(data.splits), scoring=data.problem.scoring, units=dict(units), not_applicable=dict(not_applicable),
        combinations={model.name: tuple("+".join(modalities) for modalities in model.problem.combinations) for model in models},
        seeds={model.name: (model.problem.seed, *model.learner.more_seeds) for model in models},
    )  # fmt: skip
    write_table(conditions_path(data.splits.dataset), pa.concat_tables(tables or [_no_row(data)]), metadata)


def _no_row(data: TrainingData) -> pa.Table:
    """Return a table without rows, with its columns."""
    problem = data.problem
    empty = replace(problem.final_fold(), train=np.empty(0, np.int64))
    prediction = problem.target[:0]
    return _rows("", empty, ("", "", 0, 0), Condition("", "", 0), problem.seed, (prediction, None), data)
