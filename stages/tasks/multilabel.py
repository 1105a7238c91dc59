"""Multilabel classification: any number of labels per row, none included."""

from stages.contracts.task import Task
from stages.targets.labels import LABELS

TASK = Task(name="multilabel", encoding=LABELS, scoring="micro_f1")
