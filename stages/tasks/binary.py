"""Binary classification: one of two classes per row."""

from dataclasses import replace

import pyarrow as pa

from stages.contracts.task import Task
from stages.foundation.errors import InputError
from stages.targets.classes import CLASSES, check_classes
from stages.targets.output_names import sorted_outputs


def check_two_classes(target: pa.ChunkedArray, remedy: str, unknown: str = "refuse") -> None:
    """Raise InputError unless there are two classes with two samples each."""
    names = set(target.to_pylist())
    if len(names) > 2:
        listed = ", ".join(repr(name) for name in sorted_outputs(names)[:5])
        raise InputError(f"{len(names)} classes in a binary target ({listed}, …); use task multiclass, or {remedy}")
    check_classes(target, remedy, unknown)


TASK = Task(
    name="binary",
    encoding=replace(CLASSES, check=check_two_classes),
    scoring="accuracy",
)
