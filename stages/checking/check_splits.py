"""Check the numbers of folds of single data sets, `split.datasets`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import refuse_unknown
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.foundation.registry import component
from stages.ingestion.data_set_entry import DataSetEntry
from stages.params import section
from stages.splitting.split_settings import SplitEntry


def check_splits(params: Mapping[str, Any]) -> None:
    """Raise InputError unless split.datasets names entries of `datasets:`, and numbers only the folds that are drawn."""
    declared = section(params, "split", SplitEntry).datasets
    found = []
    for name, numbers in declared.items():
        refuse_unknown(name, params["datasets"], "split.datasets", "entry under datasets")
        given = [key for key in ("n_splits", "n_repeats") if getattr(numbers, key) is not None]
        if given and (why := given_folds(params, name)):
            found.append(f"{PARAMS}: split.datasets.{name}: remove {' and '.join(given)}: {why}, once each; its inner folds alone are "
                         "drawn (n_inner_splits)")
        entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
        if numbers.n_repeats is not None and entry.time is not None:
            found.append(f"{PARAMS}: split.datasets.{name}: remove n_repeats: folds in the order of column {entry.time!r} "
                         f"(datasets.{name}.time) are not drawn, so there is nothing to repeat")
    if found:
        raise InputError("\n".join(found))


def given_folds(params: Mapping[str, Any], name: str) -> str:
    """Return why a data set's outer folds are not drawn, in words; "" if they are."""
    entry: DataSetEntry = section(params, f"datasets.{name}", DataSetEntry)
    if entry.folds is not None:
        return f"column {entry.folds!r} (datasets.{name}.folds) gives the outer folds"
    if entry.split is not None:
        return f"column {entry.split!r} (datasets.{name}.split) is an official split, which is the only outer fold"
    if entry.source is None and component("datasets", name).n_train is not None:
        return f"stages/datasets/{name}.py has an official split, which is the only outer fold"
    return ""
