"""Check the whole params.yaml before anything runs; record fingerprints of own data, and each data set's folds and levels of leaks.

What params.yaml says under the keys that stages depend on is written to files as well (stages/contracts/paths.py: settings_path).
The record of a data set is a constant, or the fingerprint of its files: an edit of params.yaml reruns this stage and then only the stages
that the edit or a changed file affects. The numbers of folds and the levels of leaks are files of their own: params.yaml may leave them out
for a data set, and DVC tracks no key that may be missing.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import json
import sys
from collections.abc import Mapping
from typing import Any

from stages.checking.check_features import pool_mistakes
from stages.checking.check_fusions import declared_fusions
from stages.checking.check_params import checked_params
from stages.checking.condition_files import write_condition_settings
from stages.checking.settings_help import usage
from stages.checking.stale_outputs import remove_stale_outputs
from stages.checking.train_files import write_train_settings
from stages.contracts.paths import check_path, fold_numbers_path, leak_levels_path, settings_path
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import write_json, write_text
from stages.ingestion.data_set_entry import DataSetEntry
from stages.own_data.outside import refuse_linked_data
from stages.params import STUDIES, section
from stages.representations.representation_settings import RepresentationEntry
from stages.splitting.split_settings import SplitEntry
from stages.validation.leak_settings import LeakageEntry


def main() -> None:
    """Check params.yaml; print every mistake and exit 1, or write the fingerprint of each data set.

    Own data that cannot be read stop this stage only if no data set is left: ingest reports why for its own data set.
    """
    params = checked_params()
    refuse_linked_data()
    settings = settings_by_key(params)
    for path in [path for written in (check_path, fold_numbers_path, leak_levels_path) for path in written("").parent.glob("*.json")]:
        if path.stem not in params["datasets"]:
            path.unlink()
    for path in settings_path("").parent.glob("*.json"):
        if path.name.removesuffix(".json") not in settings:
            path.unlink()
    if removed := remove_stale_outputs(params):
        others = f" and {len(removed) - 1} more" if len(removed) > 1 else ""
        print(f"removed {removed[0]}{others}: params.yaml no longer has their stages (DVC's cache keeps them)", flush=True)
    numbers: SplitEntry = section(params, "split", SplitEntry)
    leakage: LeakageEntry = section(params, "leakage", LeakageEntry)
    found: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for dataset in params["datasets"]:
        entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
        try:
            found[dataset] = None if entry.source is None else fingerprint(dataset, entry, numbers.of(dataset).n_splits, params)
        except InputError as error:
            failed[dataset] = str(error)
    if len(failed) == len(params["datasets"]):
        raise InputError("\n".join(failed.values()))
    for key, value in settings.items():
        # as they stand: keys may be of several types, values dates or infinite
        write_text(settings_path(key), json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")
    write_train_settings(params)
    write_condition_settings(params)
    for dataset in params["datasets"]:
        write_json(fold_numbers_path(dataset), numbers.of(dataset).model_dump(exclude={"datasets"}))
        write_json(leak_levels_path(dataset), leakage.of(dataset, known_leaks(dataset, params)).model_dump(mode="json"))
    for dataset, files in found.items():
        write_json(check_path(dataset), {"dataset": dataset, "files": files})
    for dataset, why in failed.items():
        print(f"error: {dataset}: {why}\n  its stages will stop; those of the other data sets run", file=sys.stderr, flush=True)
        write_json(check_path(dataset), {"dataset": dataset, "files": None, "failed": why})


def settings_by_key(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what params.yaml says under each key with entries of a person's own naming, on which a stage depends."""
    found: dict[str, Any] = {"controls": params["controls"]}
    for dataset, entry in params["datasets"].items():
        found |= {f"datasets.{dataset}": entry, f"datasets.{dataset}.modalities": entry["modalities"]}
        # in their order, which decides between equally good ones; of one modality nothing is fused
        found[f"fusions.{dataset}"] = declared_fusions(params) if len(entry["modalities"]) > 1 else {}
    named = ("features", "models", "lessons", *(study for study in STUDIES if study != "representations"))
    for name, entry in (params.get("representations") or {}).items():
        learners = section(params, f"representations.{name}", RepresentationEntry).learners
        found[f"representations.{name}"] = {"entry": entry, "learners": {learner: params["models"][learner] for learner in learners}}
    return found | {f"{name}.{key}": entry for name in named for key, entry in (params.get(name) or {}).items()}


def known_leaks(dataset: str, params: Mapping[str, Any]) -> Mapping[str, str]:
    """Return why findings of leaks are none in a data set of stages/datasets/, by <code>/<subject>; of own data none are known."""
    entry: DataSetEntry = section(params, f"datasets.{dataset}", DataSetEntry)
    known: Mapping[str, str] = component("datasets", dataset).known_leaks if entry.source is None else {}
    return known


def fingerprint(dataset: str, entry: DataSetEntry, n_splits: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprint of an own data set; print hints on its entry, and on its number of outer folds.

    Raises:
        InputError: with a line for each of its columns that cannot be read, or if several files per sample are not pooled.
    """
    from stages.own_data.advice import advice, advice_on_folds
    from stages.own_data.advice_on_missing import advice_on_missing
    from stages.own_data.fingerprints import fingerprint_of
    from stages.own_data.own_samples import unreadable_columns
    from stages.own_data.roles import find_modalities, open_source

    rows = open_source(dataset, entry)
    if unpooled := pool_mistakes(params, dataset, {modality.name: modality.several for modality in find_modalities(dataset, entry, rows)}):
        raise InputError("\n  ".join(unpooled))
    made_of = fingerprint_of(dataset, entry, rows)
    missing = advice_on_missing(dataset, entry, rows)
    for line in [*advice(dataset, entry, rows), *missing, *advice_on_folds(dataset, entry, rows, n_splits)]:
        print(line, flush=True)
    if mistakes := unreadable_columns(dataset, entry, rows):
        raise InputError("\n  ".join([f"{len(mistakes)} column(s) of {dataset!r} cannot be read", *mistakes]))
    return made_of


if __name__ == "__main__":
    if "--help" in sys.argv:
        print(usage())
    else:
        run_stage(main)
