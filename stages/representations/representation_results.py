"""What learners of a network's representation predict, and their table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.candidate import EARLY, parsed_combination
from stages.contracts.model import Config, FoldResult, config_of
from stages.contracts.paths import representation_path
from stages.contracts.problem import Problem
from stages.contracts.tables.predictions_table import TrainingMetadata
from stages.contracts.tables.representation_table import RepresentationMetadata
from stages.foundation.errors import InputError
from stages.foundation.tables import read_described, write_table
from stages.representations.network_representations import LEAST_INNER, Place
from stages.training.read_problem import TrainingData
from stages.training.result_tables import prediction_rows


def chosen_configs(path: Path, scoring: str) -> dict[Place, Config]:
    """Return the configuration that train chose on each outer fold and modality combination, of early fusion with equal weights.

    Args:
        path: of the model's sweep. scoring: name of the metric that chooses.
    Raises:
        InputError: if another metric chose.
    """
    table, about = read_described(path, TrainingMetadata)
    if about.scoring != scoring:
        raise InputError(f"{path}: metadata scoring: expected {scoring!r}, which chooses, found {about.scoring!r}; run `dvc repro`")
    found: dict[Place, Config] = {}
    for row in table.filter(pc.and_(table["chosen"], pc.equal(table["fusion"], EARLY))).to_pylist():
        config = config_of(json.loads(row["settings"]))
        found[row["repeat"], row["fold"], parsed_combination(row["modalities"])] = config
    return found


def studied_combinations(problem: Problem, configs: Mapping[Place, Config], which: str) -> Problem | str:
    """Return the problem with the combinations that the network was trained on, all or the largest; or why there is none."""
    n_inner = min(fold.n_inner for fold in problem.folds)
    if n_inner < LEAST_INNER:
        return f"a network without one inner fold needs two others: expected {LEAST_INNER} inner folds or more, found {n_inner}"
    trained = {modalities for _, _, modalities in configs}
    kept = tuple(modalities for modalities in problem.combinations if modalities in trained)
    if not kept:
        return "train has fused no combination early"
    return replace(problem, combinations=kept if which == "all" else kept[-1:])


def write_representation(
    model: str, by_learner: Mapping[str, Sequence[FoldResult]], data: TrainingData, *, not_applicable: str | None = None
) -> None:
    """Write representation.arrow, by learner."""
    problem = data.problem
    metadata = RepresentationMetadata(
        **dict(data.splits), model=model, scoring=problem.scoring, learners=() if not_applicable else tuple(by_learner),
        combinations=() if not_applicable else tuple("+".join(modalities) for modalities in problem.combinations),
        not_applicable=not_applicable,
    )  # fmt: skip
    # a result without rows, so that a table without rows has its columns
    empty = FoldResult(replace(problem.final_fold(), train=np.empty(0, np.int64)), (), {}, 0, problem.target[:0], None)
    tables = [_rows(learner, result, data) for learner, found in (by_learner or {"": [empty]}).items() for result in found]
    write_table(representation_path(data.splits.dataset, model), pa.concat_tables(tables), metadata)


def _rows(learner: str, result: FoldResult, data: TrainingData) -> pa.Table:
    table = pa.concat_tables(prediction_rows(replace(result, probabilities=None), learner, data))
    return table.add_column(0, "learner", pa.array([learner] * table.num_rows, pa.string()))
