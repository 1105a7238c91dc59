"""What read_weights found of a linear model, as metrics and tables of the run of its candidate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.publishing.lock_entries import refuse_changed
from pipelines.publishing.metric_values import metric_names
from pipelines.publishing.record import Point
from stages.contracts.candidate import EARLY, Candidate
from stages.contracts.documents.weights_document import LinearWeights, ReadCombination
from stages.contracts.paths import support_vectors_path, weights_document_path, weights_table_path
from stages.contracts.tables.support_vectors_table import SupportVectorsMetadata
from stages.contracts.tables.weights_table import WeightsMetadata
from stages.foundation.csv_text import csv_text
from stages.foundation.documents import read_document
from stages.foundation.tables import read_described

MOST_NAMED = 15  # margins that have a metric each, with names of their sides
FACTS = ("norm", "width", "n_rows", "n_plus", "n_minus", "n_inside", "n_wrong")


@dataclass(frozen=True)
class LoggedReading:
    """What is logged to the run of a candidate. texts: by path among its artifacts."""

    points: Sequence[Point] = ()
    texts: dict[str, str] = field(default_factory=dict)


def linear_reading(lock: Mapping[str, Any], dataset: str, candidate: Candidate) -> LoggedReading:
    """Return what was read of a candidate: of the linear model of a modality, or of all modalities with equal weights; else nothing.

    Raises:
        InputError: if a file is not the one that dvc.lock names.
    """
    path, stage = weights_document_path(dataset, candidate.model), f"read_weights@{dataset}-{candidate.model}"
    if candidate.fusion != EARLY or stage not in lock or not path.is_file():
        return LoggedReading()
    refuse_changed(lock[stage], stage, ("data/evaluation/",))
    read = read_document(path, LinearWeights)
    part = next((part for part in read.combinations if part.modalities == candidate.modalities), None)
    if part is None:
        return LoggedReading()
    texts = {"linear/weights.csv": weights_csv(dataset, candidate)}
    if part.margins:
        texts |= {"linear/margins.csv": margins_csv(part), "linear/support_vectors.csv": support_vectors_csv(dataset, candidate)}
    return LoggedReading(margin_points(part), texts)


def margin_points(part: ReadCombination) -> list[Point]:
    """Return `margin/width_min`, `margin/n_support_vectors` and, of few margins, `margin/width/<plus> <minus>`; nothing without margins."""
    if part.narrowest is None or part.narrowest.width is None:
        return []
    points: list[Point] = [("margin/width_min", part.narrowest.width, 0), ("margin/n_support_vectors", float(part.n_support_vectors), 0)]
    points += [(f"margin/{name}", float(sum(getattr(margin, name) for margin in part.margins)), 0) for name in FACTS[3:]]
    if len(part.margins) <= MOST_NAMED:
        names = metric_names([f"{margin.positive} {margin.negative or ''}".strip() for margin in part.margins])
        points += [(f"margin/width/{name}", margin.width, 0) for name, margin in zip(names, part.margins, strict=True)
                   if margin.width is not None]  # fmt: skip
    return points


def margins_csv(part: ReadCombination) -> str:
    """Return a line per binary SVM."""
    rows = [[margin.positive, margin.negative or "", *(getattr(margin, name) for name in FACTS)] for margin in part.margins]
    return csv_text(["plus_side", "minus_side", *FACTS], rows)


def weights_csv(dataset: str, candidate: Candidate) -> str:
    """Return a line per feature, with a column per output."""
    table, about = read_described(weights_table_path(dataset, candidate.model), WeightsMetadata)
    mine = rows_of(table, candidate)
    columns = {name: mine[name] for name in ("modality", "feature", "name", "deviation")}
    columns |= {f"weight {name}": pc.list_element(mine["weights"], place) for place, name in enumerate(about.outputs)}
    return csv_text(list(columns), zip(*(column.to_pylist() for column in columns.values()), strict=True))


def support_vectors_csv(dataset: str, candidate: Candidate) -> str:
    """Return a line per binary SVM and support vector."""
    mine = rows_of(read_described(support_vectors_path(dataset, candidate.model), SupportVectorsMetadata)[0], candidate)
    return csv_text(mine.column_names, (row.values() for row in mine.to_pylist()))


def rows_of(table: pa.Table, candidate: Candidate) -> pa.Table:
    """Return the rows of one candidate, without the column of its modalities."""
    return table.filter(pc.equal(table["modalities"], candidate.combination)).drop_columns(["modalities"])
