"""Compute the controls of one data set: what the scores of learners stand next to, on the same folds and by the same metrics."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
import shutil
from dataclasses import replace
from typing import Any

from stages.contracts.control import Control, ControlData, Leaking, Randomised
from stages.contracts.model import FoldResult
from stages.contracts.paths import controls_dir
from stages.controlling.control_data import read_control_data
from stages.controlling.control_results import control_results, controlled
from stages.controlling.leaking_predictions import leaking_predictions
from stages.controlling.randomised_scores import randomised_scores
from stages.foundation.documents import write_document
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section, value_at
from stages.foundation.registry import component
from stages.foundation.tables import write_table
from stages.training.read_problem import TrainingData, read_problem
from stages.training.result_tables import ResultsOf, write_results
from stages.training.train_settings import used_train_settings


def main(dataset: str) -> None:
    """Write the predictions of every control that params.yaml declares, or why it does not apply to these data."""
    params = read_params()
    training = read_problem(dataset, params, used_train_settings(dataset, "control"))
    data = read_control_data(dataset, training)
    shutil.rmtree(controls_dir(dataset), ignore_errors=True)  # a control that params.yaml no longer names
    for name in value_at(params, "controls"):
        control: Control = component("controls", name)
        write_control(dataset, control, section(params, f"controls.{name}", control.settings), training, data)


def write_control(dataset: str, control: Control, settings: Any, training: TrainingData, data: ControlData) -> None:
    """Write the predictions of one control, or its scores if it is randomised, or those of both protocols, or why it does not apply."""
    folder, why = controls_dir(dataset) / control.name, control.not_applicable(data, settings)
    found: list[FoldResult] | str = why or []
    if isinstance(control, Randomised):
        if why is None:
            write_document(folder / "randomised.json", randomised_scores(dataset, control, data, settings))
            return
    elif isinstance(control, Leaking):
        if why is None:
            write_table(folder / "leaking.arrow", *leaking_predictions(control, data, settings, training))
            return
    elif why is None:
        training = replace(training, problem=controlled(data.problem, control))
        found = control_results(control, data, settings)
    why = found if isinstance(found, str) else None
    if why:
        print(f"{control.name} {dataset}: not applicable: {why}", flush=True)
    about = ResultsOf(control.name, not control.is_diagnostic, control.is_diagnostic, why)
    write_results(folder, [] if isinstance(found, str) else found, training, about)


if __name__ == "__main__":
    run_stage(main)
