"""What train found of the points of the loss at which networks' training ended, by candidate."""

from pathlib import Path

import polars as pl

from stages.contracts.candidate import Candidate, parsed_combination
from stages.contracts.documents.critical_point_scores import FoldCriticalPoint
from stages.evaluation.inner_scores import CANDIDATE
from stages.foundation.tables import read_table

CriticalPoints = dict[Candidate, tuple[FoldCriticalPoint, ...]]


def read_critical_points(model: str, folder: Path) -> CriticalPoints:
    """Return the points of a model's candidates, by repeat and fold; nothing of a model that is no network."""
    rows = pl.DataFrame(read_table(folder / "critical_points.arrow")).drop("seed").sort([*CANDIDATE, "repeat", "fold"])
    found: CriticalPoints = {}
    for row in rows.iter_rows(named=True):
        candidate = Candidate(model, parsed_combination(row.pop("modalities")), row.pop("fusion"))
        found[candidate] = (*found.get(candidate, ()), FoldCriticalPoint(**row))
    return found
