"""Check the entries under `lessons:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import known
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS
from stages.params import section


def check_lessons(params: Mapping[str, Any]) -> None:
    """Raise InputError unless `lessons:` is left out or has entries of known lessons with valid settings."""
    entries = params.get("lessons", {})
    if not isinstance(entries, Mapping):
        raise InputError(f"{PARAMS}: lessons: expected a mapping of lessons, found {entries!r}; `lessons: {{}}` declares none")
    for name in entries:
        section(params, f"lessons.{name}", known("lessons", name, f"lessons.{name}").settings)
