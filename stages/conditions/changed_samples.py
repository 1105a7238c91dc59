"""The test samples of a data set as conditions leave them: their raw features, computed once for all models and folds.

A corruption that knows nothing of the training rows changes a sample in the same way on every fold, so that all tested rows are featurized
at once. One that measures something on them is applied fold by fold, to the fold's own test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.corruption import NO_REFERENCE, Reference
from stages.contracts.modality import Modality
from stages.contracts.paths import samples_path
from stages.contracts.problem import Fold, Problem
from stages.contracts.sample_condition import Condition
from stages.contracts.tables.features_table import FeaturesMetadata
from stages.features.encoders import Raw, raw_features
from stages.foundation.errors import InputError
from stages.foundation.params_file import parse
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.samples.corrupted_samples import corrupted_features, corruption_of, measured
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
    _of_all_folds: dict[Condition, pa.Table] = field(default_factory=dict, repr=False)

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

    def corrupted(self, fold: Fold, conditions: Sequence[Condition]) -> Raw:
        """Return the raw features of a fold's test samples under conditions of one modality: all of the first one, then of the next.

        Raises:
            InputError: naming the samples that cannot be read any more.
        """
        references: dict[str, Reference] = {}
        found = [self._of_fold(fold, condition, references) for condition in conditions]
        table = pa.concat_tables(found).combine_chunks()
        return raw_features({column: table[column] for column in table.column_names}, self.features[conditions[0].modality].encoding)

    def _of_fold(self, fold: Fold, condition: Condition, references: dict[str, Reference]) -> pa.Table:
        """Return the features under one condition; references: what corruptions have measured on this fold so far."""
        own, corruption = self.own_fold(fold, condition.modality), corruption_of(self.modalities[condition.modality], condition.corruption)
        if corruption.measure is not None:
            if corruption.name not in references:
                references[corruption.name] = measured(self.samples, condition.modality, corruption, self.places[own.train])
            return self._featurized(condition, own.test, references[corruption.name])
        tested = self._tested(condition.modality)
        if condition not in self._of_all_folds:
            self._of_all_folds[condition] = self._featurized(condition, tested, NO_REFERENCE)
        return self._of_all_folds[condition].take(pa.array(np.searchsorted(tested, own.test)))

    def _tested(self, name: str) -> np.ndarray:
        """Return the rows with a modality that some fold tests: int64, sorted."""
        return np.unique(np.concatenate([self.own_fold(fold, name).test for fold in self.problem.folds]))

    def _featurized(self, condition: Condition, rows: np.ndarray, reference: Reference) -> pa.Table:
        """Return sample_id and the features of some of the problem's rows under a condition."""
        name = condition.modality
        modality, about = self.modalities[name], self.features[name]
        settings = parse(about.settings, f"features.{about.dataset}-{name}", modality.settings)
        try:
            return corrupted_features(
                self.samples, name, modality, settings, corruption=corruption_of(modality, condition.corruption),
                strength=condition.strength, seed=self.problem.seed, reference=reference, rows=self.places[rows],
            )  # fmt: skip
        except SampleError as error:
            reasons = {self.ids[int(rows[row])].as_py(): reason for row, reason in error.reasons.items()}
            sample, reason = next(iter(reasons.items()))
            raise InputError(f"{about.dataset}: {condition.name}: {len(reasons)} sample(s) cannot be read once they are corrupted, first "
                             f"{sample!r}: {reason}; leave this corruption out under `conditions:`") from error
