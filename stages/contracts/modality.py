"""What a component under stages/modalities/ provides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from stages.contracts.corruption import Corruption
from stages.contracts.documents.gallery_document import Exhibit
from stages.contracts.documents.weights_document import WeightImage
from stages.contracts.model import Encoding
from stages.contracts.settings import Settings
from stages.contracts.tables.features_table import FeaturesMetadata

AnySettings = TypeVar("AnySettings", bound=Settings)
Accepted = TypeVar("Accepted", bound=Settings, contravariant=True)
Expectation = tuple[str, dict[str, Any]]  # type of Great Expectations, keyword arguments


@dataclass(frozen=True)
class Features:
    """What a modality's featurizer returns: columns to store with sample_id, and what train reads about them.

    shape: of a dense vector, whose length is the product; of a table the numbers of numeric and of categorical columns.
    """

    columns: Mapping[str, pa.Array]
    encoding: Encoding
    shape: tuple[int, ...]
    names: Sequence[str] | Mapping[str, Sequence[str]] = ()  # of the dense axes or the columns; a table: by kind
    fit: Mapping[str, Any] = field(default_factory=dict)


class Featurize(Protocol[Accepted]):
    """Featurizes a column sample by sample: row i of the result depends on row i alone, and nothing is fitted."""

    def __call__(self, column: pa.Array | pa.ChunkedArray, settings: Accepted, /) -> Features: ...


class Summarise(Protocol):
    """Returns one value per sample for each column of validation, from a features file's table and metadata."""

    def __call__(self, table: pa.Table, metadata: FeaturesMetadata, /) -> dict[str, np.ndarray]: ...


class Expect(Protocol):
    """Returns the expectations over the columns of `summarise`."""

    def __call__(self, metadata: FeaturesMetadata, /) -> list[Expectation]: ...


class Show(Protocol):
    """Returns what a page shows of one sample, a value as `to_pylist` returns it; raises ValueError if it cannot be read."""

    def __call__(self, value: Any, /) -> Exhibit: ...


class ShowWeights(Protocol):
    """Returns the weights of one function of a modality's features, float64 (d,), as an image; None where the features are none."""

    def __call__(self, weights: np.ndarray, metadata: FeaturesMetadata, /) -> WeightImage | None: ...


class NameTerms(Protocol[Accepted]):
    """Returns the terms behind some indices of sparse features, of those that occur in a column of samples without nulls."""

    def __call__(self, column: pa.Array, settings: Accepted, indices: Collection[int], /) -> dict[int, str]: ...


@dataclass(frozen=True)
class Modality(Generic[AnySettings]):
    """A modality: the type of its column, the features of a sample, the expectations of validation, and how a sample is shown.

    show: None: not shown. corruptions: how its samples may be corrupted when models are tested. show_weights: None: weights are shown as
    bars. name_terms: None: terms have no names.
    """

    name: str
    settings: type[AnySettings]
    column_types: tuple[str, ...]  # Arrow types (as str) that a samples column may have
    featurize: Featurize[AnySettings]
    summarise: Summarise
    expectations: Expect
    show: Show | None = None
    corruptions: tuple[Corruption, ...] = ()
    show_weights: ShowWeights | None = None
    name_terms: NameTerms[AnySettings] | None = None
