"""The test samples of one outer fold as a condition leaves them: raw features of corrupted ones, and which ones lack a modality."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.modality import Modality
from stages.contracts.paths import samples_path
from stages.contracts.problem import Fold, Problem
from stages.contracts.sample_condition import MISSING, Condition
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Raw, raw_features
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.registry import component
from stages.foundation.seeds import derived_seed
from stages.foundation.tables import column_values
from stages.samples.corrupted_samples import corrupted_features, corruption_of
from stages.samples.read import SampleError


@dataclass(frozen=True)
class ExaminedSamples:
    """The samples of a data set that models are tested on.

    samples: the whole table. places: int64 (n,), the row of each of the problem's samples in it. ids: their names.
    modalities, features: by name in the data set.
    """

    problem: Problem
    samples: pa.Table
    places: np.ndarray
    ids: pa.Array
    modalities: Mapping[str, Modality[Any]]
    features: Mapping[str, FeaturesMetadata]

    @classmethod
    def of(cls, problem: Problem, samples: pa.Table, ids: pa.ChunkedArray, features: Mapping[str, FeaturesMetadata]) -> "ExaminedSamples":
        """Return the samples of a problem, whose ids are `ids`; raise InputError if one is not in the table."""
        whole = ids.combine_chunks()
        places = pc.index_in(whole, value_set=samples["sample_id"].combine_chunks())
        if places.null_count:
            raise InputError(f"{samples_path(next(iter(features.values())).dataset)}: {places.null_count} sample(s) of the splits are not "
                             "in it; run `dvc repro`")
        kinds = {name: component("modalities", about.modality) for name, about in features.items()}
        return cls(problem, samples, column_values(places).astype(np.int64), whole, kinds, features)

    def own_fold(self, fold: Fold, name: str) -> Fold:
        """Return a fold with the samples that have a modality."""
        rows = self.problem.complete((name,))
        return fold if rows is None else fold.restricted(rows)

    def clean(self, fold: Fold) -> dict[str, Raw]:
        """Return the raw features of a fold's test samples that have each modality."""
        return {name: self.problem.blocks[name].raw.taken(self.own_fold(fold, name).test) for name in self.features}

    def corrupted(self, fold: Fold, condition: Condition) -> Raw:
        """Return the raw features of a fold's corrupted test samples; what a corruption must know it measures on the training rows.

        Raises:
            InputError: naming the samples that cannot be read any more.
        """
        name, own = condition.modality, self.own_fold(fold, condition.modality)
        modality, about = self.modalities[name], self.features[name]
        settings = parse(about.settings, f"features.{about.dataset}-{name}", modality.settings)
        try:
            table = corrupted_features(
                self.samples, name, modality, settings, corruption=corruption_of(modality, condition.corruption),
                strength=condition.strength, seed=self.problem.seed, training=self.places[own.train], rows=self.places[own.test],
            )  # fmt: skip
        except SampleError as error:
            reasons = {self.ids[int(own.test[row])].as_py(): reason for row, reason in error.reasons.items()}
            sample, reason = next(iter(reasons.items()))
            raise InputError(f"{about.dataset}: {condition.name}: {len(reasons)} sample(s) cannot be read once they are corrupted, first "
                             f"{sample!r}: {reason}; leave this corruption out under `conditions:`") from error
        return raw_features({column: table[column] for column in table.column_names}, about.encoding, about.modality, about.shape)

    def absent(self, fold: Fold, condition: Condition) -> np.ndarray:
        """Return which of a fold's test rows lack the condition's modality: bool (n_test,); who lacks it at some share does at a larger."""
        assert condition.corruption == MISSING
        drawn = [np.random.default_rng(derived_seed(self.problem.seed, MISSING, condition.modality, self.ids[row].as_py())).random()
                 for row in fold.test.tolist()]  # fmt: skip
        return np.array(drawn) < condition.strength
