"""One file that is a modality of several samples in different folds: an image per question about it, a recording per utterance."""

from collections.abc import Iterator

import numpy as np

from stages.contracts.detector import Detector, ExaminedDataSet, LeakCode, Suspicion
from stages.leak_evidence.across_folds import in_clusters, split_by_folds
from stages.leak_evidence.equal_contents import content_keys
from stages.leak_evidence.remedies import keep_together

CODE = LeakCode("shared-file", "medium", "one file is part of samples in different folds")


def detect(examined: ExaminedDataSet) -> Iterator[Suspicion]:
    """Yield a finding per modality with files that samples in different folds share."""
    for modality in examined.modalities:
        if modality.places is None:
            continue
        keys = content_keys(modality.places)
        split = split_by_folds(keys, examined.folds)
        if split.any():
            n_files = len(np.unique(keys[split]))
            yield Suspicion(
                CODE.name, modality.name, f"{n_files} files of {modality.name} belong to {split.sum()} samples in different folds",
                in_clusters(keys, split), {"files": n_files, "share": float(split.mean())},
                keep_together(examined, f"samples of one file of {modality.name}"), np.where(split, keys, np.uint64(0)),
            )  # fmt: skip


DETECTOR = Detector(name="shared_files", codes=(CODE,), detect=detect)
