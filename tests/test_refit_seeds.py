"""Several seeds in train: which models are refitted with them, with what, and what is written of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError
from test_models import problem_for, small, swept
from toy_predictions import Toy
from toy_problem import toy_problem

from stages.foundation.registry import component, names
from stages.foundation.tables import read_table
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.refit_seeds import more_refit_seeds
from stages.models.hist_gradient_boosting import STOPS_EARLY_ABOVE
from stages.training.read_problem import TrainingData
from stages.training.result_tables import ResultsOf, write_results
from stages.training.train_settings import TrainEntry


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("name", names("models"))
def test_another_seed_changes_a_refit_of_what_is_seeded_alone(name: str, task: str) -> None:
    """What a model says of itself is held against it, and the first seed's predictions are those of a run with that seed alone."""
    model, settings = small(name)
    problem, alone = swept(name, task)
    found = list(results(LearnerSetup(model, settings, more_seeds=(11, 12)), problem, model.grid(settings, 0)))
    for one, result in zip(alone, found, strict=True):
        assert one.prediction.tobytes() == result.prediction.tobytes() and one.chosen == result.chosen and not one.reseeded
        assert [refit.seed for refit in result.reseeded] == [11, 12]
    of_seeds = zip(*([result, *result.reseeded] for result in found), strict=True)
    shown = [np.concatenate([(one.prediction if one.probabilities is None else one.probabilities).ravel() for one in of_seed])
             for of_seed in of_seeds]  # fmt: skip
    is_seeded = model.is_seeded(max(len(fold.train) for fold in problem.folds))
    assert [np.array_equal(a, b) for a, b in ((shown[0], shown[1]), (shown[0], shown[2]), (shown[1], shown[2]))] == [not is_seeded] * 3
    if not is_seeded:  # nor does it draw anything else
        other = list(results(LearnerSetup(model, settings), replace(problem, seed=5), model.grid(settings, 0)))
        assert [result.prediction.tobytes() for result in other] == [result.prediction.tobytes() for result in alone]


@pytest.mark.parametrize("name", ["mlp", "random_forest"])
def test_a_seed_gives_the_same_refit_whatever_the_number_of_cores(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where configurations are compared on a sample, and the chosen one is fitted on all rows."""
    model, settings = small(name)
    problem, found = problem_for(model, modalities=("image", "table")), []
    for cores in ("1", "3"):
        monkeypatch.setenv("SENSORIUM_CORES", cores)
        reached = results(LearnerSetup(model, settings, more_seeds=(11, 12), tuning_rows=40), problem, model.grid(settings, 0))
        found.append([refit.probabilities.tobytes() for result in reached for refit in result.reseeded])
    assert found[0] == found[1] and len(found[0]) == 2 * len(problem.folds) * len(problem.combinations)


def test_gradient_boosting_draws_from_where_scikit_learn_stops_early() -> None:
    """At 10,000 rows no seed matters, at one row more it does."""
    model, generator = component("models", "hist_gradient_boosting"), np.random.default_rng(0)
    for n_rows in (STOPS_EARLY_ABOVE, STOPS_EARLY_ABOVE + 1):
        x, y = generator.standard_normal((n_rows, 2)), generator.integers(0, 2, n_rows)
        made = [model.make({"max_iter": 2, "max_leaf_nodes": 4}, "classes", seed).fit(x, y).predict_proba(x[:500]) for seed in (0, 1)]
        assert np.array_equal(*made) is not model.is_seeded(n_rows)


def test_further_seeds_follow_from_that_of_params_and_what_draws_nothing_has_none() -> None:
    problem = toy_problem()
    found = {name: more_refit_seeds(as_sweep(component("models", name)), problem, 3) for name in ("mlp", "random_forest", "knn", "linear")}
    assert found["knn"] == found["linear"] == () and found["mlp"] == found["random_forest"]
    mlp = component("models", "mlp")
    assert len({problem.seed, *found["mlp"]}) == 3 and more_refit_seeds(mlp, problem, 2) == found["mlp"][:1]
    assert not set(more_refit_seeds(mlp, replace(problem, seed=1), 3)) & set(found["mlp"])
    assert more_refit_seeds(mlp, problem, 1) == ()


@pytest.mark.parametrize("value", [0, 101, 2.5])
def test_a_number_of_seeds_that_makes_no_sense_is_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="n_seeds"):
        TrainEntry(n_seeds=value)


def test_rows_of_every_seed_are_written_and_the_rest_once(tmp_path: Path) -> None:
    model, settings = small("mlp")
    problem = problem_for(model, modalities=("image",))
    n, configs = len(problem.target), model.grid(settings, 0)
    splits = Toy(outputs=problem.outputs, modalities=("image",), n_samples=n, n_folds=3, n_inner_folds=2).splits_metadata
    data = TrainingData(problem, pa.chunked_array([[f"s{row}" for row in range(n)]]), splits, {})
    for name, more in (("one", ()), ("several", (11, 12))):
        found = list(results(LearnerSetup(model, settings, more_seeds=more, critical_points=True), problem, configs))
        write_results(tmp_path / name, found, data, ResultsOf("mlp"))
    for table in ("sweep", "curves", "notes", "critical_points"):
        one, several = (read_table(tmp_path / name / f"{table}.arrow") for name in ("one", "several"))
        assert one.replace_schema_metadata().equals(several.replace_schema_metadata())  # the metadata name the seeds
    rows, whole = (read_table(tmp_path / name / "predictions.arrow") for name in ("one", "several"))
    assert pc.value_counts(whole["seed"]).to_pylist() == [{"values": seed, "counts": len(rows)} for seed in (problem.seed, 11, 12)]
    assert whole.filter(pc.equal(whole["seed"], problem.seed)).equals(rows)


def test_networks_of_other_seeds_start_from_other_weights() -> None:
    """In one batch with all rows their order hardly matters, so that what differs is where the networks start."""
    model = component("models", "mlp")
    settings = model.settings(hidden_layer_sizes=[[8]], activation=["relu"], learning_rate_init=[0.01], weight_decay=[0.001], max_iter=5,
                              batch_size=1000)  # fmt: skip
    problem = problem_for(model, modalities=("image",))
    for result in results(LearnerSetup(model, settings, more_seeds=(11, 12)), problem, model.grid(settings, 0)):
        first, *others = [refit.probabilities for refit in (result, *result.reseeded)]
        assert min(np.abs(first - other).max() for other in others) > 1e-2
