"""Classes, labels and targets that no folds could train, validate and test on, found before the samples are read.

The stage split refuses them, looking at the samples that are left and with the numbers of folds; ingest tells in time.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from stages.contracts.task import TargetEncoding, TargetForm
from stages.splitting.scarce_groups import scarce_outputs
from stages.targets.continuous import values_of
from stages.targets.output_names import MAX_OUTPUTS, sorted_outputs

NOUNS: Mapping[TargetForm, str] = {"classes": "class", "labels": "label", "continuous": "target"}


def too_few_groups(index: pa.Table, encoding: TargetEncoding) -> str:
    """Return which classes, labels or targets are in too few groups, and what helps; "" if none is.

    Those of a single sample are not named: `encoding.check` does.

    Args:
        index: with the target before it is encoded, and no row without one.
    """
    names, members = _members(index["target"], encoding.form)
    if not names or not len(index) or len(names) > MAX_OUTPUTS:
        return ""
    group_names, groups = np.unique(np.asarray(index["group"].to_pylist(), dtype=np.str_), return_inverse=True)
    training = np.asarray(index["split"].to_pylist()) == "train" if "split" in index.column_names else None
    return scarce_outputs(members & (members.sum(axis=0) > 1), groups, training, group_names=group_names,
                          names=[f"{NOUNS[encoding.form]} {name!r}" for name in names])


def _members(target: pa.ChunkedArray, form: TargetForm) -> tuple[list[str], np.ndarray]:
    """Return the outputs, and which rows have each class or label, or a known target: bool (n, n_outputs)."""
    if form == "continuous":
        return list(target.type.names), ~np.isnan(values_of(target))
    values = [[value] if form == "classes" else value for value in target.to_pylist()]
    names = sorted_outputs({name for inside in values for name in inside})
    column = {name: place for place, name in enumerate(names[:MAX_OUTPUTS])}
    members = np.zeros((len(values), len(column)), dtype=bool)
    for row, inside in enumerate(values):
        members[row, [column[name] for name in inside if name in column]] = True
    return names, members
