"""Candidates for a group that are split across folds: beginnings of ids, folders of files, columns of tables.

A candidate has at least FEWEST values of two or more samples each, most of which are in several folds. It is reported if samples of one
value are alike in what the candidate was not made from: the nearest sample by some modality has the same value far more often than other
samples of its class do, or the value tells the target of held-out training rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.contracts.detector import Detector, ExaminedDataSet, ExaminedModality, LeakCode, Suspicion
from stages.leak_evidence.across_folds import in_clusters, split_by_folds
from stages.leak_evidence.equal_contents import content_keys
from stages.leak_evidence.held_out import told_by
from stages.leak_evidence.id_prefixes import prefixes
from stages.leak_evidence.remedies import keep_together
from stages.leak_evidence.table_columns import table_columns, training_rows

PREFIX = LeakCode("split-id-prefix", "medium", "samples whose ids begin alike are alike, and in different folds")
FOLDER = LeakCode("split-folder", "medium", "samples whose files are in one folder are alike, and in different folds")
COLUMN = LeakCode("split-group-column", "medium", "samples with one value of a column are alike, and in different folds")
FEWEST, MOST_SHARE = 8, 0.2  # values; samples of the most frequent one
LEAST_ROWS, MOST_ROWS = 2.0, 100.0  # of a value, on average
ALIKE, LIFT, SIGNIFICANT = 0.2, 3.0, 5.0  # share of samples with a nearest one of their value, times chance, z
TELLS = 0.1  # explained share of the target


@dataclass(frozen=True)
class GroupCandidate:
    """values: uint64 (n,), 0 where a sample has none. source: the modality that it was made from, if any. column: for `group:`.

    numbers: float64 (n,), of a column of numbers: what the order of these tells is no sign of a group.
    """

    code: LeakCode
    subject: str
    what: str
    values: np.ndarray
    source: str = ""
    column: str = "<column>"
    numbers: np.ndarray | None = None


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield each candidate for a group that is split, and whose samples are alike."""
    for candidate in candidates(examined):
        values = usable(candidate.values)
        split = split_by_folds(values, examined.folds)
        if values.any() and split.sum() >= 0.5 * np.count_nonzero(values) and (evidence := alike(candidate, values, examined)):
            yield Suspicion(
                candidate.code.name, candidate.subject,
                f"{candidate.what} is split across folds ({split.sum()} samples), and samples that share it are alike",
                in_clusters(values, split), {"values": len(np.unique(values[values != 0])), **evidence},
                keep_together(examined, f"samples that share {candidate.what}", candidate.column), np.where(split, values, np.uint64(0)),
            )  # fmt: skip


def candidates(examined: ExaminedDataSet) -> Iterator[GroupCandidate]:
    """Yield beginnings of ids, folders of files, and columns of categories or whole numbers."""
    for what, names in prefixes(examined.ids.to_pylist()).items():
        yield GroupCandidate(PREFIX, "samples", what, keys_of(names))
    for modality in examined.modalities:
        if modality.places is not None and modality.kind not in ("table", "text"):
            folders = [(place or "").rpartition("/")[0] for place in modality.places.to_pylist()]
            yield GroupCandidate(FOLDER, modality.name, f"the folder of {modality.name}", keys_of(folders))
        for name, column in table_columns(modality, np.arange(len(examined.ids))):
            known = column >= 0 if column.dtype == np.int32 else ~np.isnan(column)
            if column.dtype == np.int32 or (column[known] == np.round(column[known])).all():
                keys = content_keys(pa.array(column.astype(np.float64) + 0.0))
                yield GroupCandidate(COLUMN, f"{modality.name}.{name}", f"column {name!r}", np.where(known, keys, 0), modality.name, name,
                                None if column.dtype == np.int32 else column)  # fmt: skip


def keys_of(names: list[str]) -> np.ndarray:
    """Return uint64 (n,), equal where the names are, 0 where they are empty."""
    return np.where(np.array([bool(name) for name in names]), content_keys(pa.array(names, pa.string())), np.uint64(0))


def usable(values: np.ndarray) -> np.ndarray:
    """Return the values of a candidate that has enough values of several samples; zeros of another one."""
    known = values[values != 0]
    counts = np.unique(known, return_counts=True)[1]
    several = counts[counts >= 2]
    right = (len(several) >= FEWEST and counts.max() <= MOST_SHARE * len(values) and several.sum() >= 0.5 * len(values)
             and LEAST_ROWS <= counts.mean() <= MOST_ROWS)  # fmt: skip
    return values if right else np.zeros_like(values)


def alike(candidate: GroupCandidate, values: np.ndarray, examined: ExaminedDataSet) -> dict[str, float]:
    """Return in what the samples of one value are alike: the evidence of the first modality, or of the target; {} if in nothing."""
    for modality in examined.modalities:
        if modality.name != candidate.source and (evidence := near_one_another(values, modality, examined)):
            return evidence
    rows = training_rows(examined)
    told = told_by(np.unique(values[rows], return_inverse=True)[1].astype(np.int32), examined, rows)
    along = told_by(candidate.numbers[rows], examined, rows).share if candidate.numbers is not None and told.exceeds(TELLS) else 0.0
    return told.evidence if told.exceeds(TELLS + max(along, 0.0)) else {}


def near_one_another(values: np.ndarray, modality: ExaminedModality, examined: ExaminedDataSet) -> dict[str, float]:
    """Return how often a training sample's nearest one has its value, if that is far more often than others of the class have it."""
    found = modality.nearest
    if found.nearest.shape[1] == 0:
        return {}
    a, b = found.rows, found.nearest[:, 0]
    kept = (examined.inner[a] >= 0) & (examined.inner[b] >= 0) & np.isfinite(found.distances[:, 0]) & (values[a] != 0)
    a, b = a[kept], b[kept]
    if len(a) == 0:
        return {}
    strata = examined.values if examined.values.ndim == 1 else np.zeros(len(values), np.int64)
    train = examined.inner >= 0
    pair = content_pairs(values, strata)
    of_pair = dict(zip(*(part.tolist() for part in np.unique(pair[train], return_counts=True)), strict=True))
    sizes = np.bincount(strata[train], minlength=int(strata.max()) + 1)
    same_value = np.array([of_pair.get(key, 0) for key in content_pairs(values[a], strata[b]).tolist()]) - (strata[a] == strata[b])
    expected = np.maximum(same_value, 0) / np.maximum(sizes[strata[b]] - (strata[a] == strata[b]), 1)
    hits = values[a] == values[b]
    z = float((hits.sum() - expected.sum()) / np.sqrt(max((expected * (1 - expected)).sum(), 1.0)))
    rate, chance = float(hits.mean()), float(expected.mean())
    if rate < max(ALIKE, LIFT * chance) or z < SIGNIFICANT:
        return {}
    return {"nearest_with_same_value": rate, "by_chance": chance, "z": z}


def content_pairs(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return uint64 (n,), equal where value and class are."""
    return values ^ ((strata.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))


DETECTOR = Detector(name="split_groups", codes=(PREFIX, FOLDER, COLUMN), detect=detect)
