"""The configurations of a grid."""

import itertools
from collections.abc import Sequence
from typing import Any

from stages.contracts.model import Config


def product(**values: Sequence[Any]) -> list[Config]:
    """Return every combination of the values, the last name varying fastest."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]
