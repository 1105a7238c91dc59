"""What train writes: gradient and extreme curvature of the loss where the training of each outer fold's network ended."""

from collections.abc import Iterable

import pyarrow as pa

from stages.contracts.critical_point import VERDICTS
from stages.contracts.table_schema import Column, TableSchema
from stages.contracts.tables.predictions_table import KEYS, TrainingMetadata, row_mistakes


def contradictions(table: pa.Table, about: TrainingMetadata) -> Iterable[str]:
    """Return which verdicts are none, a line, and that there are rows although nothing is applicable."""
    yield from row_mistakes(table, about.not_applicable)
    for verdict in sorted(set(table["verdict"].to_pylist()) - set(VERDICTS)):
        yield f"column 'verdict': expected one of {', '.join(VERDICTS)}, found {verdict!r}"


TABLE = TableSchema(
    name="critical_points",
    path="data/predictions/{dataset}/[controls/]{model}/critical_points.arrow",
    meaning="a row per modality combination and outer fold of a model that is a network; no row of others",
    columns=(
        *KEYS,
        Column("n_weights", ("int64",), "of the network", least=1),
        Column("n_rows", ("int64",), "training rows whose mean loss is differentiated twice", least=1),
        Column("loss", ("float64",), "mean over these rows, without weight decay"),
        Column("gradient_norm", ("float64",), "of the mean loss over all training rows"),
        Column("gradient_limit", ("float64",), "the most that it is at a critical point"),
        Column("hessian_min", ("float64",), "least eigenvalue of the Hessian"),
        Column("hessian_min_error", ("float64",), "how far off it may be"),
        Column("hessian_max", ("float64",), "greatest eigenvalue"),
        Column("hessian_max_error", ("float64",), "how far off it may be"),
        Column("n_negative", ("int64",), "at least so many eigenvalues are clearly below 0", least=0),
        Column("loss_change", ("float64",), "of steps along the most negative direction, the lowest loss minus that of the point"),
        Column("verdict", ("string",), "minimum, saddle, or undetermined"),
    ),
    metadata=TrainingMetadata,
    consistent=contradictions,
)
