"""Train one model on one data set: the whole grid on every outer fold and modality combination, then the final model."""

import stages.foundation.threads  # noqa: F401 - before numpy is loaded

# isort: split
from dataclasses import replace

from stages.contracts.candidate import EARLY
from stages.contracts.fusion import LateFusion
from stages.contracts.model import FoldResult
from stages.contracts.paths import models_dir, predictions_dir, splits_path
from stages.contracts.problem import Problem
from stages.contracts.tables.splits_table import SplitsMetadata
from stages.foundation.entry import run_stage
from stages.foundation.params_file import read_params, section
from stages.foundation.plain_output import write_line
from stages.foundation.progress import heartbeat
from stages.foundation.registry import component
from stages.foundation.tables import read_described
from stages.model_selection.answered_rows import answered
from stages.model_selection.choice import defined_mean
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fused_models import TrainedLearner
from stages.model_selection.fusing import fused_results, n_results, trained_combinations
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.refit_seeds import more_refit_seeds
from stages.training.estimates import announced, progress_of
from stages.training.limits import fitting_combinations, fitting_configs, readable, require_memory, size_of
from stages.training.read_fusions import read_fusions
from stages.training.read_problem import read_problem
from stages.training.result_tables import ResultsOf, write_results
from stages.training.save_models import Saving, save_models
from stages.training.saved_model import save_not_applicable
from stages.training.train_settings import used_train_settings


def main(dataset: str, name: str) -> None:
    """Train models.<name> on a data set; write predictions, sweep, curves and the final model."""
    params = read_params()
    used = used_train_settings(dataset, f"train.{name}")
    keep = used.keep
    model = as_sweep(component("models", name))
    settings = section(params, f"models.{name}", model.settings)
    # before the features are read, so that it fails fast
    size = size_of(dataset, params, read_described(splits_path(dataset), SplitsMetadata)[1], used)
    require_memory(dataset, model, size, settings)
    data = read_problem(dataset, params, used)
    features = data.features
    for modalities, why in data.untrained.items():
        print(f"{name} {dataset}: {'+'.join(modalities)} is not trained: too few samples have all of it: {why}", flush=True)
    applicable = readable(model, data.problem, {modality: metadata.encoding for modality, metadata in features.items()})
    folder, saved = predictions_dir(dataset, name), models_dir(dataset, name)
    if isinstance(applicable, str):
        print(f"{name} {dataset}: not applicable: {applicable}", flush=True)
        write_results(folder, [], data, ResultsOf(name, not_applicable=applicable))
        save_not_applicable(saved, dataset, name, applicable)
        return
    data = replace(data, problem=applicable)
    problem = data.problem
    configs = fitting_configs(dataset, model, settings, problem, tuning_rows=used.tuning_rows)
    data = replace(data, problem=fitting_combinations(model, problem, configs, used.tuning_rows))
    problem = data.problem
    more_seeds = more_refit_seeds(model, problem, used.n_seeds)
    size = replace(size, n_rows=len(problem.training_rows()), n_seeds=1 + len(more_seeds))
    for line in announced(model, size, settings, configs):
        print(f"{name} {dataset}: {line}", flush=True)
    found: list[FoldResult] = []
    ways = read_fusions(dataset, incomplete=bool(data.splits.incomplete))
    total = n_results(problem, tuple(ways))
    learner = LearnerSetup(model, settings, used.tuning_rows, more_seeds, used.calibration, critical_points=True)
    with heartbeat(progress_of(f"{name} {dataset}", found, total, model, size, settings)):
        for result in results(learner, trained_combinations(problem, ways), configs, out_of_fold="out_of_fold" in keep,
                              members=any(isinstance(way, LateFusion) for way in ways)):  # fmt: skip
            found.append(result)
            write_line(progress(name, dataset, problem, found, total))
        for result in fused_results(learner, problem, ways, configs, tuple(found)):
            found.append(result)
            write_line(progress(name, dataset, problem, found, total))
    write_results(folder, list(answered(problem, found)), data, ResultsOf(name))
    save_models(TrainedLearner(learner, problem, ways, found), Saving(dataset, saved, features), keep_folds="fold_models" in keep)


def progress(name: str, dataset: str, problem: Problem, found: list[FoldResult], total: int) -> str:
    """Return the line that is printed after a result."""
    result = found[-1]
    score = defined_mean(result.inner_scores[problem.scoring][result.chosen])
    way = "" if result.fusion == EARLY else f" {result.fusion}"
    return (f"{name} {dataset} {len(found)}/{total}: repeat {result.fold.repeat} fold {result.fold.index} {'+'.join(result.modalities)}"
            f"{way}: inner {problem.scoring} {score:.3f} with {result.configs[result.chosen]}")


if __name__ == "__main__":
    run_stage(main)
