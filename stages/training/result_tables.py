"""Write what training found: predictions, the whole sweep, and curves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.model import FoldResult, Model
from stages.contracts.problem import Problem
from stages.foundation.tables import fixed_lists, target_array, write_table


def write_results(
    folder: Path,
    results: Sequence[FoldResult],
    configs: Sequence[Mapping[str, Any]],
    problem: Problem,
    about: Mapping[str, Any],
    *,
    model: Model,
) -> None:
    """Write predictions.arrow, sweep.arrow and curves.arrow in the schemas of stages/contracts/."""
    carried = {key: value for key, value in about.items() if key != "sample_id"}
    metadata = {**carried, "model": model.name, "control": model.is_control, "subsets": ["+".join(subset) for subset in problem.subsets]}
    write_table(folder / "predictions.arrow", pa.concat_tables([_predictions(r, problem, about) for r in results]), metadata)
    write_table(folder / "sweep.arrow", pa.concat_tables([_sweep(r, configs) for r in results]), metadata)
    write_table(folder / "curves.arrow", pa.concat_tables([_curves(r) for r in results]), metadata)


def _keys(result: FoldResult, n: int) -> dict[str, pa.Array]:
    return {
        "subset": pa.array(["+".join(result.subset)] * n, pa.string()),
        "repeat": pa.array(np.full(n, result.fold.repeat, dtype=np.int16)),
        "fold": pa.array(np.full(n, result.fold.index, dtype=np.int16)),
    }


def _predictions(result: FoldResult, problem: Problem, about: Mapping[str, Any]) -> pa.Table:
    rows = result.fold.test
    columns = {
        "sample_id": about["sample_id"].take(pa.array(rows)),
        "target": target_array(problem.target[rows]),
        "prediction": target_array(result.prediction),
    }
    if result.scores is not None:
        columns["scores"] = fixed_lists(result.scores.astype(np.float32))
    return pa.table({**_keys(result, len(rows)), **columns})


def _sweep(result: FoldResult, configs: Sequence[Mapping[str, Any]]) -> pa.Table:
    n_configs, n_inner = next(iter(result.inner_scores.values())).shape
    numbers = np.repeat(np.arange(n_configs, dtype=np.int32), n_inner)
    settings = [json.dumps(config, sort_keys=True) for config in configs]
    columns = {
        "inner": pa.array(np.tile(np.arange(n_inner, dtype=np.int16), n_configs)),
        "config": pa.array(numbers),
        "settings": pa.array([settings[i] for i in numbers], pa.string()),
        **{name: pa.array(scores.ravel()) for name, scores in result.inner_scores.items()},
        "chosen": pa.array(numbers == result.chosen),
    }
    return pa.table({**_keys(result, len(numbers)), **columns})


def _curves(result: FoldResult) -> pa.Table:
    names = [name for name, values in result.curves.items() for _ in values]
    columns = {
        "name": pa.array(names, pa.string()),
        "step": pa.array([i + 1 for values in result.curves.values() for i in range(len(values))], pa.int32()),
        "value": pa.array([value for values in result.curves.values() for value in values], pa.float64()),
    }
    return pa.table({**_keys(result, len(names)), **columns})
