"""Check the levels of leaks, `leakage:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import refuse_unknown
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.params import section
from stages.validation.leak_settings import LeakageEntry, repeated


def check_leakage(params: Mapping[str, Any]) -> None:
    """Raise InputError unless leakage.datasets names entries of `datasets:`, and each code is in one list of its entry."""
    entry: LeakageEntry = section(params, "leakage", LeakageEntry)
    found = [f"{PARAMS}: leakage: {mistake}" for mistake in repeated(entry)]
    for name, own in entry.datasets.items():
        refuse_unknown(name, params["datasets"], "leakage.datasets", "entry under datasets")
        found += [f"{PARAMS}: leakage.datasets.{name}: {mistake}" for mistake in repeated(own)]
    if found:
        raise InputError("\n".join(found))
