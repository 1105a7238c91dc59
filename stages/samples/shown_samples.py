"""What a page shows of samples: of each modality what the modality makes of it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.gallery_document import NoExhibit, ShownModality
from stages.contracts.modality import Modality
from stages.foundation.registry import component
from stages.samples.pooling import FILES_KEY, SEVERAL


def exhibits(samples: pa.Table, ids: Sequence[str], modalities: Sequence[str]) -> list[tuple[ShownModality, ...]]:
    """Return what is shown of each sample, modality by modality."""
    rows = pc.index_in(pa.array(ids, pa.string()), value_set=samples["sample_id"].combine_chunks()).to_pylist()
    return [tuple(exhibit(samples, row, name) for name in modalities if name in samples.column_names) for row in rows]


def exhibit(samples: pa.Table, row: int, name: str) -> ShownModality:
    """Return what is shown of one modality of one sample; why nothing is, where it cannot be read."""
    field = samples.schema.field(name)
    about = field.metadata or {}
    modality: Modality[Any] = component("modalities", about[b"modality"].decode())
    value, n_files = samples[name][row].as_py(), 1
    if about.get(FILES_KEY) == SEVERAL and value is not None:
        n_files, value = len(value), value[0] if value else None
    if value is None or modality.show is None:
        return ShownModality(modality=name, n_files=n_files, exhibit=NoExhibit(why="missing" if value is None else "not shown"))
    try:
        return ShownModality(modality=name, n_files=n_files, exhibit=modality.show(value))
    except ValueError as error:
        return ShownModality(modality=name, n_files=n_files, exhibit=NoExhibit(why=str(error)))
