"""Which samples have which modality: folds hold their share of those that lack one, and train on enough that have it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.contracts.checked import shortened
from stages.foundation.errors import InputError
from stages.samples.absent_samples import has_sample

REMEDY = "use fewer folds (params.yaml: split), add samples that have it, or leave it out of `modalities`"
FEWEST_CLASSES = 2  # in a training set


@dataclass(frozen=True)
class Presence:
    """modalities: those that some samples lack, in the order of the samples. present: uint8 (n, n_modalities), 1: the sample has it."""

    modalities: tuple[str, ...]
    present: np.ndarray


def presence_of(samples: pa.Table, rows: np.ndarray) -> Presence:
    """Return which of some samples (bool, one per row of the table) have which modality."""
    fields = [field for field in samples.schema if b"modality" in (field.metadata or {}) and samples[field.name].null_count]
    found = {field.name: has_sample(samples[field.name])[rows] for field in fields}
    kept = {name: has for name, has in found.items() if not has.all()}
    return Presence(tuple(kept), np.array([*kept.values()], np.uint8).reshape(len(kept), int(rows.sum())).T)


def refuse_scarce(presence: Presence, inner: np.ndarray, members: np.ndarray, *, is_classes: bool, n_inner: int) -> None:
    """Raise InputError unless every training and validation set has samples with each modality, and training sets two classes of them.

    Args:
        inner: int16 (n, n_folds), as the splits table has it, of one repeat.
        members: bool (n, n_outputs), which rows have a class or label, or a known target.
        n_inner: number of inner folds.
    """
    found = []
    for name, has in zip(presence.modalities, presence.present.T.astype(bool), strict=True):
        for index, codes in enumerate(inner.T):
            outer = has & (codes >= 0)
            for fold in range(-1, n_inner):  # -1: all of the outer training set
                train, held_out = (outer, None) if fold < 0 else (outer & (codes != fold), has & (codes == fold))
                where = f"outer fold {index}" if fold < 0 else f"inner fold {fold} of outer fold {index}"
                n_classes = int(members[train].any(axis=0).sum())
                if n_classes < (FEWEST_CLASSES if is_classes else 1):
                    found.append(f"modality {name!r}: the training set of {where} has {train.sum()} samples with it, of {n_classes} "
                                 f"class{'es' * (n_classes != 1)}")
                elif held_out is not None and not held_out.any():
                    found.append(f"modality {name!r}: {where} validates no sample that has it")
    if found:
        raise InputError(f"{'; '.join(shortened(found))}; {REMEDY}")
