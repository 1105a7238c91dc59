"""Write the results of training: predictions, the sweep, curves, notes, critical points and, if requested, out-of-fold scores."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.candidate import CLEAN, Candidate
from stages.contracts.critical_point import CriticalPoint
from stages.contracts.model import FoldResult, SeededPrediction
from stages.contracts.problem import Problem
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.foundation.tables import fixed_lists, target_array, write_table
from stages.training.read_problem import TrainingData


@dataclass(frozen=True)
class ResultsOf:
    """Of which model or control the results are; what it is as a control. not_applicable: why there are none."""

    model: str
    is_baseline: bool = False
    is_diagnostic: bool = False
    not_applicable: str | None = None


def write_results(
    folder: Path, results: Sequence[FoldResult], data: TrainingData, about: ResultsOf
) -> None:
    """Write predictions, sweep, curves, notes, critical_points and, if kept, out_of_fold, each .arrow (stages/contracts/tables/)."""
    problem = data.problem
    metadata = TrainingMetadata(
        **dict(data.splits),
        model=about.model,
        baseline=about.is_baseline,
        diagnostic=about.is_diagnostic,
        scoring=problem.scoring,
        combinations=() if about.not_applicable else tuple("+".join(modalities) for modalities in problem.combinations),
        not_applicable=about.not_applicable,
        seeds=(problem.seed, *(refit.seed for refit in results[0].reseeded)) if results and results[0].reseeded else (),
    )
    # an empty result, so that tables without rows have their columns
    empty = FoldResult(problem.final_fold(), (), {problem.scoring: np.zeros((0, 1))}, 0, problem.target[:0], None)
    found = list(results) or [empty]
    tables = {
        "predictions": [table for result in found for table in prediction_rows(result, about.model, data)],
        "sweep": [_sweep(result, about.model, problem) for result in found],
        "curves": [_curves(result, about.model, problem) for result in found],
        "notes": [_notes(result, about.model, problem) for result in found],
        "critical_points": [_critical_point(result, about.model, problem) for result in found],
        "out_of_fold": [_out_of_fold(result, about.model, data) for result in found if result.out_of_fold is not None],
    }
    for name, by_result in tables.items():
        if by_result:
            write_table(folder / f"{name}.arrow", pa.concat_tables(by_result), metadata)


def _keys(result: FoldResult, model: str, seed: int, n: int) -> dict[str, pa.Array]:
    """Return the columns that identify a row's candidate, seed and fold."""
    candidate = Candidate(model, result.modalities, result.fusion)
    return {
        "modalities": pa.array([candidate.combination] * n, pa.string()),
        "fusion": pa.array([candidate.fusion] * n, pa.string()),
        "seed": pa.array(np.full(n, seed, dtype=np.int64)),
        "repeat": pa.array(np.full(n, result.fold.repeat, dtype=np.int16)),
        "fold": pa.array(np.full(n, result.fold.index, dtype=np.int16)),
    }


def prediction_rows(result: FoldResult, model: str, data: TrainingData) -> Iterator[pa.Table]:
    """Yield a result's rows of predictions.arrow, those of the refit with each seed."""
    problem, rows = data.problem, result.fold.test
    for refit in (SeededPrediction(problem.seed, result.prediction, result.probabilities), *result.reseeded):
        columns = {
            "condition": pa.array([CLEAN] * len(rows), pa.string()),
            "sample_id": data.sample_ids.take(pa.array(rows)),
            "target": target_array(problem.target[rows]),
            "prediction": target_array(refit.prediction),
        }
        if refit.probabilities is not None:
            columns["probabilities"] = fixed_lists(refit.probabilities.astype(np.float32))
        yield pa.table({**_keys(result, model, refit.seed, len(rows)), **columns})


def _out_of_fold(result: FoldResult, model: str, data: TrainingData) -> pa.Table:
    scores, validated = result.out_of_fold, result.fold.validated
    assert scores is not None
    rows = result.fold.train[validated]
    columns = {
        "sample_id": data.sample_ids.take(pa.array(rows)),
        "inner": pa.array(result.fold.inner[validated]),
        "decisions": fixed_lists(scores.decisions[validated].astype(np.float64)),
    }
    return pa.table({**_keys(result, model, data.problem.seed, len(rows)), **columns})


def _sweep(result: FoldResult, model: str, problem: Problem) -> pa.Table:
    n_configs, n_inner = result.inner_scores[problem.scoring].shape
    indices = np.repeat(np.arange(n_configs, dtype=np.int32), n_inner)
    settings = [json.dumps(result.described(config), sort_keys=True) for config in result.configs]
    columns = {
        "inner": pa.array(np.tile(np.arange(n_inner, dtype=np.int16), n_configs)),
        "config": pa.array(indices),
        "settings": pa.array([settings[i] for i in indices], pa.string()),
        "score": pa.array(result.inner_scores[problem.scoring].ravel()),
        "chosen": pa.array(indices == result.chosen),
    }
    return pa.table({**_keys(result, model, problem.seed, len(indices)), **columns})


def _curves(result: FoldResult, model: str, problem: Problem) -> pa.Table:
    names = [name for name, values in result.curves.items() for _ in values]
    columns = {
        "name": pa.array(names, pa.string()),
        "step": pa.array([i + 1 for values in result.curves.values() for i in range(len(values))], pa.int32()),
        "value": pa.array([value for values in result.curves.values() for value in values], pa.float64()),
    }
    return pa.table({**_keys(result, model, problem.seed, len(names)), **columns})


def _notes(result: FoldResult, model: str, problem: Problem) -> pa.Table:
    columns = {"name": pa.array(list(result.notes), pa.string()), "value": pa.array(list(result.notes.values()), pa.float64())}
    return pa.table({**_keys(result, model, problem.seed, len(result.notes)), **columns})


def _critical_point(result: FoldResult, model: str, problem: Problem) -> pa.Table:
    """Return a row; none of a model that is no network."""
    found = [] if result.critical_point is None else [result.critical_point]
    types: Mapping[Any, pa.DataType] = {int: pa.int64(), float: pa.float64()}
    columns = {field.name: pa.array([getattr(one, field.name) for one in found], types.get(field.type, pa.string()))
               for field in fields(CriticalPoint)}  # fmt: skip
    return pa.table({**_keys(result, model, problem.seed, len(found)), **columns})
