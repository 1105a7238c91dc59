"""Outer folds that a data set gives itself: one name per sample, of the fold that tests it."""

import re
from collections.abc import Sequence

import numpy as np

from stages.foundation.errors import InputError

MOST_FOLDS = 100  # as n_splits


def fold_names(folds: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the folds in natural order: fold2 before fold10.

    Raises:
        InputError: if there is one, or more than MOST_FOLDS.
    """
    names = sorted(set(folds), key=lambda name: ([(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)], name))
    if not 2 <= len(names) <= MOST_FOLDS:
        raise InputError(f"column of `folds`: expected 2 to {MOST_FOLDS} names of folds, found {len(names)}"
                         + (f" ({names[0]!r})" if len(names) == 1 else ""))
    return tuple(names)


def own_folds(folds: Sequence[str], groups: np.ndarray, group_names: np.ndarray) -> np.ndarray:
    """Return the number of each row's fold in the order of `fold_names`: int16 (n,).

    Args:
        groups: int (n,), codes of `group_names`.
    Raises:
        InputError: if a group is in two folds.
    """
    names = fold_names(folds)
    number = {name: code for code, name in enumerate(names)}
    fold = np.array([number[name] for name in folds], dtype=np.int16)
    first = np.full(len(group_names), len(names), dtype=np.int16)
    last = np.full(len(group_names), -1, dtype=np.int16)
    np.minimum.at(first, groups, fold)
    np.maximum.at(last, groups, fold)
    torn = np.flatnonzero(first != last)
    if len(torn):
        one = torn[0]
        raise InputError(f"group {str(group_names[one])!r} is in fold {names[first[one]]!r} and in fold {names[last[one]]!r} "
                         f"({len(torn)} such group{'s' * (len(torn) > 1)}); a group is never split: put all of its samples into one fold, "
                         "or declare a finer `group`")
    return fold
