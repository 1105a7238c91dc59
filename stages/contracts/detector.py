"""What a component under stages/leaks/ provides, and what it is passed: a data set whose files hold what validation expects of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from stages.contracts.table_schema import Target
from stages.contracts.tables.features_table import FeaturesMetadata

Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class LeakCode:
    """A kind of leak. name: stable, as params.yaml and docs/leaks.md write it. meaning: what is found, in one sentence."""

    name: str
    severity: Severity
    meaning: str


@dataclass(frozen=True)
class Suspicion:
    """What a detector found.

    code: the name of one of its codes. subject: `samples`, a modality name, or <modality name>.<column>. text: one sentence.
    rows: the samples concerned, those to name first at the front. evidence: numbers by name. remedy: what to write in params.yaml, or do.
    together: uint64 (n,), equal for samples that should be in one fold, 0 for others; None if the finding is not of that kind.
    """

    code: str
    subject: str
    text: str
    rows: np.ndarray
    evidence: Mapping[str, float]
    remedy: str
    together: np.ndarray | None = None


@dataclass(frozen=True)
class NearestSamples:
    """The nearest samples of other groups, of some samples.

    rows: int64 (n_queries,), the samples that were compared with all. nearest: int64 (n_queries, k), their nearest others, the nearest
    first. distances: float64 (n_queries, k), inf where there are fewer.
    """

    rows: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class ExaminedModality:
    """One modality of a data set, a row per sample.

    column: as ingest wrote it. chunks: returns its features in chunks, rows in the order of the samples. keys: uint64 (n,), equal where
    the samples' content is. contents: the same, 0 where a content is no evidence (missing, or plain: one color, silence, a few words).
    vectors: float32 (n, d), the features scaled and projected to few dimensions. present: bool (n,), the samples that have the modality;
    others have features that say nothing. places: the file or row of the source that holds each
    sample, null where not known.
    """

    name: str
    kind: str
    column: pa.ChunkedArray
    metadata: FeaturesMetadata
    chunks: Callable[[], Iterable[pa.Table]]
    keys: np.ndarray
    contents: np.ndarray
    vectors: np.ndarray
    present: np.ndarray
    nearest: NearestSamples
    places: pa.ChunkedArray | None


@dataclass(frozen=True)
class ExaminedDataSet:
    """A data set, a row per sample.

    groups: int64 (n,), the group's number. folds: int16 (n_repeats, n), the outer fold that tests the sample, -1: none. inner: int16 (n,),
    of the first outer fold: the inner fold that holds the sample out, -1: it is a test row. (In time order: of the last outer fold, which
    trains on the longest past, thirds of its groups.) values: the target in its form. official: whether there is an official split. own:
    whether the data set is an entry with `source:`, so that `group:` and `without:` can be written into it. time: NaN where not known;
    None without `time:`.
    """

    name: str
    ids: pa.Array
    groups: np.ndarray
    folds: np.ndarray
    inner: np.ndarray
    n_inner: int
    target: Target
    values: np.ndarray
    official: bool
    own: bool
    time: np.ndarray | None = None
    modalities: Sequence[ExaminedModality] = field(default_factory=tuple)


@dataclass(frozen=True)
class Detector:
    """A detector of leaks. detect: yields what it found; it reads targets of training rows of the first outer fold alone."""

    name: str
    codes: Sequence[LeakCode]
    detect: Callable[[ExaminedDataSet], Iterable[Suspicion]]
