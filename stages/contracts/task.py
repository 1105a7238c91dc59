"""What a component under stages/tasks/ provides, and the three forms of a target that models and metrics read.

A task says how a target is read, checked and encoded, and which metric chooses a configuration. What later stages compute from a target
(strata, decisions, the baseline) follows from its form alone (stages/model_selection/target_forms.py); name, form and metric travel in
the metadata of samples and splits, so a task added or edited reruns ingest, and more only where the samples change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

# classes: int32 (n,), a code per row. labels: uint8 (n, n_outputs), 1 where the label holds.
# continuous: float64 (n, n_outputs), NaN where not known.
TargetForm = Literal["classes", "labels", "continuous"]
TARGET_FORMS: tuple[TargetForm, ...] = get_args(TargetForm)


@dataclass(frozen=True)
class TargetEncoding:
    """How a target column is read, checked and encoded.

    The column as a data set or a person's own files give it: classes: string; labels: list<string>; continuous: struct of float64.

    `missing(target)` returns which rows have no target: bool (n,).
    `check(target, remedy, unknown)` raises InputError where the target cannot be learned and tested; `remedy` says where to fix it,
    `unknown` is "refuse" or "mask".
    `encode(target)` returns the encoded column, in the form's Arrow type, and the names of the outputs.
    `sampling_strata(target)` returns what a sample of rows keeps in proportion, a string per row; None: nothing.
    `check_sample(whole, sampled, where)` raises InputError where a sample of rows lost something that can be learned of the whole.
    """

    form: TargetForm
    arrow_type: str  # of the encoded column, as table schemas write it
    missing: Callable[[pa.ChunkedArray], np.ndarray]
    check: Callable[[pa.ChunkedArray, str, str], None]
    encode: Callable[[pa.ChunkedArray], tuple[pa.Array, list[str]]]
    sampling_strata: Callable[[pa.ChunkedArray], list[str] | None]
    check_sample: Callable[[pa.ChunkedArray, pa.ChunkedArray, str], None]


def as_declared(outputs: list[str]) -> str | None:
    """Return None: the task is what was declared, whatever the outputs are."""
    return None


@dataclass(frozen=True)
class Task:
    """A kind of prediction.

    title: as the report writes it. scoring: the metric that chooses a configuration unless `train.scoring` names another.
    `exact_task(outputs)` returns the name of the task that a target with these outputs really is; None: this one.
    """

    name: str
    title: str
    encoding: TargetEncoding
    scoring: str
    exact_task: Callable[[list[str]], str | None] = as_declared

    @property
    def form(self) -> TargetForm:
        return self.encoding.form
