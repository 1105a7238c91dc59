"""What an entry under `datasets:` may declare."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from stages.contracts.settings import Settings
from stages.foundation.registry import names


def _known_task(name: str) -> str:
    """Return the name of a task; the error of another is that of a value outside a list."""
    if name not in (known := names("tasks")):
        raise PydanticCustomError("literal_error", "no such task", {"expected": ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"})
    return name


class TargetEntry(Settings):
    """What is predicted of a person's own samples."""

    column: str | None = Field(None, description="column (or field of the file pattern) that holds it")
    columns: tuple[str, ...] = Field((), description="regression: several numbers; multilabel: columns of 0 and 1, one per label")
    task: Annotated[str, AfterValidator(_known_task)] = Field(description="a file under stages/tasks/")
    separator: str = Field(";", min_length=1, description="multilabel in one column: what stands between labels")
    empty: Literal["missing", "none"] = Field("missing", description="multilabel in one column: an empty cell: no target, or no label")


class ModalityEntry(Settings):
    """Where a modality of a person's own samples is."""

    modality: str = Field(description="a file under stages/modalities/")
    column: str | None = Field(None, description="column with the value itself, or its file's path, relative to the source's folder")
    columns: tuple[str, ...] = Field((), description="table: its columns (default: all that have no other role)")
    files: str | None = Field(None, description="pattern of the sample's file, such as 'sounds/{id}.wav', relative to the source's folder")


class DataSetEntry(Settings):
    """One entry under `datasets:`, of a file under stages/datasets/ or, with `source`, of a person's own files.

    `options` are the data set's own settings, checked by its file.
    """

    rows: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="'all', or the size of a seeded, stratified, group-aware sample"
    )
    target: str | TargetEntry = Field(description="what is predicted: one of the data set's targets; of own files {column, task}")
    modalities: tuple[str, ...] | dict[str, ModalityEntry] = Field(
        min_length=1, description="labels of the modalities to train on; of own files label: {modality, column or files}"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the data set's own file")
    source: dict[str, Any] | None = Field(None, description="own files: {table: path}, {folder: path, label: …} or {blocks: path}")
    group: str | tuple[str, ...] | None = Field(None, description="own files: columns whose rows must not part (speaker, patient, …)")
    id: str | None = Field(None, description="own files: column with a unique name of each sample (default: the file's, or the row number)")
    split: str | None = Field(None, description="own files: column that says train or test, an official split")
    on_bad_sample: Literal["fail", "quarantine"] = Field("fail", description="of unreadable samples: fail, or leave them out (quarantine)")
    max_bad_share: float = Field(0.05, ge=0, lt=1, description="quarantine: share of samples that may be left out, at most")
    unknown_targets: Literal["refuse", "mask"] = Field("refuse", description="regression: whether numbers of a row may be unknown (mask)")
    title: str | None = Field(None, description="own files: what the data set is called in the report")
    licence: str | None = Field(None, description="own files: what may be done with it")
    citation: str | None = Field(None, description="own files: whom to cite")

    @classmethod
    def completed(cls, values: Any) -> Any:
        """Return an entry; where its source is a folder of folders and nothing else is declared, those are the classes to predict."""
        source = values.get("source") if isinstance(values, Mapping) else None
        by_folder = isinstance(source, Mapping) and "folder" in source and source.get("label", "folder") == "folder"
        return {"target": {"column": "folder", "task": "multiclass"}, **values} if by_folder else values
