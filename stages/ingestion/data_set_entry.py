"""The settings of an entry under `datasets:`."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from stages.contracts.settings import Settings
from stages.foundation.registry import names


def _known_task(name: str) -> str:
    """Return the name if it is a task; otherwise raise pydantic's error for a value that is not in a list."""
    if name not in (known := names("tasks")):
        raise PydanticCustomError("literal_error", "no such task", {"expected": ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"})
    return name


def _class_name(value: Any) -> Any:
    """Return a class that YAML reads as a number or truth value as text; None leaves samples out."""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


class TargetEntry(Settings):
    """The target of the user's own samples."""

    column: str | None = Field(None, description="column (or field of the file pattern) that holds it")
    columns: tuple[str, ...] = Field((), description="regression: one column per target; multilabel: columns of 0 and 1, one per label")
    task: Annotated[str, AfterValidator(_known_task)] = Field(description="a file under stages/tasks/")
    separator: str = Field(";", min_length=1, description="multilabel in one column: separator of labels")
    empty: Literal["missing", "none"] = Field("missing", description="multilabel in one column: empty cells have no target, or no label")
    classes: dict[str, Annotated[str | None, BeforeValidator(_class_name)]] | None = Field(
        None, description="value of the column: its class; several values may share one, null leaves a value's samples out"
    )


class ModalityEntry(Settings):
    """The place of a modality in the user's own files."""

    modality: str = Field(description="a file under stages/modalities/")
    column: str | None = Field(None, description="column with the value itself, or with its file's path, relative to the source's folder")
    columns: tuple[str, ...] | Annotated[str, Field(min_length=1)] = Field(
        (), description="table: its columns (default: all that have no other role); vector: its numbers; others: one per file of a sample; "
                        "or a pattern, such as 'emb_*'"
    )
    separator: str | None = Field(
        None, min_length=1, description="mark between the names of several files in a cell of `column`, such as ';'; a cell may also be a "
                                        "JSON list"
    )
    without: tuple[str, ...] = Field((), description="table: columns that it leaves out of all that have no other role")
    files: str | None = Field(None, description="pattern of the sample's file, such as 'sounds/{id}.wav', relative to the source's "
                              "folder; with *, as in 'photos/{id}_*.jpg', of several")
    edges: str | None = Field(None, min_length=1, description="graph: a list of the edges of one graph, whose nodes are the samples, by "
                              "their names; `columns` are then numbers of each node")
    hops: int | None = Field(None, ge=1, le=3, description="with `edges`: steps that the graph around a node reaches (default 1)")
    matrix: str | None = Field(None, min_length=1, description="vector: a file of all samples' vectors (.npy, .npz, .parquet), a row per "
                               "sample in the source's order, or matched by the names in its `ids`")


class DataSetEntry(Settings):
    """One entry under `datasets:`: a file under stages/datasets/ or, with `source`, the user's own files.

    `options` are the data set's own settings, validated by its file.
    """

    rows: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="'all', or the size of a seeded, stratified, group-aware sample"
    )
    target: str | TargetEntry = Field(description="what is predicted: one of the data set's targets; own files: {column, task}")
    modalities: tuple[str, ...] | dict[str, ModalityEntry] = Field(
        min_length=1, description="names of the modalities to train on; own files: name: {modality, column or files}"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the data set's own file")
    source: dict[str, Any] | None = Field(None, description="own files: {table: path}, {folder: path, label: …}, {blocks: path}, "
                                          "{webdataset: shards} or {sqlite: path, query: select …}")
    group: str | tuple[str, ...] | None = Field(None, description="own files: columns of groups, never split (speaker, patient, …)")
    id: str | None = Field(None, description="own files: column with unique sample names (default: file name or row number)")
    split: str | None = Field(None, description="own files: column with an official split, train or test")
    folds: str | None = Field(
        None, description="own files: column that names the outer test fold of each sample (numbers of folds: split.datasets.<name>)"
    )
    missing_groups: Literal["fail", "own"] = Field(
        "fail", description="own files, for samples whose group is missing: fail, or own (each is a group of its own)"
    )
    missing_modalities: Literal["keep", "quarantine", "fail"] = Field(
        "keep", description="own files, for samples that lack one of the modalities (an empty cell, no file of that name): keep them, skip "
                            "them (quarantine), or fail"
    )
    on_bad_sample: Literal["fail", "quarantine"] = Field("fail", description="for unreadable samples: fail, or skip them (quarantine)")
    max_bad_share: float = Field(0.05, ge=0, lt=1, description="quarantine: largest share of samples that may be skipped")
    rare_classes: Literal["fail", "drop", "merge"] = Field(
        "fail", description="for classes or labels of fewer than rare_below samples: fail, drop (leave them out) or merge (into 'other')"
    )
    rare_below: int = Field(2, ge=2, description="number of samples below which rare_classes counts a class or label as rare")
    unknown_targets: Literal["refuse", "mask"] = Field("refuse", description="regression: whether targets of a row may be unknown (mask)")
    time: str | None = Field(None, description="own files: column of a number, date or time by which folds are ordered: each trains on the "
                             "past alone")
    persistence: str | dict[str, str] | None = Field(
        None, description="own files: the column that says what the target is if nothing changes (of several targets: target: column), for "
        "the control persistence"
    )
    title: str | None = Field(None, description="own files: the data set's title in the report")
    licence: str | None = Field(None, description="own files: the data set's licence")
    citation: str | None = Field(None, description="own files: the work to cite")

    @classmethod
    def completed(cls, values: Any) -> Any:
        """Return the entry; a source that is a folder of folders without a declared target predicts the folder."""
        source = values.get("source") if isinstance(values, Mapping) else None
        label = source.get("label", "folder") if isinstance(source, Mapping) and "folder" in source else None
        return {"target": {"column": label, "task": "multiclass"}, **values} if label in ("folder", "top_folder") else values
