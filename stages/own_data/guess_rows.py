"""Guess which rows can be used, and the keys of the entry that leave the others out: those without a target, and rare classes."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.contracts.checked import shortened
from stages.ingestion.data_set_entry import DataSetEntry
from stages.splitting.scarce_groups import FEWEST_GROUPS

MOST_DROPPED = 0.2  # share of the rows whose class may be rare
DEFAULT_BAD_SHARE: float = DataSetEntry.model_fields["max_bad_share"].default
Labels = Sequence[Sequence[str]]  # of each row: its class alone, or its labels; empty: none is known


@dataclass(frozen=True)
class Usable:
    """Which rows are used. counts: a line of how many are kept and ignored. more: keys of the entry with value and reason."""

    counts: str
    more: tuple[tuple[str, Any, str], ...]


@dataclass(frozen=True)
class Rare:
    """Classes or labels that folds cannot hold. below: the number of samples below which they are left out; 0: there are none.

    names: those left out, with their number of samples. scarce: the first that is in too few groups, in words.
    """

    below: int
    names: Mapping[str, int]
    scarce: str = ""

    @property
    def is_possible(self) -> bool:
        """Whether folds are possible without them."""
        return self.below >= 0


def rare_of(labels: Labels, groups: Sequence[str | None] | None, kept: np.ndarray) -> Rare:
    """Return the classes or labels that are in fewer than FEWEST_GROUPS groups of kept rows.

    Args:
        groups: of each row; None: every row is its own. kept: whether each row can be read.
    """
    counts = Counter(name for names in labels for name in names)
    places: dict[str, set[Any]] = {name: set() for name in counts}
    for row in map(int, np.flatnonzero(kept)):
        for name in labels[row]:
            places[name].add(row if groups is None else groups[row])
    scarce = sorted(name for name, inside in places.items() if len(inside) < FEWEST_GROUPS)
    if not scarce:
        return Rare(0, {})
    below = max(2, *(counts[name] + 1 for name in scarce))
    if groups is None:
        below = max(below, FEWEST_GROUPS)
    names = {name: count for name, count in sorted(counts.items()) if count < below}
    words = f"{scarce[0]!r} is in {len(places[scarce[0]])} of its groups"
    too_many = sum(names.values()) > MOST_DROPPED * counts.total() or len(counts) - len(names) < 2
    return Rare(-1 if too_many else below, names, words)


def usable_rows(
    labels: Labels | None, lacks: Mapping[str, np.ndarray], rare: Rare, *, is_multilabel: bool = False, what: str = "rows",
    ignored: tuple[int, str] = (0, ""),
) -> Usable:
    """Return which rows are used, and the keys that leave the others out.

    Args:
        labels: None for continuous targets.
        lacks: what a row may lack, in words → whether it does, bool (n,).
        is_multilabel: whether a rare label is removed from its row, which stays.
        ignored: number of files that are no samples, and their kinds.
    """
    n = len(next(iter(lacks.values())))
    bad = np.logical_or.reduce([np.zeros(n, dtype=bool), *lacks.values()])
    dropped = np.zeros(n, dtype=bool)
    if rare.below > 0 and labels is not None and not is_multilabel:
        dropped = np.array([any(name in rare.names for name in names) for names in labels], dtype=bool)
    n_bad, n_dropped = int((bad & ~dropped).sum()), int(dropped.sum())
    unusable = [f"{(mask & ~dropped).sum()} {words}" for words, mask in lacks.items() if (mask & ~dropped).any()]
    reasons = [*unusable, *([f"{n_dropped} of rare classes"] if n_dropped else []), *([ignored[1]] if ignored[1] else [])]
    more: list[tuple[str, Any, str]] = []
    if rare.below > 0:
        kind = "labels" if is_multilabel else "classes"
        named = ", ".join(shortened([f"{name!r} {count}" for name, count in rare.names.items()]))
        why = f"{kind} of fewer than {rare.below} samples: {named}; folds need each in {FEWEST_GROUPS} groups, to train, validate and test"
        more += [("rare_classes", "drop", why), ("rare_below", rare.below, "or merge them into one: `rare_classes: merge`")]
    if n_bad:
        more.append(("on_bad_sample", "quarantine", f"{n_bad} of {n} {what} cannot be used: {', '.join(unusable)}"))
        share = n_bad / (n - n_dropped)
        if share > DEFAULT_BAD_SHARE:
            more.append(("max_bad_share", min(0.99, math.ceil(share * 100 + 1) / 100), f"{share:.1%} are left out"))
    listed = f" ({', '.join(reasons)})" if reasons else ""
    return Usable(f"{n - n_bad - n_dropped} {what} kept, {n_bad + n_dropped + ignored[0]} ignored{listed}", tuple(more))
