"""Predict corrupted test samples with the models that train chose: what a noisy modality costs each of them.

The models are fitted again, with all of their seeds, and must predict of clean samples what train wrote. Nothing is fitted to a changed
sample: configurations, encoders, thresholds and weights stay those of the clean training rows. Samples that lack a modality need no model:
evaluate answers them by other candidates' predictions.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split

from stages.conditions.changed_samples import ExaminedSamples
from stages.conditions.condition_results import Examined, condition_rows, write_conditions
from stages.conditions.condition_settings import read_conditions
from stages.conditions.declared_conditions import declared_conditions, units_of
from stages.conditions.refits import ConfigGrid
from stages.conditions.trained_folds import read_trained
from stages.contracts.model import Estimator
from stages.contracts.paths import predictions_dir, samples_path
from stages.foundation.entry import run_stage
from stages.foundation.params_file import parse, read_params
from stages.foundation.registry import component
from stages.foundation.tables import read_table
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.refit_seeds import more_refit_seeds
from stages.training.limits import fitting_combinations, fitting_configs, readable
from stages.training.read_fusions import read_fusions
from stages.training.read_problem import TrainingData, read_problem
from stages.training.train_settings import used_train_settings


def main(dataset: str) -> None:
    """Write what models predict of a data set's test samples under the conditions that check wrote for it: none, a table without rows."""
    declared = read_conditions(dataset)
    control = used_train_settings(dataset, "control")  # of all models, the metric that chooses
    data = read_problem(dataset, read_params(), control)
    samples = ExaminedSamples.of(data.problem, read_table(samples_path(dataset)), data.sample_ids, data.features)
    conditions = declared_conditions(declared.corruptions, samples.modalities)
    found, not_applicable = list[Examined](), dict[str, str]()
    for name, settings in declared.models.items():
        model = examined(dataset, name, settings, data)
        if isinstance(model, str):
            print(f"{name} {dataset}: not applicable: {model}", flush=True)
            not_applicable[name] = model
        else:
            found.append(model)
    tables = list(condition_rows(found, samples, conditions, data)) if conditions else []
    write_conditions(tables, data, found, not_applicable, units_of(samples.modalities))


def examined(dataset: str, name: str, values: object, data: TrainingData) -> Examined | str:
    """Return what train made of models.<name>, or why it cannot read the data set; values: its settings, as they stand in params.yaml."""
    used, declared = used_train_settings(dataset, f"train.{name}"), component("models", name)
    model = as_sweep(declared)
    problem = readable(model, data.problem, {modality: about.encoding for modality, about in data.features.items()})
    if isinstance(problem, str):
        return problem
    settings = parse(values, f"models.{name}", model.settings)
    configs = fitting_configs(dataset, model, settings, problem, tuning_rows=used.tuning_rows)
    problem = fitting_combinations(model, problem, configs, used.tuning_rows)
    learner = LearnerSetup(model, settings, used.tuning_rows, more_refit_seeds(model, problem, used.n_seeds), used.calibration)
    grid = ConfigGrid(configs, declared.path if isinstance(declared, Estimator) else None)
    ways = read_fusions(dataset, incomplete=bool(data.splits.incomplete))
    return Examined(learner, problem, grid, ways, read_trained(predictions_dir(dataset, name)))


if __name__ == "__main__":
    run_stage(main)
