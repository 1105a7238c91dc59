"""The interface of a component under stages/tasks/, and the three forms of a target that models and metrics read.

A task defines how a target is read, checked and encoded, and which metric chooses a configuration. Later stages depend only on the target's
form (stages/model_selection/target_forms.py). Name, form and metric are in the metadata of samples and splits: an edited task reruns
ingest, and later stages only if the samples change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

# classes: int32 (n,), a code per row. labels: uint8 (n, n_outputs), 1 where the label holds.
# continuous: float64 (n, n_outputs), NaN where not known.
TargetForm = Literal["classes", "labels", "continuous"]
TARGET_FORMS: tuple[TargetForm, ...] = get_args(TargetForm)
# what the outputs of a target are called
OUTPUT_NOUNS: Mapping[TargetForm, str] = {"classes": "classes", "labels": "labels", "continuous": "targets"}


@dataclass(frozen=True)
class TargetEncoding:
    """Reading, checking and encoding of a target column.

    Type of the column before encoding: classes: string; labels: list<string>; continuous: struct of float64.

    `missing(target)` returns which rows have no target: bool (n,).
    `check(target, remedy, unknown)` raises InputError if the target cannot be trained and tested on; `remedy` is the end of the message,
    `unknown` is "refuse" or "mask".
    `encode(target)` returns the encoded column, in the form's Arrow type, and the names of the outputs.
    `sampling_strata(target)` returns the strata that a sample of rows keeps in proportion, a string per row; None for no strata.
    `check_sample(whole, sampled, where)` raises InputError if a sample of rows lost a class, a label or the variation of a target.
    """

    form: TargetForm
    arrow_type: str  # of the encoded column, as table schemas write it
    missing: Callable[[pa.ChunkedArray], np.ndarray]
    check: Callable[[pa.ChunkedArray, str, str], None]
    encode: Callable[[pa.ChunkedArray], tuple[pa.Array, list[str]]]
    sampling_strata: Callable[[pa.ChunkedArray], list[str] | None]
    check_sample: Callable[[pa.ChunkedArray, pa.ChunkedArray, str], None]


def as_declared(outputs: list[str]) -> str | None:
    """Return None: the task is the declared one for any outputs."""
    return None


@dataclass(frozen=True)
class Task:
    """A kind of prediction.

    scoring: the metric that chooses a configuration unless `train.scoring` names another.
    `exact_task(outputs)` returns the name of a more specific task for a target with these outputs; None for this one.
    """

    name: str
    encoding: TargetEncoding
    scoring: str
    exact_task: Callable[[list[str]], str | None] = as_declared

    @property
    def form(self) -> TargetForm:
        return self.encoding.form
