"""Columns that an entry chooses: by name, by a pattern, or all but some."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

PART = re.compile(r"(\d+)")


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key by which names are sorted as people count: emb_2 before emb_10."""
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in PART.split(name))


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that match a pattern of *, ? and [0-9], in natural order."""
    return tuple(sorted((name for name in names if fnmatchcase(name, pattern)), key=natural_order))


def chosen(columns: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return columns declared as names, as they are; as a pattern, those that match."""
    return matching(columns, names) if isinstance(columns, str) else tuple(columns)
