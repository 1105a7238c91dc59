"""Classes, labels and targets of so few groups that no folds of any number could train, validate and test on them."""

from collections.abc import Sequence

import numpy as np

from stages.contracts.checked import shortened

FEWEST_GROUPS = 3  # of a class: one to test on, one to validate on, one to train on
ONE_GROUP = "all rows are of one group, and groups are never split; declare a finer group"


def scarce_outputs(
    members: np.ndarray, groups: np.ndarray, training: np.ndarray | None, *, names: Sequence[str], group_names: np.ndarray
) -> str:
    """Return which classes, labels or targets are in too few groups, and what helps; "" if none is.

    Args:
        members: bool (n, n_outputs), which rows have the class or label, or a known target. groups: int (n,), codes of `group_names`.
        training: bool (n,), the training part of an official split; None: cross-validation.
        names: of the outputs, as error messages write them.
    """
    if len(group_names) == 1:
        return ONE_GROUP
    needed, part = (FEWEST_GROUPS, "") if training is None else (FEWEST_GROUPS - 1, " of the training part")  # the test part is given
    pool = np.ones(len(members), dtype=bool) if training is None else training
    found = []
    for name, rows in zip(names, members.T, strict=True):
        inside = np.unique(groups[rows & pool])
        if rows.any() and not len(inside):
            found.append(f"{name} ({rows.sum()} rows) has no row in the training part of the official split")
        elif rows.any() and len(inside) < needed:
            listed = ", ".join(map(repr, group_names[inside].tolist()))
            found.append(f"{name} ({rows.sum()} rows) is in {len(inside)} group{'s' * (len(inside) > 1)}{part} ({listed})")
    if not found:
        return ""
    return (f"{'; '.join(shortened(found))}. Each needs {needed} groups{part} or more, as some are held out while others are learned from: "
            "leave it out of the data, merge it with another, declare a finer `group`, or add samples of other groups")
