"""The predictions of a learner without a leak and with it, both by the whole protocol of models."""

import numpy as np
import pyarrow as pa

from stages.contracts.control import ControlData, Leaking
from stages.contracts.model import FoldResult
from stages.contracts.problem import Problem
from stages.contracts.settings import Settings
from stages.contracts.tables.leaking_table import HONEST, LEAKING, LeakingMetadata
from stages.controlling.randomised_scores import LEARNER, learned
from stages.foundation.tables import target_array
from stages.training.read_problem import TrainingData


def leaking_predictions(
    control: Leaking, data: ControlData, settings: Settings, training: TrainingData
) -> tuple[pa.Table, LeakingMetadata]:
    """Return the table of both, and its metadata."""
    problems = {HONEST: control.honest(data, settings), LEAKING: control.leaking(data, settings)}
    rows = [_rows(protocol, problem, result, training.sample_ids) for protocol, problem in problems.items() for result in learned(problem)]
    about = LeakingMetadata(
        dataset=training.splits.dataset, control=control.name, model=LEARNER.name, what=control.what, scoring=data.problem.scoring,
        target=training.splits.target, combinations=tuple("+".join(modalities) for modalities in data.problem.combinations),
    )  # fmt: skip
    return pa.concat_tables(rows), about


def _rows(protocol: str, problem: Problem, result: FoldResult, ids: pa.ChunkedArray) -> pa.Table:
    rows, n = result.fold.test, len(result.fold.test)
    return pa.table({
        "protocol": pa.array([protocol] * n, pa.string()),
        "modalities": pa.array(["+".join(result.modalities)] * n, pa.string()),
        "repeat": pa.array(np.full(n, result.fold.repeat, np.int16)),
        "fold": pa.array(np.full(n, result.fold.index, np.int16)),
        "sample_id": ids.take(pa.array(rows)),
        "target": target_array(problem.target[rows]),
        "prediction": target_array(result.prediction),
    })
