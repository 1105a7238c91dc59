"""What a component under stages/modalities/ provides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.settings import Settings


@dataclass(frozen=True)
class Features:
    """What a modality's featurizer returns: columns beside sample_id, and what train must know of them."""

    columns: Mapping[str, pa.Array]
    encoding: str  # dense, sparse or table
    shape: tuple[int, ...]
    names: Sequence[str] | Mapping[str, Sequence[str]] = ()  # of the dense axes or the columns; a table: by kind
    fit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Modality:
    """A modality: what its column holds, how one sample becomes numbers, what must hold of them.

    `featurize(column, settings)` is pure and per sample: row i of the result depends on row i alone.
    `summarise(table, metadata)` gives one number per sample and column for validation.
    `expectations(metadata)` gives (expectation type, keyword arguments) over the columns of `summarise`.
    """

    name: str
    settings: type[Settings]
    column_types: tuple[str, ...]  # Arrow types (as str) that a samples column may have
    featurize: Callable[..., Features]
    summarise: Callable[..., dict[str, np.ndarray]]
    expectations: Callable[..., list[tuple[str, dict[str, Any]]]]
