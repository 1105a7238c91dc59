"""Columns of tables that are the target: the same values, other names of the classes, other units, any monotone function of a number."""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.one_to_one import is_copy, rank_correlation
from stages.leak_evidence.remedies import leave_out
from stages.leak_evidence.table_columns import outputs_of, table_columns, training_rows

COPY = LeakCode("target-among-features", "high", "a column is the target, in the same or in other words")
MONOTONE = LeakCode("monotone-copy", "high", "a column has the order of a target that is a number: other units, or a function of it")


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each column of a table that is the target, or one of the labels or targets."""
    rows = training_rows(examined)
    outputs, continuous = outputs_of(examined, rows), examined.target.form == "continuous"
    for modality in examined.modalities:
        for name, values in table_columns(modality, rows):
            for output, target in outputs.items():
                if not is_copy(values, target, continuous=continuous):
                    continue
                what = "the target" if len(outputs) == 1 else repr(output)
                known = ~np.isnan(values) & ~np.isnan(target)
                monotone = continuous and values.dtype != np.int32
                if monotone:
                    text = f"column {name!r} has the order of {what}"
                    evidence: dict[str, float] = {"rank_correlation": rank_correlation(values[known], target[known])}
                else:
                    text, evidence = f"column {name!r} is {what}: each value goes with one of it", {"values": len(np.unique(values[known]))}
                yield Suspicion((MONOTONE if monotone else COPY).name, f"{modality.name}.{name}", text, rows,
                                {**evidence, "rows": int(known.sum())}, leave_out(examined, modality, name))  # fmt: skip
                break


DETECTOR = Detector(name="target_copies", codes=(COPY, MONOTONE), detect=detect)
