"""Train a model on bootstraps of the training rows: bias and variance of its loss by the values of one parameter."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from stages.contracts.candidate import EARLY
from stages.contracts.documents.bias_variance_document import LOSSES, BiasVariance, CapacityPoint
from stages.contracts.paths import bias_variance_path
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.params_file import parse, read_params, section, value_at
from stages.foundation.registry import component
from stages.learning_curves.bias_settings import BiasVarianceEntry
from stages.learning_curves.bootstraps import Grid, capacity_points
from stages.learning_curves.curve_groups import groups_of
from stages.learning_curves.studied_problem import studied_problem
from stages.model_selection.estimator_sweep import as_sweep
from stages.training.limits import fitting_configs
from stages.training.read_problem import read_problem


def main(dataset: str, name: str) -> None:
    """Write bias and variance of models.<name> on a data set, all modalities together, or why there is none."""
    params = read_params()
    entry: BiasVarianceEntry = section(params, f"bias_variance.{name}", BiasVarianceEntry)
    model = as_sweep(component("models", name))
    settings = parse(entry.swept(value_at(params, f"models.{name}") or {}), f"models.{name}", model.settings)
    data = read_problem(dataset, params)
    applicable = studied_problem(f"bias_variance.{name}", model, dataset, entry.datasets, data)
    points: list[CapacityPoint] = []
    modalities: tuple[str, ...] = ()
    if not isinstance(applicable, str):
        modalities = applicable.combinations[-1]
        problem = applicable.part(modalities)
        grid = Grid(model, settings, fitting_configs(dataset, model, settings, problem), entry.parameter)
        points = capacity_points(grid, problem, groups_of(dataset, len(data.sample_ids)), entry.n_bootstraps)
    why = applicable if isinstance(applicable, str) else None
    write_document(bias_variance_path(dataset, name), BiasVariance(
        dataset=dataset, model=name, modalities=modalities, fusion=EARLY, parameter=entry.parameter, loss=LOSSES[data.problem.form],
        n_bootstraps=entry.n_bootstraps, points=tuple(points), not_applicable=why,
    ))  # fmt: skip


if __name__ == "__main__":
    run_stage(main)
