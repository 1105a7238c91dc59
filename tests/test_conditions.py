"""Models that are fitted again predict what train wrote; what they predict of corrupted and incomplete samples follows from it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from test_fusions import MODELS, PLAIN, WAYS, all_results, declared
from toy_problem import time_ordered, toy_problem
from toy_samples import features_metadata

from stages.conditions.changed_samples import ExaminedSamples
from stages.conditions.fold_models import FoldAnswers, FoldModels, fold_models, keys_of
from stages.conditions.refits import ConfigGrid
from stages.conditions.trained_folds import Trained, TrainedFold
from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.model import Config, Estimator, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.contracts.sample_condition import Condition, parsed_condition
from stages.features.encoders import Dense, Raw, Sparse
from stages.features.feature_blocks import Block
from stages.foundation.errors import InputError
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.target_forms import FORMS, fit_scale

LATE = ("late_mean", "late_weighted", "late_stacked")


def ids_of(rows: np.ndarray) -> pa.Array:
    return pa.array([f"{row:04d}" for row in rows.tolist()])


def written(found: list[FoldResult], tmp: Any) -> Trained:
    """Return results as train would have written them, the settings as JSON with sorted keys."""
    folds = {}
    for result in found:
        settings = json.loads(json.dumps(result.configs[result.chosen], sort_keys=True))
        key = ("+".join(result.modalities), result.fusion, result.fold.repeat, result.fold.index)
        folds[key] = TrainedFold(result.chosen, settings, ids_of(result.fold.test), (result.prediction, result.probabilities))
    return Trained(tmp, folds)


def learned(
    model: Any, problem: Problem, tmp: Any, *ways: str, settings: Any = None, tuning_rows: int | None = None, calibration: Any = "none"
) -> tuple[Trained, list[FoldModels]]:
    """Return what train finds, and the models of every outer fold, fitted again."""
    sweep = as_sweep(model)
    chosen = settings or sweep.settings()
    options = {"tuning_rows": tuning_rows, "calibration": calibration}
    trained = written(all_results(model, problem, declared(*ways), chosen, **options), tmp)
    grid = ConfigGrid(sweep.grid(chosen, problem.seed), model.path if isinstance(model, Estimator) else None)
    learner = LearnerSetup(sweep, chosen, tuning_rows, (), calibration)
    return trained, [fold_models(learner, problem, fold, grid, declared(*ways), trained) for fold in problem.folds]


def raws_of(problem: Problem, models: FoldModels) -> dict[str, Raw]:
    return {name: block.raw.taken(models.test_rows((name,))) for name, block in problem.blocks.items()}


def clean_of(problem: Problem, models: FoldModels) -> FoldAnswers:
    return models.predicted(raws_of(problem, models), {})


def require_what_train_wrote(problem: Problem, trained: Trained, folds: list[FoldModels]) -> None:
    spread = None if FORMS[problem.form].has_probabilities else fit_scale(problem.target).deviation
    n_compared = 0
    for models in folds:
        for key, rows, answers in keys_of(models, clean_of(problem, models)):
            trained.require_same(key, ids_of(rows), answers, spread)
            n_compared += 1
    assert n_compared == len(trained.folds)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_what_is_fitted_again_predicts_what_train_wrote(model: str, task: str, tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("text", "image", "table"), task=task)
    kind, settings = MODELS[model]
    require_what_train_wrote(problem, *learned(kind, problem, tmp_path, *WAYS, settings=settings))


def test_so_it_does_on_a_sample_in_time_calibrated_and_where_samples_lack_a_modality(tmp_path: Any) -> None:
    labels, small = toy_problem(n=180, modalities=("image", "text"), task="multilabel"), MODELS["svm"][1]
    require_what_train_wrote(labels, *learned(MODELS["svm"][0], labels, tmp_path, *WAYS, settings=small, tuning_rows=60))
    dense = toy_problem(n=120, modalities=("image", "table"))
    require_what_train_wrote(dense, *learned(PLAIN, dense, tmp_path, *WAYS, calibration="temperature"))
    ordered = time_ordered(toy_problem(n=160, modalities=("image", "text")))
    require_what_train_wrote(ordered, *learned(MODELS["knn"][0], ordered, tmp_path, *WAYS, settings=MODELS["knn"][1]))
    partly = toy_problem(n=96, modalities=("image", "text"))
    block = replace(partly.blocks["image"], present=np.arange(96) % 4 != 1, _shared={})
    partly = replace(partly, blocks={**partly.blocks, "image": block})
    require_what_train_wrote(partly, *learned(MODELS["knn"][0], partly, tmp_path, *WAYS, settings=MODELS["knn"][1]))


def test_other_features_or_another_grid_are_refused(tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("image", "text"))
    kind, settings = MODELS["knn"]
    trained, folds = learned(kind, problem, tmp_path, *WAYS, settings=settings)
    raws = raws_of(problem, folds[0])
    other = folds[0].predicted({**raws, "image": Dense(raws["image"].values[::-1].copy())}, {})
    with pytest.raises(InputError, match=r"predictions\.arrow: image, early, repeat 0, fold 0: the chosen configuration, fitted again, "
                                         r"predicts \d+ of 24 test rows otherwise; .*`dvc repro`"):  # fmt: skip
        for key, rows, answers in keys_of(folds[0], other):
            trained.require_same(key, ids_of(rows), answers, None)
    key = ("image", EARLY, 0, 0)
    changed = Trained(tmp_path, {**trained.folds, key: replace(trained.folds[key], settings={"n_neighbors": 99})})
    grid = ConfigGrid(kind.grid(settings, 0))
    with pytest.raises(InputError, match=r"sweep\.arrow: configuration \d+, \{'n_neighbors': 99\}, is not that of the grid"):
        fold_models(LearnerSetup(kind, settings), problem, problem.folds[0], grid, declared(*WAYS), changed)
    with pytest.raises(InputError, match="no predictions of image, early, repeat 0, fold 0; run"):
        fold_models(LearnerSetup(kind, settings), problem, problem.folds[0], grid, declared(*WAYS), Trained(tmp_path))


# ---------------------------------------------------------------- a modality is missing
Three = tuple[Problem, FoldModels, FoldAnswers]


@pytest.fixture(scope="module")
def of_three(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """Return the models of one outer fold with three modalities, and what they predict of clean samples."""
    problem = toy_problem(n=90, modalities=("text", "image", "table"))
    problem = replace(problem, folds=problem.folds[:1])
    _, (models,) = learned(MODELS["knn"][0], problem, tmp_path_factory.mktemp("three"), *WAYS, settings=MODELS["knn"][1])
    return problem, models, clean_of(problem, models)


def test_where_no_sample_lacks_it_nothing_changes(of_three: Three) -> None:
    problem, models, clean = of_three
    nobody = np.zeros(len(models.fold.test), bool)
    for name in problem.blocks:
        found = models.without(clean, name, nobody)
        assert {member for member in clean.by_member if name in member[1]} == set(found.by_member)
        for member, answers in found.by_member.items():
            assert np.array_equal(answers[0], clean.by_member[member][0]) and np.array_equal(answers[1], clean.by_member[member][1])


def test_early_fusion_is_answered_by_the_model_of_the_others(of_three: Three) -> None:
    _, models, clean = of_three
    absent = np.arange(len(models.fold.test)) % 3 == 0
    found = models.without(clean, "image", absent)
    whole, others = clean.by_member[EARLY, ("text", "image", "table")], clean.by_member[EARLY, ("text", "table")]
    expected = np.where(absent, others[0], whole[0])
    assert np.array_equal(found.by_member[EARLY, ("text", "image", "table")][0], expected)
    alone = clean.by_member[EARLY, ("text",)][0]
    for way in (EARLY, "early_weighted"):  # of two, one alone is left
        pair = found.by_member[way, ("text", "image")][0]
        assert np.array_equal(pair[absent], alone[absent]) or way == "early_weighted"
        assert np.array_equal(pair[~absent], clean.by_member[way, ("text", "image")][0][~absent])


def test_late_fusion_is_answered_by_the_other_members(of_three: Three) -> None:
    _, models, clean = of_three
    everybody, whole = np.ones(len(models.fold.test), bool), ("text", "image", "table")
    found = models.without(clean, "image", everybody)
    text, table = clean.members["text"], clean.members["table"]
    for way in ("late_mean", "late_stacked"):
        np.testing.assert_allclose(found.by_member[way, whole][1], ((text + table) / 2).astype(np.float32), rtol=0, atol=1e-6)
    weights = models.late["late_weighted", whole].of_others["image"]
    assert weights[1] == 0 and weights.sum() == pytest.approx(1)
    fused = weights[0] * text + weights[2] * table
    np.testing.assert_allclose(found.by_member["late_weighted", whole][1], fused.astype(np.float32), rtol=0, atol=1e-6)
    for way in LATE:  # of two, one alone is left
        np.testing.assert_allclose(found.by_member[way, ("text", "image")][1], text.astype(np.float32), rtol=0, atol=1e-6)


def test_the_chosen_way_is_the_one_chosen_on_the_fold(of_three: Three) -> None:
    _, models, clean = of_three
    for found in (clean, models.without(clean, "text", np.arange(len(models.fold.test)) % 2 == 0)):
        for modalities, way in models.chosen.items():
            if (CHOSEN, modalities) in found.by_member:
                assert found.by_member[CHOSEN, modalities] is found.by_member[way, modalities]


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_with_nothing_left_the_training_rows_answer(task: str, tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("image",), task=task)
    _, (models, *_) = learned(MODELS["knn"][0], problem, tmp_path, "early", settings=MODELS["knn"][1])
    clean = clean_of(problem, models)
    prediction, probabilities = models.without(clean, "image", np.ones(len(models.fold.test), bool)).by_member[EARLY, ("image",)]
    target = problem.target[models.fold.train]
    if task == "multiclass":
        shares = np.bincount(target, minlength=3) / len(target)
        assert (prediction == shares.argmax()).all() and probabilities == pytest.approx(np.tile(shares, (len(prediction), 1)), abs=1e-6)
    elif task == "multilabel":
        assert (prediction == (target.mean(axis=0) >= 0.5)).all()
    else:
        assert prediction == pytest.approx(np.tile(np.nanmean(target, axis=0), (len(prediction), 1)))


# ---------------------------------------------------------------- a modality is noisy
def test_the_same_features_change_nothing_and_others_change_only_what_sees_them(of_three: Three) -> None:
    problem, models, clean = of_three
    raws = raws_of(problem, models)
    same = models.predicted(raws, clean.members, "image")
    assert {member for member in clean.by_member if "image" in member[1]} == set(same.by_member)
    for member, answers in same.by_member.items():
        assert np.array_equal(answers[0], clean.by_member[member][0])
    noisy = models.predicted({**raws, "image": Dense(raws["image"].values[::-1].copy())}, clean.members, "image")
    assert noisy.members["text"] is clean.members["text"]
    assert not np.array_equal(noisy.members["image"], clean.members["image"])


def test_test_rows_alone_are_changed(of_three: Three) -> None:
    """What is fitted is what it was: corrupted features pass through the encoders of the clean training rows."""
    problem, models, clean = of_three
    before = {name: state.arrays for refit in models.refits.values() for name, state in refit.states.items()}
    raws = raws_of(problem, models)
    models.predicted({**raws, "table": raws["table"].taken(np.arange(len(models.fold.test))[::-1])}, clean.members, "table")
    for refit in models.refits.values():
        for name, state in refit.states.items():
            fresh = problem.blocks[name].raw.fit(models.fold.train, problem.blocks[name].settings)
            assert state.arrays.keys() == before[name].keys() == fresh.arrays.keys()
            assert all(np.array_equal(state.arrays[key], fresh.arrays[key]) for key in fresh.arrays)


def two_blocks(other: str, n: int = 300) -> Problem:
    """Return a problem of a useful modality and another that repeats it or says nothing."""
    problem, rng = toy_problem(n=n, modalities=("image", "table")), np.random.default_rng(1)
    useful = np.eye(3)[problem.target] + 0.3 * rng.standard_normal((n, 3))
    second = np.eye(3)[problem.target] + 0.3 * rng.standard_normal((n, 3)) if other == "redundant" else rng.standard_normal((n, 3))
    blocks = {"useful": Block("useful", Dense(useful.astype(np.float32)), {}), other: Block(other, Dense(second.astype(np.float32)), {})}
    return replace(problem, blocks=blocks, combinations=(("useful",), (other,), ("useful", other)), folds=problem.folds[:1])


def accuracies(problem: Problem, models: FoldModels, found: FoldAnswers) -> dict[str, float]:
    """Return the accuracy of each way of fusing all modalities."""
    target, whole = problem.target[models.fold.test], problem.combinations[-1]
    return {way: float((answers[0] == target).mean()) for (way, modalities), answers in found.by_member.items() if modalities == whole}


def test_a_redundant_modality_stands_in_for_a_missing_one_and_a_useless_one_does_not(tmp_path: Any) -> None:
    kept = {}
    for other in ("redundant", "useless"):
        problem = two_blocks(other)
        _, (models,) = learned(MODELS["knn"][0], problem, tmp_path, *WAYS, settings=MODELS["knn"][1])
        clean = clean_of(problem, models)
        gone = models.without(clean, "useful", np.ones(len(models.fold.test), bool))
        before, after = (accuracies(problem, models, found) for found in (clean, gone))
        kept[other] = {way: after[way] / before[way] for way in (EARLY, *LATE)}
    assert min(kept["redundant"].values()) > 0.9
    assert max(kept["useless"].values()) < 0.6


def test_noise_of_one_modality_hurts_neighbors_of_fused_blocks_more_than_fused_votes(tmp_path: Any) -> None:
    """Distances of blocks side by side are those of the noise; of votes, one member's are scattered and the other's decide."""
    problem = two_blocks("redundant")
    knn = MODELS["knn"][0]
    settings = knn.settings(n_neighbors=(9,), metric=("euclidean",))
    _, (models,) = learned(knn, problem, tmp_path, *WAYS, settings=settings)
    clean, raws = clean_of(problem, models), raws_of(problem, models)
    noise = 20 * np.random.default_rng(2).standard_normal(raws["useful"].values.shape)
    noisy = models.predicted({**raws, "useful": Dense((raws["useful"].values + noise).astype(np.float32))}, clean.members, "useful")
    before, after = (accuracies(problem, models, found) for found in (clean, noisy))
    assert min(before.values()) > 0.9
    assert after["late_mean"] > after[EARLY] + 0.2


# ---------------------------------------------------------------- the changed samples
def texts_of(order: np.ndarray) -> ExaminedSamples:
    """Return samples of one text each, named by their number, in some order."""
    problem = toy_problem(n=len(order), modalities=("text",))
    samples = pa.table({"sample_id": ids_of(order), "text": [f"sample {row} of many words" for row in order.tolist()]})
    samples = samples.replace_schema_metadata({})
    return ExaminedSamples.of(problem, samples, pa.chunked_array([ids_of(order)]), {"text": features_metadata("text", encoding="sparse")})


def test_who_lacks_a_modality_at_some_share_lacks_it_at_a_larger_one_whatever_the_order() -> None:
    order = np.arange(600)
    whole = Fold(0, 0, order[:0], order, np.zeros(0, np.int16), 2)
    by_share = [texts_of(order).absent(whole, Condition("text", "missing", share)) for share in (0.25, 0.5, 1.0)]
    assert by_share[2].all()
    assert (by_share[0] <= by_share[1]).all()
    assert [mask.mean() for mask in by_share[:2]] == pytest.approx([0.25, 0.5], abs=0.06)
    turned = texts_of(order[::-1]).absent(whole, Condition("text", "missing", 0.25))
    assert np.array_equal(turned[::-1], by_share[0])
    other = texts_of(order).absent(whole, Condition("sound", "missing", 0.25))
    assert not np.array_equal(other, by_share[0])


def test_a_sample_that_the_splits_name_must_be_there() -> None:
    found = texts_of(np.arange(30))
    with pytest.raises(InputError, match=r"samples\.arrow: 1 sample\(s\) of the splits are not in it; run `dvc repro`"):
        ExaminedSamples.of(found.problem, found.samples.slice(1), pa.chunked_array([found.ids]), found.features)


def test_a_sample_that_cannot_be_read_any_more_is_named() -> None:
    found = texts_of(np.arange(30))
    texts = [None if row == 6 else "some words" for row in range(30)]
    broken = replace(found, samples=found.samples.set_column(1, "text", pa.array(texts, pa.string())))
    with pytest.raises(InputError, match=r"toy: text/typos/0\.1: 1 sample\(s\) cannot be read once they are corrupted, first '0006': the "
                                         r"sample is missing \(null\); leave this corruption out"):  # fmt: skip
        broken.corrupted(found.problem.folds[0], Condition("text", "typos", 0.1))


def test_corrupted_test_samples_are_read_as_featurize_reads_them() -> None:
    """Sparse counts of the same words where nothing was mistyped, of others where something was."""
    found = texts_of(np.arange(30))
    fold = found.problem.folds[0]
    few, many = (found.corrupted(fold, Condition("text", "typos", strength)) for strength in (1e-9, 0.5))
    assert isinstance(few, Sparse) and isinstance(many, Sparse)
    assert len(few.offsets) == len(many.offsets) == len(fold.test) + 1
    assert not np.array_equal(few.indices, many.indices)


# ---------------------------------------------------------------- names and paths
def test_conditions_are_named_and_read_back() -> None:
    condition = Condition("force_torque", "noise", 0.05)
    assert condition.name == "force_torque/noise/0.05" and parsed_condition(condition.name) == condition
    with pytest.raises(ValueError, match="unpack"):
        parsed_condition("clean")


def test_a_path_ends_in_the_chosen_configuration() -> None:
    configs: list[Config] = [{"C": C, "kernel": kernel} for kernel in ("a", "b") for C in (1, 10, 100)]
    assert ConfigGrid(configs, "C").until(4) == [{"C": 1, "kernel": "b"}, {"C": 10, "kernel": "b"}]
    assert ConfigGrid(configs).until(4) == [configs[4]]
