"""Train kNN and SVM on what a network represents samples by, each network trained without the rows that are predicted."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from dataclasses import replace

from stages.contracts.model import FoldResult
from stages.contracts.paths import predictions_dir
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.plain_output import write_line
from stages.foundation.registry import component
from stages.model_selection.answered_rows import answered
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.representations.network_representations import NetworkRepresentations
from stages.representations.representation_results import chosen_configs, studied_combinations, write_representation
from stages.representations.representation_settings import RepresentationEntry
from stages.representations.represented_sweep import learner_of
from stages.training.limits import fitting_configs
from stages.training.read_problem import read_problem
from stages.training.studied_problem import studied_problem
from stages.training.train_settings import used_train_settings


def main(dataset: str, name: str) -> None:
    """Write what the learners of models.<name>'s representation predict on a data set, or why they do not."""
    params = read_params()
    entry: RepresentationEntry = section(params, f"representations.{name}", RepresentationEntry)
    network = as_sweep(component("models", name))
    settings = section(params, f"models.{name}", network.settings)
    used = used_train_settings(dataset, "representation")
    data = read_problem(dataset, params, used)
    found = studied_problem(f"representations.{name}", network, dataset, entry.datasets, data)
    if not isinstance(found, str):
        configs = chosen_configs(predictions_dir(dataset, name) / "sweep.arrow", used.scoring)
        found = studied_combinations(found, configs, entry.combinations)
    if isinstance(found, str):
        write_line(f"{name} {dataset}: not applicable: {found}")
        write_representation(name, {}, data, not_applicable=found)
        return
    problem = found
    by_learner: dict[str, list[FoldResult]] = {}
    representations = NetworkRepresentations(network, settings, configs)
    for learner in entry.learners:
        model = as_sweep(component("models", learner))
        own = section(params, f"models.{learner}", model.settings)
        grid = fitting_configs(dataset, model, own, problem, tuning_rows=used.tuning_rows)
        setup = LearnerSetup(learner_of(model, representations), own, used.tuning_rows)
        by_learner[learner] = list(answered(problem, list(results(setup, problem, grid))))
        write_line(f"{name} {dataset}: {learner} is trained on its representation")
    write_representation(name, by_learner, replace(data, problem=problem))


if __name__ == "__main__":
    run_stage(main)
