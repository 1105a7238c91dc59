"""Predict corrupted and incomplete test samples with the models that train chose: what a missing or noisy modality costs each of them.

The models are fitted again, with the first seed, and must predict of clean samples what train wrote. Nothing is fitted to a changed sample:
configurations, encoders, thresholds and weights stay those of the clean training rows.
"""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from dataclasses import replace

from stages.conditions.changed_samples import ExaminedSamples
from stages.conditions.condition_results import Examined, condition_rows, write_conditions
from stages.conditions.condition_settings import ConditionsEntry
from stages.conditions.declared_conditions import declared_conditions, units_of
from stages.conditions.refits import ConfigGrid
from stages.conditions.trained_folds import read_trained
from stages.contracts.model import Estimator
from stages.contracts.paths import predictions_dir, samples_path
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.registry import component
from stages.foundation.tables import read_table
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup
from stages.training.limits import fitting_configs
from stages.training.read_fusions import read_fusions
from stages.training.read_problem import read_problem
from stages.training.studied_problem import studied_problem
from stages.training.train_settings import used_train_settings


def main(dataset: str, name: str) -> None:
    """Write what models.<name> predicts of a data set's test samples under the conditions of conditions.<name>, or why nothing."""
    params = read_params()
    entry: ConditionsEntry = section(params, f"conditions.{name}", ConditionsEntry)
    used = used_train_settings(dataset, f"train.{name}")
    declared = component("models", name)
    model = as_sweep(declared)
    settings = section(params, f"models.{name}", model.settings)
    data = read_problem(dataset, params, used)
    applicable = studied_problem(f"conditions.{name}", model, dataset, entry.datasets, data)
    if isinstance(applicable, str):
        write_conditions(name, [], data, {}, not_applicable=applicable)
        return
    trained = read_trained(predictions_dir(dataset, name), data.problem.seed)
    data = replace(data, problem=applicable)
    read = {modality for modalities in applicable.combinations for modality in modalities}
    features = {modality: about for modality, about in data.features.items() if modality in read}
    samples = ExaminedSamples.of(applicable, read_table(samples_path(dataset)), data.sample_ids, features)
    conditions = declared_conditions(entry, samples.modalities)
    configs = fitting_configs(dataset, model, settings, applicable, tuning_rows=used.tuning_rows)
    learner = LearnerSetup(model, settings, used.tuning_rows, (), used.calibration)
    ways = read_fusions(dataset, incomplete=bool(data.splits.incomplete))
    examined = Examined(learner, ConfigGrid(configs, declared.path if isinstance(declared, Estimator) else None), ways, trained)
    write_conditions(name, list(condition_rows(examined, samples, conditions, data)), data, units_of(samples.modalities))


if __name__ == "__main__":
    run_stage(main)
