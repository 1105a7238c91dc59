"""Bias and variance by one parameter, as bias_variance computed them."""

from collections.abc import Iterable, Sequence

from stages.contracts.checked import shortened
from stages.contracts.documents.bias_variance_document import LOSSES, BiasVariance
from stages.contracts.documents.results_document import unknown_names
from stages.contracts.paths import bias_variance_dir
from stages.contracts.task import TargetForm
from stages.foundation.documents import read_document
from stages.foundation.errors import InputError


def bias_variances(dataset: str, modalities: Sequence[str], form: TargetForm, n_folds: int) -> tuple[BiasVariance, ...]:
    """Return the studies of a data set, by model; without those that are not applicable.

    Args:
        modalities, form: of the data set and its targets. n_folds: outer folds of all repeats.
    Raises:
        InputError: if a study is of other modalities, targets or folds.
    """
    found = []
    for path in sorted(bias_variance_dir(dataset).glob("*/bias_variance.json")):
        study = read_document(path, BiasVariance)
        if wrong := list(_mistakes(study, modalities, form, n_folds)):
            raise InputError(f"{path}: {'; '.join(shortened(wrong))}; run `dvc repro`")
        found += [study] if study.points else []
    return tuple(found)


def _mistakes(study: BiasVariance, modalities: Sequence[str], form: TargetForm, n_folds: int) -> Iterable[str]:
    yield from unknown_names("modalities", study.modalities, "modalities of the data set", modalities)
    if study.loss != LOSSES[form]:
        yield f"loss: expected {LOSSES[form]!r}, found {study.loss!r}"
    for place, point in enumerate(study.points):
        if len(point.bias) != n_folds:
            yield f"points.{place}: is of {len(point.bias)} folds; expected {n_folds}"
