"""Check the entries under `datasets:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import known, refuse_unknown
from stages.contracts.data_set import DataSet
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import names
from stages.ingestion.data_set_entry import DataSetEntry, TargetEntry
from stages.params import parse, section


def check_dataset(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless datasets.<name> names a known target and modalities, each with its features."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if entry.source is None:
        check_packaged(name, entry)
    else:
        check_own(name, entry)
    declared = declared_modalities(params, name)
    for modality in entry.modalities:
        if f"{name}-{modality}" not in params["features"]:
            raise InputError(f"{PARAMS}: features: '{name}-{modality}' is missing; datasets.{name}.modalities names {modality!r}, so add "
                             f"`{name}-{modality}: {{dataset: {name}, modality: {declared[modality]}}}`")
    if len(set(entry.modalities)) != len(entry.modalities):
        raise InputError(f"{PARAMS}: datasets.{name}.modalities: a name occurs twice in {list(entry.modalities)}; keep one")


def check_packaged(name: str, entry: DataSetEntry) -> None:
    """Raise InputError unless the entry fits a file under stages/datasets/."""
    data_set = known_data_set(name)
    parse(entry.options, f"datasets.{name}.options", data_set.options)
    for key in ("group", "id", "split", "folds", "time", "persistence", "title", "licence", "citation"):
        if getattr(entry, key) is not None:
            raise InputError(f"{PARAMS}: datasets.{name}.{key}: only for own data (`source:`); this data set's file declares it")
    if entry.missing_groups != "fail":
        raise InputError(f"{PARAMS}: datasets.{name}.missing_groups: only for own data (`source:`); here every sample has a group")
    if entry.missing_modalities != "keep":
        raise InputError(f"{PARAMS}: datasets.{name}.missing_modalities: only for own data (`source:`); this data set's file decides it")
    if not isinstance(entry.target, str) or not isinstance(entry.modalities, tuple):
        raise InputError(f"{PARAMS}: datasets.{name}: expected `target`: a name ({', '.join(data_set.targets)}) and `modalities`: a list "
                         f"({', '.join(data_set.modalities)}); columns are for own data (`source:`)")
    refuse_unknown(entry.target, data_set.targets, f"datasets.{name}.target", "target")
    for modality in entry.modalities:
        refuse_unknown(modality, data_set.modalities, f"datasets.{name}.modalities", "modality")
    if entry.rows != "all" and entry.rows > data_set.n_samples:
        raise InputError(f"{PARAMS}: datasets.{name}.rows: {entry.rows} is impossible; allowed: all, or 1 to {data_set.n_samples}")


def check_own(name: str, entry: DataSetEntry) -> None:
    """Raise InputError unless an entry of own data is complete."""
    if name in names("datasets"):
        raise InputError(f"{PARAMS}: datasets.{name}: stages/datasets/{name}.py has this name; choose another for own data (`source:`)")
    if not isinstance(entry.target, TargetEntry) or not isinstance(entry.modalities, dict):
        raise InputError(incomplete_entry(name))
    from stages.own_data.roles import check_entry  # here: only own data needs it

    for modality, declared in entry.modalities.items():
        known("modalities", declared.modality, f"datasets.{name}.modalities.{modality}.modality")
    check_entry(name, entry)


def known_data_set(name: str) -> DataSet[Any]:
    """Return a data set of stages/datasets/; the error for an unknown name mentions own data too."""
    try:
        data_set: DataSet[Any] = known("datasets", name, f"datasets.{name}")
    except InputError as error:
        raise InputError(f"{error}; own data needs `source:`") from error
    return data_set


def incomplete_entry(name: str) -> str:
    """Return the error for an entry of own data without target or modalities."""
    return (f"{PARAMS}: datasets.{name}: own data needs `target: {{column: …, task: …}}` and `modalities: {{name: {{modality: …, "
            "column: …}}`; `python -m pipelines.new` writes these lines")


def declared_modalities(params: Mapping[str, Any], name: str) -> Mapping[str, str]:
    """Return modality name → modality of a data set, from its file or its entry."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if isinstance(entry.modalities, dict):
        return {modality: declared.modality for modality, declared in entry.modalities.items()}
    if entry.source is not None:
        raise InputError(incomplete_entry(name))
    data_set: DataSet[Any] = known_data_set(name)
    return data_set.modalities
