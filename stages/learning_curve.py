"""Train a model on growing shares of the training rows: how its held-out scores grow with rows."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from dataclasses import replace

from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.registry import component
from stages.learning_curves.curve_results import CurveResults, curve_results, write_curve
from stages.learning_curves.curve_settings import LearningCurveEntry
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup
from stages.training.read_problem import read_problem
from stages.training.row_groups import groups_of
from stages.training.studied_problem import studied_problem
from stages.training.train_settings import used_train_settings


def main(dataset: str, name: str) -> None:
    """Write the learning curve of models.<name> on a data set, or why there is none."""
    params = read_params()
    entry: LearningCurveEntry = section(params, f"learning_curves.{name}", LearningCurveEntry)
    model = as_sweep(component("models", name))
    used = used_train_settings(dataset, "learning_curve")
    learner = LearnerSetup(model, section(params, f"models.{name}", model.settings), used.tuning_rows)
    data = read_problem(dataset, params, used)
    applicable = studied_problem(f"learning_curves.{name}", model, dataset, entry.datasets, data)
    if isinstance(applicable, str):
        write_curve(name, CurveResults({}, {}), data, not_applicable=applicable)
        return
    if entry.combinations == "largest":
        applicable = replace(applicable, combinations=applicable.combinations[-1:])
    found = curve_results(learner, dataset, applicable, groups=groups_of(dataset, len(data.sample_ids)), n_halvings=entry.n_halvings)
    for share, why in sorted(found.skipped.items()):
        print(f"{name} {dataset}: no model of {share:g} of the training rows: {why}", flush=True)
    write_curve(name, found, replace(data, problem=applicable))


if __name__ == "__main__":
    run_stage(main)
