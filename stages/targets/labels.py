"""Targets of form `labels`: any number of names per row, encoded as one column of 0 and 1 per label."""

from collections import Counter

import numpy as np
import pyarrow as pa

from stages.contracts.task import TargetEncoding
from stages.foundation.errors import InputError
from stages.foundation.tables import fixed_lists
from stages.targets.output_names import check_counts, missing_rows, sorted_outputs


def check_labels(target: pa.ChunkedArray, remedy: str, unknown: str = "refuse") -> None:
    """Raise InputError unless there is a label, and every label holds in two samples or more."""
    counts = _counts(target)
    if not counts:
        raise InputError(f"0 label in the target, so there is nothing to predict; {remedy}")
    check_counts(counts, "label", remedy)


def encode_labels(target: pa.ChunkedArray) -> tuple[pa.Array, list[str]]:
    """Return the labels as columns of 0 and 1, uint8 (n, n_outputs), and their names."""
    values = target.to_pylist()
    outputs = sorted_outputs({name for names in values for name in names})
    place = {name: i for i, name in enumerate(outputs)}
    holds = np.zeros((len(values), len(outputs)), dtype=np.uint8)
    for row, names in enumerate(values):
        holds[row, [place[name] for name in names]] = 1
    return fixed_lists(holds), outputs


def no_strata(target: pa.ChunkedArray) -> None:
    """Return None: rows are not stratified by label; `check_sampled_labels` refuses a sample that lost a label."""
    return None


def check_sampled_labels(whole: pa.ChunkedArray, sampled: pa.ChunkedArray, where: str) -> None:
    """Raise InputError if a sample of rows has fewer than two rows of a label."""
    before, after = _counts(whole), _counts(sampled)
    scarce = min(sorted_outputs(set(before)), key=lambda name: after[name])
    if after[scarce] < 2:
        raise InputError(f"{where}: label {scarce!r} ({before[scarce]} of {len(whole)} rows) would be left with {after[scarce]}; "
                         f"allowed: all, or enough for two of every label")


def _counts(target: pa.ChunkedArray) -> Counter[str]:
    return Counter(name for names in target.to_pylist() for name in set(names))


LABELS = TargetEncoding(
    form="labels",
    arrow_type="uint8[]",
    missing=missing_rows,
    check=check_labels,
    encode=encode_labels,
    sampling_strata=no_strata,
    check_sample=check_sampled_labels,
)
