"""Control of the sample's name and place: a learner that sees the row's position and what the id's digits and letters say.

A diagnostic: no learner sees names or order. A score above the constant baseline says that they tell the target: a file sorted by class,
numbers given class by class, names that begin with the class. A learner may know the same by a channel that no one meant as a feature, such
as a column that counts the rows.
"""

import re

import numpy as np

from stages.contracts.control import ControlData, Restricted
from stages.contracts.settings import Settings

NUMBER = re.compile(r"[0-9]{1,15}")  # more digits than a float64 tells apart are a hash
MOST_NUMBERS = 3


class IdentifiersSettings(Settings):
    """No settings."""


def columns(data: ControlData, settings: IdentifiersSettings) -> dict[str, np.ndarray]:
    """Return of each sample: its position, its id's length, the rank of the letters before the first digit, its first and last numbers."""
    ids = [str(name) for name in data.samples["sample_id"].to_pylist()]
    prefixes = [re.split(r"[0-9]", name, maxsplit=1)[0] for name in ids]
    rank = {prefix: place for place, prefix in enumerate(sorted(set(prefixes)))}
    rows = [[place, len(name), rank[prefix], *_numbers(name)] for place, (name, prefix) in enumerate(zip(ids, prefixes, strict=True))]
    return {"": np.array(rows, dtype=np.float64)}


def _numbers(name: str) -> list[float]:
    """Return the first numbers and the last one of a name, -1 where there is none."""
    found = [float(number) for number in NUMBER.findall(name)]
    return [*(found[:MOST_NUMBERS] + [-1.0] * MOST_NUMBERS)[:MOST_NUMBERS], found[-1] if found else -1.0]


CONTROL = Restricted(name="identifiers", settings=IdentifiersSettings, columns=columns, is_diagnostic=True)
