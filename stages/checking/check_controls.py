"""Check the entries under `controls:`."""

from collections.abc import Mapping
from typing import Any

from stages.checking.known_components import known
from stages.params import section


def check_control(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless controls.<name> names a known control with valid settings."""
    section(params, f"controls.{name}", known("controls", name, f"controls.{name}").settings)
