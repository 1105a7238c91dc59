"""Fit the best linear configuration of a modality combination on all training rows, and read its functions and margins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.linear_reading import LinearReading
from stages.contracts.model import FoldSweep, Model
from stages.contracts.problem import Problem
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.early_fusion import encode_fold
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, swept_alone
from stages.weight_reading.chosen_config import BestLinear, best_linear
from stages.weight_reading.estimator_functions import estimator_functions
from stages.weight_reading.feature_columns import feature_columns, in_own_units
from stages.weight_reading.weight_rows import ReadFunctions

NO_CONFIG = "train compared no linear configuration of it"
CONSTANT = "no output differs between the training rows"


@dataclass(frozen=True)
class LinearLearner:
    """A model, its settings, and the sweep that train has written of it. features: metadata by modality."""

    model: Model
    settings: Any
    sweep: pa.Table
    features: Mapping[str, FeaturesMetadata]


@dataclass(frozen=True)
class CombinationReading:
    """rows: int64, the rows that the configuration is fitted on. functions: in the features' own units."""

    chosen: BestLinear
    rows: np.ndarray
    functions: ReadFunctions
    reading: LinearReading


def read_combinations(problem: Problem) -> list[tuple[str, ...]]:
    """Return the modality combinations that are read: each modality alone, and the largest."""
    alone = [modalities for modalities in problem.combinations if len(modalities) == 1]
    return list(dict.fromkeys([*alone, problem.combinations[-1]]))


def read_all(learner: LinearLearner, problem: Problem) -> Iterator[tuple[tuple[str, ...], CombinationReading | str]]:
    """Yield each combination that is read, and what is read of it or why nothing is."""
    for modalities in read_combinations(problem):
        yield modalities, read_combination(learner, problem.part(modalities), modalities)


def read_combination(learner: LinearLearner, part: Problem, modalities: tuple[str, ...]) -> CombinationReading | str:
    """Return what is read of the best linear configuration of a combination, or why nothing is; part: the problem of it alone."""
    model = as_sweep(learner.model)
    chosen = best_linear(learner.sweep, "+".join(modalities), model.is_linear, part.metrics[part.scoring])
    if chosen is None:
        return NO_CONFIG
    fold = part.final_fold()
    with swept_alone(LearnerSetup(model, learner.settings), part, fold, modalities, chosen.config) as sweep:
        reading = reading_of(sweep, part, modalities) if model.read is None else model.read(sweep)
    if isinstance(reading, str):
        return reading
    if not reading.functions.outputs:
        return CONSTANT
    encoded = encode_fold({name: part.blocks[name] for name in modalities}, fold.train).encoded
    columns = {name: feature_columns(block.matrix, block.state, learner.features[name], fold.train) for name, block in encoded.items()}
    sparse = frozenset(name for name in modalities if learner.features[name].encoding == "sparse")
    functions = ReadFunctions(modalities, in_own_units(reading.functions, columns), columns, sparse)
    return CombinationReading(chosen, fold.train, functions, reading)


def reading_of(sweep: FoldSweep, part: Problem, modalities: tuple[str, ...]) -> LinearReading:
    """Return what is read of an estimator."""
    encoded = encode_fold({name: part.blocks[name] for name in modalities}, sweep.fold.train).encoded
    return LinearReading(estimator_functions(sweep.fitted(0), {name: encoded[name].matrix.shape[1] for name in modalities}))
