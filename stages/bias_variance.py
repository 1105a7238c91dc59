"""Train a model on bootstraps of the training rows: bias and variance of its loss by the values of one parameter."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from stages.bias_variances.bias_settings import BiasVarianceEntry
from stages.bias_variances.bootstraps import Grid, capacity_points
from stages.bias_variances.compared_values import comparable, skipped_values
from stages.contracts.candidate import EARLY
from stages.contracts.documents.bias_variance_document import LOSSES, BiasVariance, CapacityPoint, SkippedValue
from stages.contracts.paths import bias_variance_path
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.params_file import parse, read_params, section, value_at
from stages.foundation.registry import component
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.tuning_sample import smallest_inner_training_set
from stages.training.limits import fitting_configs
from stages.training.read_problem import read_problem
from stages.training.row_groups import groups_of
from stages.training.studied_problem import studied_problem
from stages.training.train_settings import used_train_settings


def main(dataset: str, name: str) -> None:
    """Write bias and variance of models.<name> on a data set, all modalities together, or why there is none."""
    params = read_params()
    entry: BiasVarianceEntry = section(params, f"bias_variance.{name}", BiasVarianceEntry)
    model = as_sweep(component("models", name))
    settings = parse(entry.swept(value_at(params, f"models.{name}") or {}), f"models.{name}", model.settings)
    data = read_problem(dataset, params, used_train_settings(dataset, "bias_variance"))
    applicable = studied_problem(f"bias_variance.{name}", model, dataset, entry.datasets, data)
    points: list[CapacityPoint] = []
    skipped: tuple[SkippedValue, ...] = ()
    modalities: tuple[str, ...] = ()
    if not isinstance(applicable, str):
        modalities = applicable.combinations[-1]
        problem = applicable.part(modalities)
        fitting = fitting_configs(dataset, model, settings, problem, key="" if entry.values is None else f"bias_variance.{name}.values")
        grid = comparable(Grid(model, settings, fitting, entry.parameter))
        whole = model.approximated(model.grid(settings, problem.seed), settings, problem)
        skipped = skipped_values(whole, fitting, grid, smallest_inner_training_set(problem))
        for value in skipped:
            print(f"{name} {dataset}: {entry.parameter} {value.value} is not compared: {value.why}", flush=True)
        if len(grid.values) < 2:
            applicable = f"fewer than two values of {entry.parameter} can be compared"
        else:
            points = capacity_points(grid, problem, groups_of(dataset, len(data.sample_ids)), entry.n_bootstraps)
    why = applicable if isinstance(applicable, str) else None
    write_document(bias_variance_path(dataset, name), BiasVariance(
        dataset=dataset, model=name, modalities=modalities, fusion=EARLY, parameter=entry.parameter, loss=LOSSES[data.problem.form],
        n_bootstraps=entry.n_bootstraps, points=tuple(points), skipped=skipped, not_applicable=why,
    ))  # fmt: skip


if __name__ == "__main__":
    run_stage(main)
