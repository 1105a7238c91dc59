"""Regression: one or more continuous targets per row."""

from stages.contracts.task import Task
from stages.targets.continuous import CONTINUOUS

TASK = Task(name="regression", encoding=CONTINUOUS, scoring="q2")
