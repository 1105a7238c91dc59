"""The samples that the best learner is most wrong about, with what a page shows of them.

```text
classes   wrong predictions, by the probability of the predicted class
labels    rows with a wrong label, by the mean over labels of −ln of the probability of what is true
targets   all rows, by the root of the mean squared error in variances of the targets
```

A row that several repeats test counts once, where it is most wrong. Where nothing differs, the sample's id decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.documents.gallery_document import Gallery, Mistake
from stages.contracts.task import TargetForm
from stages.evaluation.checked_predictions import FoldPredictions, Splits
from stages.evaluation.row_values import row_losses
from stages.samples.shown_samples import exhibits

RANKED_BY: Mapping[TargetForm, Any] = {"classes": "confidence", "labels": "log-loss", "continuous": "residual"}
LEAST_TRUTH = 1e-7  # probability of what came true, in the loss of labels: that of float32
MOST_TARGETS = 5  # of a row that are shown, the most wrong ones


@dataclass(frozen=True)
class WrongEntry:
    """A wrong prediction: which entry of which test fold, of which row of `Splits.ids`."""

    fold: int
    entry: int
    row: int
    loss: float


def shown_candidate(evaluation: Evaluation) -> Candidate:
    """Return the best learner, or the best control if there is none."""
    learner = evaluation.best_of(evaluation.learners)
    return evaluation.best if learner is None else learner.candidate


def gallery_of(evaluation: Evaluation, predictions: Sequence[FoldPredictions], splits: Splits, samples: pa.Table, *, most: int,
               scale: np.ndarray | None) -> Gallery:  # fmt: skip
    """Return the gallery of one data set.

    Args:
        predictions: of `shown_candidate`. samples: as ingest wrote them. most: samples in the gallery. scale: variances of the targets.
    """
    entries = list(worst_first(predictions, splits, scale))
    chosen = entries[:most]
    ids = [splits.ids[one.row].as_py() for one in chosen]
    shown = exhibits(samples, ids, evaluation.modalities)
    mistakes = []
    for one, name, modalities in zip(chosen, ids, shown, strict=True):
        fold, test = predictions[one.fold], splits.folds[one.fold]
        values = named(evaluation.form, evaluation.outputs, fold, one.entry) if scale is None else targets_of(
            evaluation.outputs, fold, one.entry, scale)
        confidence = None
        if evaluation.form == "classes" and fold.probabilities is not None:
            confidence = float(fold.probabilities[one.entry, fold.prediction[one.entry]])
        mistakes.append(Mistake(sample_id=name, repeat=test.repeat, fold=test.fold, **values, confidence=confidence, loss=one.loss,
                                shown=modalities))
    n_tested = len(np.unique(np.concatenate([fold.rows for fold in splits.folds])))
    return Gallery(dataset=evaluation.dataset, candidate=shown_candidate(evaluation), ranked_by=RANKED_BY[evaluation.form],
                   n_wrong=len(entries), n_tested=n_tested, mistakes=tuple(mistakes))


def worst_first(predictions: Sequence[FoldPredictions], splits: Splits, scale: np.ndarray | None) -> Iterator[WrongEntry]:
    """Yield the wrong predictions, the worst first, each row once."""
    found = []
    for number, (fold, test) in enumerate(zip(predictions, splits.folds, strict=True)):
        losses = losses_of(fold, scale)
        wrong = np.flatnonzero(~np.isnan(losses))
        found += [WrongEntry(number, int(entry), int(test.rows[entry]), float(losses[entry])) for entry in wrong]
    ids = splits.ids.to_pylist()
    seen = set[int]()
    for one in sorted(found, key=lambda one: (-one.loss, ids[one.row], one.fold)):
        if one.row not in seen:
            seen.add(one.row)
            yield one


def losses_of(fold: FoldPredictions, scale: np.ndarray | None) -> np.ndarray:
    """Return how wrong each prediction is: float64 (n,), NaN where it is right, or nothing is known."""
    if scale is not None:
        return np.sqrt(row_losses(fold, scale))
    wrong = fold.target != fold.prediction
    if wrong.ndim == 1:
        rows = np.arange(len(wrong))
        sure = np.ones(len(wrong)) if fold.probabilities is None else fold.probabilities[rows, fold.prediction].astype(np.float64)
        return np.where(wrong, sure, np.nan)
    if fold.probabilities is None:
        return np.where(wrong.any(axis=1), wrong.mean(axis=1), np.nan)
    of_truth = np.where(fold.target != 0, fold.probabilities, 1 - fold.probabilities).astype(np.float64)
    return np.where(wrong.any(axis=1), -np.log(np.clip(of_truth, LEAST_TRUTH, 1)).mean(axis=1), np.nan)


def named(form: TargetForm, outputs: Sequence[str], fold: FoldPredictions, entry: int) -> dict[str, tuple[str, ...]]:
    """Return which class or labels are true of an entry, and which are predicted."""
    both = {"true": fold.target[entry], "predicted": fold.prediction[entry]}
    if form == "classes":
        return {what: (outputs[int(code)],) for what, code in both.items()}
    return {what: tuple(name for name, holds in zip(outputs, values, strict=True) if holds) for what, values in both.items()}


def targets_of(outputs: Sequence[str], fold: FoldPredictions, entry: int, scale: np.ndarray) -> dict[str, tuple[str, ...]]:
    """Return the true and the predicted values of an entry's most wrong targets, and their names, in the order of the data set."""
    target, prediction = fold.target[entry], fold.prediction[entry]
    error = np.nan_to_num(np.abs(target - prediction) / np.sqrt(np.where(scale > 0, scale, 1.0)), nan=-1.0)
    worst = [place for place in np.sort(np.argsort(-error, kind="stable")[:MOST_TARGETS]).tolist() if error[place] >= 0]
    return {"targets": tuple(outputs[place] for place in worst), "true": tuple(f"{target[place]:.4g}" for place in worst),
            "predicted": tuple(f"{prediction[place]:.4g}" for place in worst)}
