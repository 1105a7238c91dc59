"""Check the modality combinations that train.combinations declares, and that data sets of many modalities declare theirs."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import refuse_unknown
from stages.contracts.candidate import MOST_MODALITIES
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, modality_names
from stages.params import section
from stages.training.train_settings import TrainEntry


def check_combinations(params: Mapping[str, Any]) -> None:
    """Raise InputError unless train.combinations names entries of `datasets:` and combinations of their modalities, each once."""
    entry: TrainEntry = section(params, "train", TrainEntry)
    found: list[str] = []
    for dataset, declared in entry.combinations.items():
        refuse_unknown(dataset, params["datasets"], "train.combinations", "entry under datasets")
        found += _mistakes(f"{PARAMS}: train.combinations.{dataset}", declared, modality_names(params, dataset))
    for dataset in params["datasets"]:
        n = len(modality_names(params, dataset))
        if n > MOST_MODALITIES and dataset not in entry.combinations:
            found.append(f"{PARAMS}: datasets.{dataset}.modalities: {n} modalities have {2**n - 1} combinations, too many to train all; "
                         f"name those to train: `train: {{combinations: {{{dataset}: [{_example(modality_names(params, dataset))}]}}}}` "
                         "(each modality alone is always trained)")  # fmt: skip
    if found:
        raise InputError("\n".join(found))


def _mistakes(key: str, declared: tuple[tuple[str, ...], ...], modalities: Any) -> list[str]:
    found = []
    seen: set[frozenset[str]] = set()
    for names in declared:
        text = f"[{', '.join(names)}]"
        for name in names:
            refuse_unknown(name, modalities, key.split(": ", 1)[1], "modality")
        if len(set(names)) < len(names):
            found.append(f"{key}: a modality occurs twice in {text}; keep one")
        elif frozenset(names) in seen:
            found.append(f"{key}: {text} occurs twice, in this order or another; keep one")
        seen.add(frozenset(names))
    return found


def _example(modalities: Any) -> str:
    """Return two combinations that could be declared: of the first two modalities, and of all."""
    return f"[{', '.join(list(modalities)[:2])}], [{', '.join(modalities)}]"
