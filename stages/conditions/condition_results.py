"""What the models of a data set predict under every condition, as rows of predictions.arrow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from stages.conditions.changed_samples import ExaminedSamples
from stages.conditions.fold_models import FoldAnswers, FoldModels, fold_models, keys_of
from stages.conditions.refits import ConfigGrid
from stages.conditions.trained_folds import FoldKey, Trained
from stages.contracts.fusion import Fusion
from stages.contracts.model import FoldResult
from stages.contracts.paths import conditions_path
from stages.contracts.problem import Fold
from stages.contracts.sample_condition import MISSING, Condition
from stages.contracts.tables.conditions_table import ConditionsMetadata
from stages.features.encoders import Raw
from stages.foundation.plain_output import write_line
from stages.foundation.tables import write_table
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.target_forms import FORMS, fit_scale
from stages.training.read_problem import TrainingData
from stages.training.result_tables import prediction_rows

COLUMN = "condition"


@dataclass(frozen=True)
class Examined:
    """A model under examination. ways: of fusing, each with its settings."""

    learner: LearnerSetup
    grid: ConfigGrid
    ways: Mapping[Fusion, Any]
    trained: Trained


def condition_rows(model: Examined, samples: ExaminedSamples, conditions: Sequence[Condition], data: TrainingData) -> Iterator[pa.Table]:
    """Yield the rows of predictions.arrow, fold by fold.

    Raises:
        InputError: if a model that is fitted again does not predict of clean samples what train wrote.
    """
    name, problem = model.learner.model.name, data.problem
    spread = None if FORMS[problem.form].has_probabilities else fit_scale(problem.target).deviation
    for fold in problem.folds:
        models = fold_models(model.learner, problem, fold, model.grid, model.ways, model.trained)
        raws = samples.clean(fold)
        clean = models.predicted(raws, {})
        for key, rows, answers in keys_of(models, clean):
            model.trained.require_same(key, data.sample_ids.take(pa.array(rows)).combine_chunks(), answers, spread)
        for condition in conditions:
            answered = _answers(models, samples, clean, raws, condition)
            for key, rows, (prediction, _) in keys_of(models, answered):
                if condition.modality in key[0].split("+"):
                    yield _rows(name, replace(fold, test=rows), key, condition, prediction, data)
        write_line(f"{name} {data.splits.dataset}: repeat {fold.repeat} fold {fold.index}: {len(conditions)} conditions")


def _answers(
    models: FoldModels, samples: ExaminedSamples, clean: FoldAnswers, raws: Mapping[str, Raw], condition: Condition
) -> FoldAnswers:
    if condition.corruption == MISSING:
        return models.without(clean, condition.modality, samples.absent(models.fold, condition))
    corrupted = {**raws, condition.modality: samples.corrupted(models.fold, condition)}
    return models.predicted(corrupted, clean.members, condition.modality)


def _rows(model: str, fold: Fold, key: FoldKey, condition: Condition, prediction: np.ndarray, data: TrainingData) -> pa.Table:
    result = FoldResult(fold, tuple(key[0].split("+")), {}, 0, prediction, None, fusion=key[1])
    (table,) = prediction_rows(result, model, data)
    return table.set_column(table.column_names.index(COLUMN), COLUMN, pa.array([condition.name] * len(table), pa.string()))


def write_conditions(
    model: str, tables: Sequence[pa.Table], data: TrainingData, units: Mapping[str, str], *, not_applicable: str | None = None
) -> None:
    """Write predictions.arrow; not_applicable: why it has no row."""
    problem = data.problem
    metadata = ConditionsMetadata(
        **dict(data.splits), model=model, baseline=False, scoring=problem.scoring,
        combinations=() if not_applicable else tuple("+".join(modalities) for modalities in problem.combinations),
        not_applicable=not_applicable, units=dict(units),
    )  # fmt: skip
    # a result without rows, so that a table without rows has its columns
    empty = FoldResult(replace(problem.final_fold(), train=np.empty(0, np.int64)), (), {}, 0, problem.target[:0], None)
    write_table(conditions_path(data.splits.dataset, model), pa.concat_tables(tables or prediction_rows(empty, model, data)), metadata)
