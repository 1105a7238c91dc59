"""Multiclass classification: one of several classes per row; with two classes it is binary classification."""

from stages.contracts.task import Task
from stages.targets.classes import CLASSES


def exact_task(outputs: list[str]) -> str | None:
    """Return "binary" for two classes."""
    return "binary" if len(outputs) == 2 else None


TASK = Task(name="multiclass", encoding=CLASSES, scoring="accuracy", exact_task=exact_task)
