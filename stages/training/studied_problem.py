"""Whether a study of a model (a learning curve, bias and variance) applies to a data set."""

from collections.abc import Sequence

from stages.contracts.model import Sweep
from stages.contracts.problem import Problem
from stages.training.limits import readable
from stages.training.read_problem import TrainingData


def studied_problem(key: str, model: Sweep, dataset: str, datasets: Sequence[str] | None, data: TrainingData) -> Problem | str:
    """Return the problem with the modality combinations that a model can read, or why there is no study of it, which is printed too.

    Args:
        key: of the study's entry in params.yaml. datasets: that it names; None: all.
    """
    found = readable(model, data.problem, {modality: metadata.encoding for modality, metadata in data.features.items()})
    if datasets is not None and dataset not in datasets:
        found = f"{key}.datasets does not name it"
    if isinstance(found, str):
        print(f"{model.name} {dataset}: not applicable: {found}", flush=True)
    return found
