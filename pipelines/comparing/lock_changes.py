"""What differs between two versions, read from their dvc.lock, params.yaml and locked packages: no guess, one `Change` per key or path."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.comparing.versions import PipelineVersion
from stages.contracts.candidate import Candidate
from stages.contracts.documents.version_comparison_document import Area, Change
from stages.contracts.paths import fold_numbers_path, settings_path, train_settings_path

CODE = ("stages/", "pipelines/")
FINGERPRINT = re.compile(r"data/check/[^/]+\.json")  # of own data; what check derives from params.yaml is told by key
SHOWN_HASH = 8
ABSENT = object()


def dataset_stages(version: PipelineVersion, dataset: str) -> list[str]:
    """Return the stages that make a data set's scores, in the order of the graph; validate reads and changes nothing."""
    features = [stage for stage, entry in version.lock.items() if _makes(entry, f"data/features/{dataset}/")]
    return [f"ingest@{dataset}", *sorted(features), f"split@{dataset}", *sorted(version.training().get(dataset, {}).values()),
            f"evaluate@{dataset}"]  # fmt: skip


def dataset_changes(before: PipelineVersion, after: PipelineVersion, dataset: str) -> list[Change]:
    """Return what differs in the stages of one data set, each key or path once, with the stages in which it does."""
    stages = list(dict.fromkeys([*dataset_stages(after, dataset), *dataset_stages(before, dataset)]))
    found: dict[tuple[Area, str], Change] = {}
    for stage in stages:
        old, new = before.entry(stage), after.entry(stage)
        if not old or not new:
            continue  # a stage of one version alone: its candidates are new or removed
        for change in [*_param_changes(old, new), *_path_changes(old, new), *_derived_changes(before, after, stage, dataset)]:
            key = (change.area, change.name)
            stages_so_far = found[key].stages if key in found else ()
            found[key] = change.model_copy(update={"stages": (*stages_so_far, stage)})
    return sorted(found.values(), key=lambda change: (AREAS.index(change.area), change.name))


AREAS: tuple[Area, ...] = ("data", "splits", "params", "code", "environment")


def upstream(version: PipelineVersion, dataset: str, candidate: Candidate) -> set[str]:
    """Return the stages on which a candidate's predictions depend; of the features those of its modalities."""
    training = version.training().get(dataset, {}).get(candidate.model, "")
    features = {f"featurize@{dataset}-{modality}" for modality in candidate.modalities}
    return {f"ingest@{dataset}", f"split@{dataset}", training, *features}


def labels_of(changes: Iterable[Change], stages: set[str]) -> tuple[str, ...]:
    """Return the labels of the changes of some stages."""
    return tuple(change.label for change in changes if stages & set(change.stages))


def package_changes(before: PipelineVersion, after: PipelineVersion) -> tuple[Change, ...]:
    """Return the packages whose locked version differs."""
    return tuple(
        Change(area="environment", name=name, before=before.packages.get(name), after=after.packages.get(name))
        for name in sorted(before.packages.keys() | after.packages.keys()) if before.packages.get(name) != after.packages.get(name)
    )  # fmt: skip


def _param_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the parameters of a stage whose value differs, key by key."""
    values = [flat(entry.get("params", {}).get("params.yaml", {})) for entry in (old, new)]
    yield from _value_changes(*values)


def _value_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys([*new, *old]):
        a, b = old.get(key, ABSENT), new.get(key, ABSENT)
        if a != b or type(a) is not type(b):
            yield Change(area="params", name=key, before=_text(a), after=_text(b))


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested parameters by dotted keys; lists are values."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
    return found


def _text(value: Any) -> str | None:
    return None if value is ABSENT else json.dumps(value, ensure_ascii=False, default=str)


def _path_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the code and the inputs from outside that a stage reads, and the samples, features and splits that it writes."""
    for kind in ("deps", "outs"):
        hashes = [{item["path"]: str(item.get("md5", "")) for item in entry.get(kind, ())} for entry in (old, new)]
        for path in sorted(hashes[0].keys() | hashes[1].keys()):
            a, b = (side.get(path) for side in hashes)
            if a != b and (area := _area(kind, path)):
                yield Change(area=area, name=path, before=_short(a), after=_short(b))


def _area(kind: str, path: str) -> Area | None:
    """Return what a path stands for; None if another stage's change tells of it, or it is a result."""
    if kind == "deps":
        return "code" if path.startswith(CODE) else "data" if FINGERPRINT.fullmatch(path) else None
    if path.startswith("data/splits/"):
        return "splits"
    return "data" if path.startswith(("data/samples/", "data/features/", "data/quarantine/")) else None


def _derived_changes(before: PipelineVersion, after: PipelineVersion, stage: str, dataset: str) -> Iterator[Change]:
    """Yield the keys of `split:`, `train:` and `fusions:` that differ, where the file differs that check derives from them for a stage."""
    hashes = [{item["path"]: item.get("md5") for item in version.entry(stage).get("deps", ())} for version in (before, after)]
    of_stage = {"split": fold_numbers_path(dataset), "train": train_settings_path(dataset, stage.replace(f"@{dataset}-", ".")),
                "fusions": settings_path(f"fusions.{dataset}")}  # fmt: skip
    for section, path in of_stage.items():
        if hashes[0].get(path.as_posix()) != hashes[1].get(path.as_posix()):
            yield from _value_changes(*[flat({section: version.params.get(section) or {}}) for version in (before, after)])


def _short(md5: str | None) -> str | None:
    return None if md5 is None else md5.removesuffix(".dir")[:SHOWN_HASH]


def _makes(entry: Mapping[str, Any], folder: str) -> bool:
    return any(out["path"].startswith(folder) for out in entry.get("outs", ()))
