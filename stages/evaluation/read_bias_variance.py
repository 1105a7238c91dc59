"""Bias and variance by one parameter, as bias_variance computed them."""

from stages.contracts.documents.bias_variance_document import BiasVariance
from stages.contracts.paths import bias_variance_dir
from stages.foundation.documents import read_document


def bias_variances(dataset: str) -> tuple[BiasVariance, ...]:
    """Return the studies of a data set, by model; without those that are not applicable."""
    found = [read_document(path, BiasVariance) for path in sorted(bias_variance_dir(dataset).glob("*/bias_variance.json"))]
    return tuple(study for study in found if study.points)
