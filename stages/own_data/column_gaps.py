"""Which rows of a table lack the modality that a column holds, or names the files of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.own_data.absent import AbsentError
from stages.own_data.guess_missing import Gaps, no_gaps
from stages.own_data.guesses import MODALITY_OF
from stages.own_data.source_rows import CHUNK_ROWS, SourceRows


def gaps_of(name: str, rows: SourceRows, texts: Sequence[str | None] | None, modality: str) -> tuple[Gaps, str]:
    """Return which rows lack the modality that a column holds or names a file of, and a note if no file is there."""
    if texts is None:
        return replace(no_gaps(len(rows.ids)), absent=_null_cells(name, rows)), ""
    empty = replace(no_gaps(len(texts)), absent=np.array([not text for text in texts], dtype=bool))
    if modality == "text" and not all(Path(text).suffix.lower() in MODALITY_OF for text in texts if text):
        return empty, ""
    found = [_state_of_file(rows, text) for text in texts]
    gaps = Gaps(*(np.array([state == wanted for state in found], dtype=bool) for wanted in ("absent", "broken")))
    if gaps.absent.all():
        first = next((text for text in texts if text), "")
        return empty, f"{name}: no file that it names is in the table's folder, such as {first}; put them there before the run"
    return gaps, ""


def _null_cells(name: str, rows: SourceRows) -> np.ndarray:
    """Return whether each cell of a column of bytes or lists is null or an empty list, bool (n,); read in chunks."""
    found: list[bool] = []
    for start in range(0, len(rows.ids), CHUNK_ROWS):
        cells = rows.read([name], np.arange(start, min(start + CHUNK_ROWS, len(rows.ids))))[name].combine_chunks()
        if pa.types.is_struct(cells.type) and "bytes" in cells.type.names:
            found += [not value or (value["bytes"] is None and not value.get("path")) for value in cells.to_pylist()]
        elif pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type):
            found += pc.equal(pc.fill_null(pc.list_value_length(cells), 0), 0).to_pylist()
        else:
            found += cells.is_null().to_pylist()
    return np.array(found, dtype=bool)


def _state_of_file(rows: SourceRows, name: str | None) -> str:
    """Return whether a file is absent, broken (it cannot be read, or has no bytes) or there."""
    try:
        return "there" if name and rows.sample_files.n_bytes(name) > 0 else "broken" if name else "absent"
    except AbsentError:
        return "absent"
    except ValueError:
        return "broken"
