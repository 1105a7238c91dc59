"""Nearly equal samples in different folds: a resized image, a clip with noise, an edited text, rounded numbers, a renumbered graph.

Distances are between the modality's features (stages/leak_evidence/nearest_samples.py). A sample's nearest one is judged against its own
eighth nearest: where samples are spread evenly around it in d dimensions, (r1/r8)^d is Beta(1, 7), whatever their density. d is estimated
from r4/r8 of samples with a like r8, which a copy or two of each does not change. Near-duplicates are pairs with r1 below half of r8 of
which less than EXPECTED would be so near by chance among all samples compared. Equal features with other content count too, unless the
features are equal for many samples. Rows of a table must be near in every column, and few may be so in all but one (plain_contents.py).
"""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, ExaminedModality, LeakCode, Suspicion
from stages.leak_evidence.across_folds import pairs_apart
from stages.leak_evidence.plain_contents import COMPANY
from stages.leak_evidence.remedies import keep_together
from stages.leak_evidence.table_columns import table_columns

CODE = LeakCode("near-duplicate-across-folds", "medium", "a tested sample is nearly equal to one that is trained on")
EXPECTED = 0.002  # pairs by chance, in one modality of one data set
NEAR = 0.5  # of the distance of the eighth nearest, at most
MOST_DIMENSIONS = 15.0
OF_MEDIAN, OF_TENTH = 0.5, 0.2786  # quantiles 0.5 and 0.1 of Beta(4, 4), which (r4/r8)^d is
WITHIN = 0.05  # standard deviations of a column, in which numbers of near rows of a table are
QUARTERS = 4
COMMON = 0.2  # share of samples with an equal other, from which features tell too little


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield a finding per modality that has near-duplicates in different folds."""
    for modality in examined.modalities:
        rows, others, ratios, chance = near_pairs(modality)
        apart = pairs_apart(rows, others, examined.folds)
        if not apart.any():
            continue
        a, b = rows[apart], others[apart]
        concerned = np.unique(np.concatenate([a, b]))
        pairs = np.stack([a, b], axis=1)[np.argsort(ratios[apart], kind="stable")].ravel()
        ordered = pairs[np.sort(np.unique(pairs, return_index=True)[1])]
        yield Suspicion(
            CODE.name, modality.name,
            f"{modality.name} of {len(concerned)} samples is nearly that of a sample that is in another fold",
            ordered, {"compared": len(modality.nearest.rows), "nearest_ratio": float(ratios[apart].min()), "expected_by_chance": chance},
            keep_together(examined, f"samples whose {modality.name} is nearly equal"), joined(a, b, len(examined.ids)),
        )  # fmt: skip


def joined(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Return uint64 (n,): one number for rows that pairs join, directly or by way of others; 0 for rows in no pair."""
    first = np.arange(n)
    while True:
        low = np.minimum(first[a], first[b])
        before = first.copy()
        np.minimum.at(first, a, low)
        np.minimum.at(first, b, low)
        first = first[first]
        if (first == before).all():
            break
    found = np.zeros(n, dtype=np.uint64)
    rows = np.concatenate([a, b])
    found[rows] = first[rows] + 1
    return found


def near_pairs(modality: ExaminedModality) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return pairs of rows that are nearly but not exactly equal, r1/r8 of each, and the number of pairs expected by chance."""
    found = modality.nearest
    none = np.zeros(0, np.int64)
    if found.distances.shape[1] < 8 or len(found.rows) == 0:
        return none, none, np.zeros(0), 0.0
    fourth, eighth = found.distances[:, 3], found.distances[:, 7]
    usable = np.isfinite(eighth) & (eighth > 0)
    dimensions = _dimensions(fourth, eighth, usable)
    ratios = np.where(usable, found.distances[:, 0] / np.where(usable, eighth, 1), 1.0)
    chance = len(found.rows) * (1 - (1 - np.minimum(ratios, 1) ** dimensions) ** 7)
    others = found.nearest[:, 0]
    same = (modality.keys[found.rows] == modality.keys[others]) | (modality.contents[found.rows] == 0) | (modality.contents[others] == 0)
    equal = ratios == 0
    near = usable & (ratios <= NEAR) & (chance <= EXPECTED) & ~same
    if (equal & usable).mean() > COMMON:
        near &= ~equal
    if modality.kind == "table" and near.any():
        near &= _agreeing(modality, near)
    return found.rows[near], others[near], ratios[near], float(chance[near].max(initial=0))


def _agreeing(modality: ExaminedModality, near: np.ndarray) -> np.ndarray:
    """Return bool (n_queries,): pairs that are near in every column of a table, if too few are near in all columns but one."""
    found = modality.nearest
    rows = np.unique(np.concatenate([found.rows, found.nearest.ravel()]))
    a, b = np.searchsorted(rows, found.rows), np.searchsorted(rows, found.nearest)
    differing = np.zeros(b.shape, dtype=np.int64)
    for _, values in table_columns(modality, rows):
        if values.dtype == np.int32:
            differing += values[a][:, None] != values[b]
        else:
            missing = np.isnan(values)
            known = np.nan_to_num(values)
            differing += (np.abs(known[a][:, None] - known[b]) > WITHIN * known.std()) | (missing[a][:, None] != missing[b])
    agreeing = near & (differing[:, 0] == 0)
    n_rows = len(found.rows)
    enough = np.count_nonzero(differing == 1) < COMPANY * np.log(n_rows) * np.count_nonzero(agreeing)
    return agreeing if enough else np.zeros(n_rows, dtype=bool)


def _dimensions(fourth: np.ndarray, eighth: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return per sample the number of dimensions in which samples around it spread: one of each quarter of the samples by r8.

    A quarter is dense or sparse, and of fewer dimensions where its samples are simple, such as small graphs.
    """
    dimensions = np.zeros(len(eighth))
    for quarter in np.array_split(np.flatnonzero(usable)[np.argsort(eighth[usable], kind="stable")], QUARTERS):
        ratios = fourth[quarter] / eighth[quarter]
        estimates = [MOST_DIMENSIONS]
        for share, quantile in ((0.5, OF_MEDIAN), (0.1, OF_TENTH)) if len(quarter) else ():
            ratio = float(np.quantile(ratios, share))
            if ratio < 1:
                estimates.append(np.log(quantile) / np.log(ratio) if ratio > 0 else 0.0)
        dimensions[quarter] = min(estimates)
    return dimensions


DETECTOR = Detector(name="near_duplicates", codes=(CODE,), detect=detect)
