"""Check the entries under the studies' sections (`learning_curves:` and others): studies of models that params.yaml has."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.bias_variances.bias_settings import BiasVarianceEntry
from stages.checking.known_components import known, refuse_unknown
from stages.contracts.model import no_config
from stages.contracts.settings import Settings
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, nearest
from stages.foundation.registry import component, names
from stages.learning_curves.curve_settings import LearningCurveEntry
from stages.model_selection.estimator_sweep import as_sweep
from stages.params import parse, section
from stages.representations.representation_settings import RepresentationEntry
from stages.weight_reading.weight_settings import ReadWeightsEntry

STUDIES: Mapping[str, type[Settings]] = {
    "learning_curves": LearningCurveEntry, "bias_variance": BiasVarianceEntry, "representations": RepresentationEntry,
    "read_weights": ReadWeightsEntry,
}  # fmt: skip


def check_studies(params: Mapping[str, Any], study: str) -> None:
    """Raise InputError unless a section of studies has valid entries of models that `models:` declares."""
    entries = params.get(study, {})
    if not isinstance(entries, Mapping):
        raise InputError(f"{PARAMS}: {study}: expected a mapping of models, found {entries!r}; `{study}: {{}}` switches it off")
    for name in entries:
        if name not in params["models"]:
            raise InputError(f"{PARAMS}: {study}: models has no entry {name!r}{nearest(str(name), params['models'])}; there are: "
                             f"{', '.join(params['models'])}; add it there, or remove it here")
        entry = section(params, f"{study}.{name}", STUDIES[study])
        refuse_datasets(params, f"{study}.{name}.datasets", entry.datasets or ())
        if isinstance(entry, BiasVarianceEntry):
            check_parameter(params, name, entry)
        if isinstance(entry, RepresentationEntry):
            check_representation(params, name, entry)
        if isinstance(entry, ReadWeightsEntry):
            check_linear(params, name)


def check_linear(params: Mapping[str, Any], name: str) -> None:
    """Raise InputError unless a model has linear configurations."""
    linear = [model for model in params["models"] if as_sweep(known("models", model, f"models.{model}")).is_linear is not no_config]
    if name not in linear:
        raise InputError(f"{PARAMS}: read_weights: {name!r} is no linear model; expected one of {', '.join(linear) or 'none of models'}; "
                         "remove it here")


def refuse_datasets(params: Mapping[str, Any], key: str, datasets: Sequence[str]) -> None:
    """Raise InputError if a data set is not an entry of params.yaml."""
    for dataset in datasets:
        refuse_unknown(dataset, params["datasets"], key, "entry under datasets")


def check_parameter(params: Mapping[str, Any], name: str, entry: BiasVarianceEntry) -> None:
    """Raise InputError unless the entry names a parameter of the model's grid, with two values or more that the model takes."""
    model = as_sweep(known("models", name, f"models.{name}"))
    key = f"{PARAMS}: bias_variance.{name}"
    if entry.parameter not in model.settings.model_fields:
        raise InputError(f"{key}.parameter: {name} has no {entry.parameter!r}{nearest(entry.parameter, model.settings.model_fields)}; its "
                         f"parameters: {', '.join(model.settings.model_fields)}")
    given = params["models"][name] or {}
    try:
        grid = model.grid(parse(entry.swept(given), f"models.{name}", model.settings), 0)
    except InputError as error:
        raise InputError(str(error).replace(f"{PARAMS}: models.{name}.{entry.parameter}", f"{key}.values")) from error
    values = {repr(config[entry.parameter]) for config in grid if entry.parameter in config}
    if len(values) < 2:
        raise InputError(f"{key}: {entry.parameter!r} has {len(values)} value(s) in the grid of models.{name}; expected two or more: list "
                         f"them there, or here under `values` (a parameter that is swept: a list under models.{name})")


def check_representation(params: Mapping[str, Any], name: str, entry: RepresentationEntry) -> None:
    """Raise InputError unless the model has a representation, and `models:` declares the learners, with which they are compared."""
    networks = [model for model in names("models") if as_sweep(component("models", model)).represent is not None]
    if name not in networks:
        raise InputError(f"{PARAMS}: representations.{name}: {name} has no representation; allowed: {', '.join(networks)}")
    for learner in entry.learners:
        if learner not in params["models"]:
            raise InputError(f"{PARAMS}: representations.{name}.learners: models has no entry {learner!r}, on whose features the "
                             f"representation is judged; add it there, or remove it here")
