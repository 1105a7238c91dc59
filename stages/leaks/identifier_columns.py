"""Columns that number the samples or groups (a row, a patient): whole numbers, each once, that fill at least half of their range."""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.held_out import told_by
from stages.leak_evidence.remedies import leave_out
from stages.leak_evidence.table_columns import table_columns, training_rows

CODE = LeakCode("identifier-column", "medium", "a column numbers the samples or the groups, so that it tells where in the data a row was")
FEWEST = 20  # samples, or groups
FILLED = 0.5  # share of the range of numbers that occurs; of numbers drawn at random many would occur twice


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each column of a table that numbers the samples or the groups."""
    rows = np.arange(len(examined.ids))
    first = np.unique(examined.groups, return_index=True)[1]
    used = training_rows(examined)
    for modality in examined.modalities:
        for name, values in table_columns(modality, rows):
            if values.dtype == np.int32:
                continue
            of_samples = _numbers(values)
            of_groups = not of_samples and _numbers(values[first]) and bool((values == values[first][_places(examined.groups)]).all())
            if of_samples or of_groups:
                told = told_by(values[used], examined, used)
                what = "samples" if of_samples else "groups"
                yield Suspicion(
                    CODE.name, f"{modality.name}.{name}",
                    f"column {name!r} numbers the {what}; alone it explains {told.share:.1%} of the target", rows, told.evidence,
                    leave_out(examined, modality, name))  # fmt: skip


def _numbers(values: np.ndarray) -> bool:
    """Return whether the values are whole numbers, each once, that fill their range."""
    if len(values) < FEWEST or np.isnan(values).any() or (values != np.round(values)).any():
        return False
    return len(np.unique(values)) == len(values) and len(values) >= FILLED * (np.ptp(values) + 1)


def _places(groups: np.ndarray) -> np.ndarray:
    return np.unique(groups, return_inverse=True)[1]


DETECTOR = Detector(name="identifier_columns", codes=(CODE,), detect=detect)
