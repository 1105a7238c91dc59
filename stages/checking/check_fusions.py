"""Check the entries under `fusions:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import known
from stages.contracts.candidate import EARLY
from stages.contracts.fusion import EarlyFusion, ImputedFusion
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.params import section

WITHOUT: Mapping[str, Any] = {EARLY: {}}  # of a params.yaml without the section


def check_fusions(params: Mapping[str, Any]) -> None:
    """Raise InputError unless the section has known ways of fusing with valid settings."""
    entries = declared_fusions(params)
    if not isinstance(entries, Mapping) or not entries:
        raise InputError(f"{PARAMS}: fusions: expected a mapping with at least one entry, found {entries!r}; `fusions: {{early: {{}}}}` is "
                         "what holds without the section")
    for name in entries:
        way = known("fusions", name, f"fusions.{name}")
        section(params if "fusions" in params else {"fusions": WITHOUT}, f"fusions.{name}", way.settings)
        if isinstance(way, EarlyFusion | ImputedFusion) and name != EARLY and EARLY not in entries:
            raise InputError(f"{PARAMS}: fusions.{name}: it starts from what is trained with equal weights; add `early: {{}}` to the "
                             "section, or remove this line")


def declared_fusions(params: Mapping[str, Any]) -> Any:
    """Return the section, or what holds without it."""
    return params.get("fusions", WITHOUT)
