"""Read a data set's splits and features as a `Problem` for training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.metric import Scoring
from stages.contracts.paths import features_path, splits_path
from stages.contracts.problem import Problem
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.features.feature_blocks import Block, load_block
from stages.foundation.errors import InputError
from stages.foundation.params_file import modality_names, value_at
from stages.foundation.tables import column_values, read_described
from stages.model_selection.folds import read_folds
from stages.model_selection.scarce_samples import untrainable
from stages.scoring.stacked_scores import is_of_numbers, stacked
from stages.training.train_settings import UsedTrainSettings


def all_combinations(modalities: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return every non-empty combination in the modalities' order, small ones first."""
    modalities = tuple(modalities)
    return tuple(combination for size in range(1, len(modalities) + 1) for combination in combinations(modalities, size))


def trained_combinations(modalities: Iterable[str], declared: Iterable[Iterable[str]] | None) -> tuple[tuple[str, ...], ...]:
    """Return the combinations that are trained, in the order of `all_combinations`: each modality alone, and the declared ones.

    Args:
        declared: each in any order; None: all.
    """
    modalities = tuple(modalities)
    if declared is None:
        return all_combinations(modalities)
    places = {tuple(sorted(map(modalities.index, names))) for names in declared} | {(place,) for place in range(len(modalities))}
    return tuple(tuple(modalities[place] for place in one) for one in sorted(places, key=lambda one: (len(one), one)))


@dataclass(frozen=True)
class TrainingData:
    """A data set as train reads it. sample_ids: of the problem's rows. splits, features (by modality name): the files' metadata.

    untrained: combinations that too few samples have all modalities of, each with the reason.
    """

    problem: Problem
    sample_ids: pa.ChunkedArray
    splits: SplitsMetadata
    features: Mapping[str, FeaturesMetadata]
    untrained: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def read_problem(dataset: str, params: dict[str, Any], used: UsedTrainSettings) -> TrainingData:
    """Return the data set as a problem, with its sample ids and metadata.

    Args:
        used: the metric that chooses the configuration, and the combinations that are trained.
    Raises:
        InputError: if a features file does not hold the samples of the splits table, or there is a single class.
    """
    modalities = modality_names(params, dataset)
    table, about = read_described(splits_path(dataset), SplitsMetadata)
    n = table.num_rows // about.n_repeats
    ids = table["sample_id"][:n]
    blocks, features = read_blocks(dataset, modalities, ids)
    scoring = used.scoring
    target = np.ascontiguousarray(column_values(table["target"][:n]))
    problem = Problem(
        blocks=blocks,
        target=target,
        form=about.target.form,
        outputs=about.target.outputs,
        folds=read_folds(table, about),
        combinations=trained_combinations(modalities, used.combinations),
        metrics={scoring: scoring_form(scoring, about)},
        scoring=scoring,
        seed=int(value_at(params, "seed")),
        time_ordered=about.time_ordered,
    )
    require_classes(problem, dataset)
    untrained = untrainable(problem)
    trained = tuple(modalities for modalities in problem.combinations if modalities not in untrained)
    return TrainingData(replace(problem, combinations=trained), ids, about, features, untrained)


def read_blocks(dataset: str, modalities: Iterable[str], ids: pa.ChunkedArray) -> tuple[dict[str, Block], dict[str, FeaturesMetadata]]:
    """Return the modalities' blocks with the samples `ids`, and their features metadata."""
    blocks, features = dict[str, Block](), dict[str, FeaturesMetadata]()
    for name in modalities:
        path = features_path(dataset, name)
        columns, metadata = read_described(path, FeaturesMetadata)
        remedy = f"run `dvc repro featurize@{dataset}-{name}`"
        columns = rows_of(columns, ids, f"{path}: its samples are not those of {splits_path(dataset)}; {remedy}")
        blocks[name], features[name] = load_block(name, columns, metadata), metadata
    return blocks, features


def rows_of(features: pa.Table, ids: pa.ChunkedArray, message: str) -> pa.Table:
    """Return the rows of the samples `ids`, in their order; the table itself, without a copy, if no sample was skipped.

    Raises:
        InputError: with `message`, if a sample is missing or the order differs.
    """
    if features["sample_id"].combine_chunks() == ids.combine_chunks():
        return features
    kept = features.filter(pc.is_in(features["sample_id"], value_set=ids.combine_chunks()))
    if kept["sample_id"].combine_chunks() != ids.combine_chunks():
        raise InputError(message)
    return kept


def scoring_form(name: str, about: SplitsMetadata) -> Scoring:
    """Return the stacked form of the metric that chooses the configuration.

    Raises:
        InputError: if it has none, or scores other targets.
    """
    found, target = stacked(name), about.target
    if found is None or is_of_numbers(name) != (target.form == "continuous"):
        where = (f"{splits_path(about.dataset)}: metadata target.scoring" if name == target.scoring else
                 f"params.yaml: train.scoring.{target.task}")
        raise InputError(f"{where}: {name!r} cannot choose a configuration for {target.form} targets; `python -m stages.check` lists those "
                         "that can, `dvc repro` writes the metadata again")
    return found


def require_classes(problem: Problem, dataset: str) -> None:
    """Raise InputError if all rows are of one class."""
    if problem.form == "classes" and len(present := np.unique(problem.target)) < 2:
        raise InputError(f"{splits_path(dataset)}: all rows are of one class, {problem.outputs[present[0]]!r}; a classifier needs two")
