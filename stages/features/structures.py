"""The structured form of a modality's samples, as features files keep it next to what is encoded: frames, series, points, words, edges.

Arrays are views of the memory-mapped file: what no model looks at is not read from the disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

if TYPE_CHECKING:
    from stages.features.encoders import Matrix, Raw, State

# columns of a features file that hold a structured form: lists of numbers, or of fixed-size lists of them; n_nodes is a number
RAGGED = ("frames", "series", "points", "words", "source", "target")
PLAIN = ("n_nodes",)


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths: list i is `values[offsets[i]:offsets[i + 1]]`.

    offsets: int (n + 1,), ascending. values: (total, …).
    """

    offsets: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Return the length of each list: int64 (n,)."""
        return np.diff(self.offsets).astype(np.int64)

    def taken(self, rows: np.ndarray) -> "Ragged":
        """Return some lists, in the order of `rows`."""
        starts, lengths = self.offsets[rows].astype(np.int64), self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Ragged(offsets, self.values[np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])])


@dataclass(frozen=True)
class Structure:
    """What is known of the form of n samples.

    modality: name of the component that made the features. shape: of a dense vector, such as (H, W, channels).
    columns: those of RAGGED and PLAIN that the file has.
    """

    modality: str
    shape: tuple[int, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)

    def taken(self, rows: np.ndarray) -> "Structure":
        """Return the form of some samples."""
        columns = {name: value.taken(rows) if isinstance(value, Ragged) else value[rows] for name, value in self.columns.items()}
        return Structure(self.modality, self.shape, columns)


@dataclass(frozen=True)
class Structured:
    """The encoded features (n, d) of n samples next to their structured form; None: a block without one."""

    matrix: "Matrix"
    structure: Structure | None = None

    def __getitem__(self, rows: np.ndarray) -> "Structured":
        """Return some samples."""
        return Structured(self.matrix[rows], None if self.structure is None else self.structure.taken(rows))

    @property
    def modality(self) -> str:
        """Return the name of the component that made the features; of a block that does not know it, the one with such features."""
        if self.structure is not None:
            return self.structure.modality
        return "text" if sp.issparse(self.matrix) else "vector"


def structure_of(columns: Mapping[str, pa.Array | pa.ChunkedArray], modality: str, shape: tuple[int, ...]) -> Structure:
    """Return the structured form that the columns of a features file hold."""
    found: dict[str, Any] = {name: _ragged(columns[name]) for name in RAGGED if name in columns}
    found |= {name: np.from_dlpack(_whole(columns[name])) for name in PLAIN if name in columns}
    return Structure(modality, shape, found)


def model_input(raw: "Raw", state: "State", *, structured: bool) -> Any:
    """Return what a model's `predict` receives of a block: the encoded matrix, or with its structured form (`Sweep.reads_structure`)."""
    matrix = raw.encode(state)
    return Structured(matrix, raw.structure) if structured else matrix


def _ragged(column: pa.Array | pa.ChunkedArray) -> Ragged:
    lists = _whole(column)
    shape, values = list[int](), lists.values
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    return Ragged(np.from_dlpack(lists.offsets), np.from_dlpack(values).reshape(-1, *shape))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
