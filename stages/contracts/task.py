"""What kinds of prediction there are."""

from typing import Literal, get_args

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)
