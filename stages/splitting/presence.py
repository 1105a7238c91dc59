"""Which samples have which modality: folds hold their share of those that lack one, and train on enough that have it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stages.contracts.checked import shortened
from stages.contracts.task import TargetForm
from stages.foundation.errors import InputError
from stages.model_selection.scarce_samples import scarcities
from stages.samples.absent_samples import has_sample

REMEDY = "use fewer folds (params.yaml: split), add samples that have it, or leave it out of `modalities`"


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


def refuse_scarce(presence: Presence, inner: np.ndarray, members: np.ndarray, form: TargetForm, n_inner: int) -> None:
    """Raise InputError unless every training and validation set has samples with each modality, and training sets two classes of them.

    Args:
        inner: int16 (n, n_folds), as the splits table has it, of one repeat.
        members: bool (n, n_outputs), which rows have a class or label, or a known target.
        n_inner: number of inner folds.
    """
    found = []
    for name, has in zip(presence.modalities, presence.present.T.astype(bool), strict=True):
        for index, codes in enumerate(inner.T):
            trained = has & (codes >= 0)
            found += [f"modality {name!r}, outer fold {index}: {lack}"
                      for lack in scarcities(codes[trained], members[trained], form, n_inner)]  # fmt: skip
    if found:
        raise InputError(f"{'; '.join(shortened(found))}; {REMEDY}")
