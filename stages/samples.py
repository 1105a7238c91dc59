"""Read the samples of one column: one at a time, nothing skipped, and every unreadable one named with its reason."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from stages.contracts import Modality
from stages.errors import InputError

MAX_NAMED = 20


class SampleError(InputError):
    """Some samples of a column cannot be read. `reasons`: row in the column → why."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"row {row}: {reason}" for row, reason in self.reasons.items()))


def read_each(column: pa.Array | pa.ChunkedArray, read: Callable[[Any], Any]) -> list[Any]:
    """Return `read(sample)` of every row.

    `read` raises ValueError, in words for a person, where a sample cannot be read.

    Raises:
        SampleError: naming up to MAX_NAMED rows and their reasons, nulls included.
    """
    results: list[Any] = []
    reasons: dict[int, str] = {}
    for row, sample in enumerate(column.to_pylist()):
        try:
            if sample is None:
                raise ValueError("the sample is missing (null)")
            results.append(read(sample))
        except ValueError as error:
            reasons[row] = str(error)
            if len(reasons) == MAX_NAMED:
                break
    if reasons:
        raise SampleError(reasons)
    return results


def check_type(column: pa.Array | pa.ChunkedArray, modality: Modality, where: str) -> None:
    """Raise InputError unless the Arrow type of `column` is one that `modality` reads (a struct of any fields is `struct`)."""
    kind = str(column.type).partition("<")[0]
    if kind not in modality.column_types:
        allowed = ", ".join(modality.column_types)
        raise InputError(f"{where}: column of Arrow type {column.type}; modality {modality.name!r} reads {allowed}")
