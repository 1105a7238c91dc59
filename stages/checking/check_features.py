"""Check the entries under `features:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.check_data_sets import declared_modalities
from stages.checking.known_components import known, refuse_unknown
from stages.contracts.modality import Modality
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.params import parse
from stages.samples.pooling import pool_mistake

FEATURE_KEYS = ("dataset", "modality")


def check_feature(params: Mapping[str, Any], key: str) -> None:
    """Raise InputError unless features.<key> is `<data set>-<modality name>` with valid settings."""
    entry = params["features"][key]
    if not isinstance(entry, Mapping) or any(part not in entry for part in FEATURE_KEYS):
        raise InputError(f"{PARAMS}: features.{key}: expected a mapping with 'dataset' and 'modality', found {entry!r}")
    dataset = str(entry["dataset"])
    refuse_unknown(dataset, params["datasets"], f"features.{key}.dataset", "entry under datasets")
    declared = declared_modalities(params, dataset)
    name = str(key).removeprefix(f"{dataset}-")
    if f"{dataset}-{name}" != key:
        raise InputError(f"{PARAMS}: features.{key}: expected the key '<data set>-<modality name>', here '{dataset}-…'")
    refuse_unknown(name, declared, f"features.{key}", "modality")
    modality: Modality[Any] = known("modalities", str(entry["modality"]), f"features.{key}.modality")
    if modality.name != declared[name]:
        raise InputError(f"{PARAMS}: features.{key}.modality: {modality.name!r} cannot read {dataset}'s {name!r}, "
                         f"which is of modality {declared[name]!r}; make the two equal")
    settings = feature_settings(params, key)
    if params["datasets"][dataset].get("source") is None:  # of own data the files have to be read first: pool_mistakes
        _refuse(pool_mistake(settings, f"{PARAMS}: features.{key}", several=False))


def _refuse(mistake: str | None) -> None:
    if mistake:
        raise InputError(mistake)


def pool_mistakes(params: Mapping[str, Any], dataset: str, several: Mapping[str, bool]) -> list[str]:
    """Return a line for each modality of several files per sample (`several`: modality name → whether) without `pool`, and the reverse."""
    keys = {f"{dataset}-{name}": is_several for name, is_several in several.items()}
    found = (pool_mistake(feature_settings(params, key), f"{PARAMS}: features.{key}", several=value) for key, value in keys.items())
    return [mistake for mistake in found if mistake]


def feature_settings(params: Mapping[str, Any], key: str) -> Settings:
    """Return the settings of features.<key> as its modality's settings model."""
    return parse(section_values(params, key), f"features.{key}", component("modalities", params["features"][key]["modality"]).settings)


def section_values(params: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return features.<key> without the two keys that name data set and modality."""
    return {name: value for name, value in params["features"][key].items() if name not in FEATURE_KEYS}
