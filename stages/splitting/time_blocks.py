"""Cut rows in the order of time into blocks: each is tested once, by models that are trained on all earlier ones.

As scikit-learn's TimeSeriesSplit, n_splits folds make n_splits + 1 blocks of equal size, of which the first is never tested. A cut is
between different times and splits no group, so it moves to the nearest place where that holds. The latest part of a fold's training rows,
cut in the same way, validates its configurations; the rows before it are trained on in any case.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.foundation.errors import InputError


@dataclass(frozen=True)
class TimeCuts:
    """The places where rows in the order of time may be cut.

    times: of every row. ranks: int64 (n,), the number of each row's time among the different ones, from 0.
    after: int64, ascending, the ranks after which a cut is possible. sizes: int64, how many rows are before each of these cuts.
    widest: the group that has most rows between its first and its last time, with these times; "" if no group has several.
    """

    times: pa.ChunkedArray
    ranks: np.ndarray
    after: np.ndarray
    sizes: np.ndarray
    widest: str

    def first_time(self, place: int) -> str:
        """Return the first time after a cut, as text."""
        rows = np.flatnonzero(self.ranks == self.after[place] + 1)
        return str(self.times[int(rows[0])].as_py())


def time_cuts(times: pa.ChunkedArray, groups: np.ndarray, group_names: np.ndarray) -> TimeCuts:
    """Return where rows may be cut; groups: int (n,), codes of `group_names`."""
    ranks = np.asarray(pc.rank(times, tiebreaker="dense"), dtype=np.int64) - 1
    n_times = int(ranks.max()) + 1
    first, last = np.full(len(group_names), n_times), np.full(len(group_names), -1)
    np.minimum.at(first, groups, ranks)
    np.maximum.at(last, groups, ranks)
    opened = np.cumsum(np.bincount(first, minlength=n_times) - np.bincount(last, minlength=n_times))  # groups on both sides
    before = np.cumsum(np.bincount(ranks, minlength=n_times))
    after = np.flatnonzero(opened[:-1] == 0)
    spanned = before[last] - np.concatenate([[0], before])[first]
    one = int(np.argmax(np.where(last > first, spanned, 0)))
    span = [times[int(np.flatnonzero(ranks == rank)[0])].as_py() for rank in (first[one], last[one])]
    widest = (f"group {str(group_names[one])!r} has rows from {span[0]} to {span[1]}, between which {spanned[one] / len(ranks):.0%} of all "
              "rows are") if last[one] > first[one] else ""  # fmt: skip
    return TimeCuts(times, ranks, after, before[after], widest)


def block_cuts(cuts: TimeCuts, n_splits: int) -> np.ndarray:
    """Return the places in `cuts.after` where the rows are cut into n_splits + 1 blocks: int64 (n_splits,), ascending.

    The sum of the squared distances from the cuts of equal blocks is least. Before the first cut there is another place, as the first
    block must itself be cut.

    Raises:
        InputError: if there are fewer places.
    """
    n, n_places = len(cuts.ranks), len(cuts.after)
    if n_places < n_splits + 1:
        raise InputError(too_few_places(cuts, n_splits))
    size = n // (n_splits + 1)
    cost, best = np.zeros(n_places), np.empty((n_splits, n_places), np.int64)
    for split in range(n_splits):
        # the cheapest earlier place of the cut before this one, and the first of equal ones
        least = np.minimum.accumulate(cost)
        at = np.maximum.accumulate(np.where(np.concatenate([[True], cost[1:] < least[:-1]]), np.arange(n_places), 0))
        best[split, 1:], best[split, 0] = at[:-1], -1
        earlier = np.concatenate([[np.inf], least[:-1]])
        cost = earlier + (cuts.sizes - (n - (n_splits - split) * size)).astype(np.float64) ** 2
    chosen = np.empty(n_splits, np.int64)
    chosen[-1] = int(np.argmin(cost))
    for split in range(n_splits - 1, 0, -1):
        chosen[split - 1] = best[split, chosen[split]]
    return chosen


def validation_cut(cuts: TimeCuts, before: int, n_inner_splits: int) -> int:
    """Return the place in `cuts.after`, before the place `before`, after which the rows validate: 1 / (n_inner_splits + 1) of those."""
    n_train = int(cuts.sizes[before])
    wanted = n_train - n_train // (n_inner_splits + 1)
    return int(np.argmin(np.abs(cuts.sizes[:before] - wanted)))


def time_folds(cuts: TimeCuts, blocks: np.ndarray, n_inner_splits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the outer fold that tests each row, and its code in each outer fold.

    Args:
        blocks: places of the cuts, as `block_cuts` returns them.
    Returns:
        int16 (n,), -1 for the first block; int16 (n, n_splits): 0 for validation rows, 1 for rows that are always trained on, -1 for
        test rows and later ones.
    """
    fold = np.searchsorted(cuts.after[blocks], cuts.ranks, side="left").astype(np.int16) - np.int16(1)
    inner = np.full((len(fold), len(blocks)), -1, np.int16)
    for index, place in enumerate(blocks):
        validated = cuts.after[validation_cut(cuts, int(place), n_inner_splits)]
        inner[fold < index, index] = np.where(cuts.ranks[fold < index] > validated, 0, 1)
    return fold, inner


def too_few_places(cuts: TimeCuts, n_splits: int) -> str:
    """Return that the rows cannot be cut into blocks, why, and what helps."""
    n_places, n_times = len(cuts.after), int(cuts.ranks.max()) + 1
    allowed = f"at most {n_places - 1}" if n_places > 2 else "which even 2 do not allow"
    remedy = "declare a finer `group`, leave the widest groups out, or take" if cuts.widest else "name a finer `time`, or take"
    return (f"in time order {n_splits} folds (split.n_splits) need {n_splits + 1} cuts, one of them for the validation rows of the first "
            f"fold; there are {n_places}: between different times, of which there are {n_times}, and where no group has rows on both sides"
            + (f"; {cuts.widest}" if cuts.widest else "") + f". To fix it, {remedy} fewer folds ({allowed})")
