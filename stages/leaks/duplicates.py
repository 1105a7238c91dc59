"""Equal samples in different folds, and equal samples with different targets.

A sample equals another if every modality does: the same bytes of an image or a sound, the same text, numbers, points or edges. Contents too
plain to tell samples apart do not count (one color, silence, texts of less than five terms), nor do rows of a table whose columns would
agree by chance: see stages/leak_evidence/plain_contents.py.
"""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.foundation.tables import target_array
from stages.leak_evidence.across_folds import in_clusters, members, split_by_folds
from stages.leak_evidence.equal_contents import combined, content_keys
from stages.leak_evidence.remedies import keep_together

SAMPLES = LeakCode("duplicate-across-folds", "high", "a sample is tested that is trained on under another id")
MODALITY = LeakCode("duplicate-modality-across-folds", "medium", "one modality of a tested sample is that of a sample that is trained on")
TARGETS = LeakCode("conflicting-targets", "medium", "equal samples have different targets, so that no model can be right on all")


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield equal samples and equal modalities in different folds, and equal samples with different targets."""
    keys = whole_keys(examined)
    whole = split_by_folds(keys, examined.folds)
    if whole.any():
        n_contents = len(np.unique(keys[whole]))
        yield Suspicion(
            SAMPLES.name, "samples", f"{whole.sum()} samples equal another sample that is in another fold", in_clusters(keys, whole),
            {"contents": n_contents, "share": float(whole.mean())}, keep_together(examined, "samples that are equal"),
            np.where(whole, keys, np.uint64(0)))  # fmt: skip
    for modality in examined.modalities if len(examined.modalities) > 1 else ():
        split = split_by_folds(modality.contents, examined.folds) & ~whole
        if split.any():
            n_contents = len(np.unique(modality.contents[split]))
            yield Suspicion(
                MODALITY.name, modality.name, f"{modality.name} of {split.sum()} samples equals that of a sample that is in another fold",
                in_clusters(modality.contents, split), {"contents": n_contents, "share": float(split.mean())},
                keep_together(examined, f"samples that share {modality.name}"), np.where(split, modality.contents, np.uint64(0)),
            )  # fmt: skip
    yield from conflicting(examined, keys)


def whole_keys(examined: ExaminedDataSet) -> np.ndarray:
    """Return uint64 (n,): equal where samples are equal in every modality; 0 where no modality has a content to compare."""
    parts = [modality.keys for modality in examined.modalities]  # a part that is no evidence must still be equal
    told = np.any([modality.contents != 0 for modality in examined.modalities], axis=0)
    return np.where(told, combined(parts), np.uint64(0))


def conflicting(examined: ExaminedDataSet, keys: np.ndarray) -> Iterator[Suspicion]:
    """Yield equal training samples with different targets; unknown targets agree with all."""
    if examined.target.form == "continuous" and np.isnan(examined.values).any():
        return
    targets = content_keys(target_array(examined.values)).view(np.int64)
    rows = members(np.where(examined.inner >= 0, keys, np.uint64(0)), targets)
    if rows.any():
        yield Suspicion(
            TARGETS.name, "samples", f"{rows.sum()} samples equal a sample whose target is another", in_clusters(keys, rows),
            {"contents": len(np.unique(keys[rows])), "share": float(rows.mean())},
            "look at their targets in the source: correct them, or leave one of each out")  # fmt: skip


DETECTOR = Detector(name="duplicates", codes=(SAMPLES, MODALITY, TARGETS), detect=detect)
