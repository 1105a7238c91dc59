"""Whether enough samples have a modality, or all of a combination, that learners can be trained on them and configurations chosen."""

from collections.abc import Iterator

import numpy as np

from stages.contracts.problem import Fold, Problem
from stages.contracts.task import TargetForm
from stages.model_selection.target_forms import FORMS

FEWEST_CLASSES = 2  # in a training set


def output_members(target: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return which samples are of which class, have which label, or a known value of which target: bool (n, n_outputs)."""
    strata = FORMS[form].strata(target, n_outputs)
    return np.asarray(strata.reshape(len(strata), n_outputs, -1).any(axis=2))


def scarcities(inner: np.ndarray, members: np.ndarray, form: TargetForm, n_inner: int) -> Iterator[str]:
    """Yield what the training or validation sets of an outer fold lack, a line each.

    Args:
        inner: int (n,), the inner fold that validates each training sample with the modalities; `n_inner` or above: none.
        members: bool (n, n_outputs), as `output_members` returns them.
    """
    least = FEWEST_CLASSES if form == "classes" else 1
    for fold in (None, *range(n_inner)):
        kept = np.ones(len(inner), bool) if fold is None else inner != fold
        n_outputs = int(members[kept].any(axis=0).sum())
        where = "its training set" if fold is None else f"the training set of inner fold {fold}"
        if n_outputs < least:
            of_classes = f", of {n_outputs} class{'es' * (n_outputs != 1)}" if form == "classes" else ""
            yield f"{where} has {kept.sum()} such samples{of_classes}"
            return
        if fold is not None and kept.all():
            yield f"inner fold {fold} validates no such sample"
            return


def untrainable(problem: Problem) -> dict[tuple[str, ...], str]:
    """Return the combinations that too few samples have all modalities of, each with the reason."""
    members = output_members(problem.target, problem.form, len(problem.outputs))
    found = {}
    for modalities in problem.combinations:
        if problem.complete(modalities) is not None:
            reasons = (_reason(fold, members, problem.form) for fold in problem.part(modalities).folds)
            if why := next((why for why in reasons if why), ""):
                found[modalities] = why
    return found


def _reason(fold: Fold, members: np.ndarray, form: TargetForm) -> str:
    lack = next(scarcities(fold.inner, members[fold.train], form, fold.n_inner), "")
    return f"outer fold {fold.index}: {lack}" if lack else ""
