"""The facts of the data set and its splits that an evaluation holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.documents.evaluation_document import Quarantined, TimeOrder
from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.paths import leaks_path, samples_path, skipped_path
from stages.contracts.tables.samples_table import SamplesMetadata
from stages.contracts.tables.skipped_table import SkippedMetadata
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import Splits
from stages.evaluation.design import Design
from stages.evaluation.scores import interval_method
from stages.foundation.documents import read_document
from stages.foundation.tables import read_described


def facts(dataset: str, about: SplitsMetadata, splits: Splits, design: Design) -> dict[str, Any]:
    """Return what a reader must know of data set and splits; `about` are the metadata of the splits."""
    # title, licence and citation: from the samples, so that a word changed there does not train every model again
    source = read_described(samples_path(dataset), SamplesMetadata)[1]
    skipped, skipping = read_described(skipped_path(dataset), SkippedMetadata)
    target = about.target
    return {
        "dataset": dataset,
        "open_leaks": read_document(leaks_path(dataset), Leaks).open,
        "title": source.title,
        "licence": source.licence,
        "citation": source.citation,
        "group": source.group,
        "rows": about.rows,
        "shipped": source.shipped,
        "task": target.task,
        "form": target.form,
        "target": target.name,
        "outputs": target.outputs,
        "counts": counts_of(target.form, target.outputs, splits.targets),
        "quarantined": Quarantined(rows=skipped.num_rows, share=skipping.share),
        "n_groups": len(set(splits.groups)),
        "n_folds": about.n_folds,
        "fold_names": about.fold_names,
        "time_order": time_order_of(splits),
        "n_repeats": about.n_repeats,
        "n_inner_folds": about.n_inner_folds,
        "interval": interval_method(splits, design),
    }


def time_order_of(splits: Splits) -> TimeOrder | None:
    """Return how the folds follow one another in time; None if they do not."""
    times = splits.times
    if times is None:
        return None
    n_tested = sum(fold.rows.size for fold in splits.folds)
    first = [pc.min(times.take(pa.array(fold.rows))).as_py() for fold in splits.folds]
    return TimeOrder(untested=len(times) - n_tested, test_from=tuple(map(str, first)))


def counts_of(form: TargetForm, outputs: Sequence[str], targets: np.ndarray) -> dict[str, int] | None:
    """Return the rows of each class or label; None of continuous targets."""
    if form == "continuous":
        return None
    counts = targets.sum(axis=0, dtype=np.int64) if form == "labels" else np.bincount(targets, minlength=len(outputs))
    return dict(zip(outputs, counts.tolist(), strict=True))
