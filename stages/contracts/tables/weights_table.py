"""What read_weights writes: the weight of each feature in the linear functions of a model."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from stages.contracts.table_schema import Column, Metadata, TableSchema, width_mistakes
from stages.contracts.task import TargetForm


class WeightsMetadata(Metadata):
    """outputs: that the functions are of, in the order of `weights`; of two classes the second.

    intercepts: by combination, of each function, 0 of an output that the combination has none of, as its weights are. left_out: by
    combination and modality (image+text/text), the number of terms whose weights are not kept. not_applicable: why there is no row; else
    null.
    """

    dataset: str
    model: str
    form: TargetForm
    outputs: tuple[str, ...]
    intercepts: Mapping[str, tuple[float, ...]]
    left_out: Mapping[str, int]
    not_applicable: str | None

    def contradictions(self) -> Iterable[str]:
        if bool(self.intercepts) == (self.not_applicable is not None):
            yield f"intercepts: expected {'some' if self.not_applicable is None else 'none, as not_applicable says why'}"
        for combination, values in self.intercepts.items():
            if len(values) != len(self.outputs):
                yield f"intercepts.{combination}: are {len(values)}; expected one per output, {len(self.outputs)}"


def contradictions(table: pa.Table, about: WeightsMetadata) -> Iterable[str]:
    """Return that the weights are not of the outputs, a line, if so."""
    if about.not_applicable is None:
        yield from width_mistakes(table, "weights", len(about.outputs), "there are in metadata outputs")
    elif table.num_rows:
        yield f"{table.num_rows} rows; expected none, as metadata not_applicable says why"


TABLE = TableSchema(
    name="weights",
    path="data/evaluation/{dataset}/weights/{model}/weights.arrow",
    meaning="a row per modality combination, modality and feature; of terms those with the largest weights of some output",
    columns=(
        Column("modalities", ("string",), "the combination: image+text"),
        Column("modality", ("string",), "the modality that the feature is of"),
        Column("feature", ("int64",), "its place in the features file; of sparse features the index; of a table that of the encoded column",
               least=-1),
        Column("name", ("string",), "the column, the place on each axis, or the term; empty if the index of a term is of none found"),
        Column("deviation", ("float64",), "standard deviation over the training rows, in the feature's own unit", least=0),
        Column("weights", ("float64[]",), "of the function of each output, per unit of the feature"),
    ),
    metadata=WeightsMetadata,
    consistent=contradictions,
)
