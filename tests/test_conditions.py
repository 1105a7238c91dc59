"""Models that are fitted again predict what train wrote; what they predict of corrupted samples follows from it."""

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
from stages.conditions.fold_models import FoldAnswers, FoldModels, key_of
from stages.conditions.refits import ConfigGrid
from stages.conditions.refitted_fold import RefittedFold
from stages.conditions.trained_folds import Trained, TrainedFold
from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.model import Config, Estimator, FoldResult
from stages.contracts.problem import Fold, Problem
from stages.contracts.sample_condition import Condition, parsed_condition
from stages.features.encoders import Columns, Dense, Raw, Sparse
from stages.features.feature_blocks import Block
from stages.foundation.errors import InputError
from stages.foundation.registry import component
from stages.foundation.tables import column_values
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.protocol import LearnerSetup
from stages.model_selection.target_forms import FORMS, fit_scale
from stages.samples.corrupted_samples import corrupted_features, corruption_of

LATE = ("late_mean", "late_weighted", "late_stacked")


def ids_of(rows: np.ndarray) -> pa.Array:
    return pa.array([f"{row:04d}" for row in rows.tolist()])


def written(found: list[FoldResult], seed: int, tmp: Any) -> Trained:
    """Return results as train would have written them, the settings as JSON with sorted keys."""
    folds = {}
    for result in found:
        settings = json.loads(json.dumps(result.configs[result.chosen], sort_keys=True))
        key = ("+".join(result.modalities), result.fusion, result.fold.repeat, result.fold.index)
        answers = {seed: (result.prediction, result.probabilities)}
        answers |= {other.seed: (other.prediction, other.probabilities) for other in result.reseeded}
        folds[key] = TrainedFold(result.chosen, settings, ids_of(result.fold.test), answers)
    return Trained(tmp, folds)


def learned(model: Any, problem: Problem, tmp: Any, *ways: str, settings: Any = None, **options: Any) -> tuple[Trained, list[FoldModels]]:
    """Return what train finds, and the models of every outer fold, fitted again with the first seed."""
    trained, folds = learned_with_seeds(model, problem, tmp, *ways, settings=settings, **options)
    return trained, [by_seed[problem.seed] for by_seed in folds]


def learned_with_seeds(
    model: Any, problem: Problem, tmp: Any, *ways: str, settings: Any = None, **options: Any
) -> tuple[Trained, list[dict[int, FoldModels]]]:
    """Return what train finds, and the models of every outer fold by seed; options: of `results`."""
    sweep = as_sweep(model)
    chosen = settings or sweep.settings()
    trained = written(all_results(model, problem, declared(*ways), chosen, **options), problem.seed, tmp)
    grid = ConfigGrid(sweep.grid(chosen, problem.seed), model.path if isinstance(model, Estimator) else None)
    learner = LearnerSetup(sweep, chosen, options.get("tuning_rows"), options.get("more_seeds", ()), options.get("calibration", "none"))
    return trained, [RefittedFold(learner, problem, fold, grid, declared(*ways), trained).models() for fold in problem.folds]


def raws_of(problem: Problem, models: FoldModels) -> dict[str, Raw]:
    return {name: block.raw.taken(models.test_rows((name,))) for name, block in problem.blocks.items()}


def clean_of(problem: Problem, models: FoldModels) -> FoldAnswers:
    return models.clean(raws_of(problem, models))


def corrupted_once(models: FoldModels, raws: dict[str, Raw], clean: FoldAnswers, name: str) -> FoldAnswers:
    (found,) = models.corrupted(raws, clean, name, 1)
    return found


def require_what_train_wrote(problem: Problem, trained: Trained, folds: list[dict[int, FoldModels]]) -> None:
    spread = None if FORMS[problem.form].has_probabilities else fit_scale(problem.target).deviation
    n_compared = 0
    for by_seed in folds:
        clean = {seed: clean_of(problem, models) for seed, models in by_seed.items()}
        models = by_seed[problem.seed]
        for way, modalities in clean[problem.seed].by_member:
            answers = {seed: found.by_member[way, modalities] for seed, found in clean.items()}
            trained.require_same(key_of(modalities, way, models.fold), ids_of(models.test_rows(modalities)), answers, spread)
            n_compared += 1
    assert n_compared == len(trained.folds)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_what_is_fitted_again_predicts_what_train_wrote(model: str, task: str, tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("text", "image", "table"), task=task)
    kind, settings = MODELS[model]
    require_what_train_wrote(problem, *learned_with_seeds(kind, problem, tmp_path, *WAYS, settings=settings))


def test_so_it_does_on_a_sample_in_time_calibrated_and_where_samples_lack_a_modality(tmp_path: Any) -> None:
    labels, small = toy_problem(n=180, modalities=("image", "text"), task="multilabel"), MODELS["svm"][1]
    require_what_train_wrote(labels, *learned_with_seeds(MODELS["svm"][0], labels, tmp_path, *WAYS, settings=small, tuning_rows=60))
    dense = toy_problem(n=120, modalities=("image", "table"))
    require_what_train_wrote(dense, *learned_with_seeds(PLAIN, dense, tmp_path, *WAYS, calibration="temperature"))
    ordered = time_ordered(toy_problem(n=160, modalities=("image", "text")))
    require_what_train_wrote(ordered, *learned_with_seeds(MODELS["knn"][0], ordered, tmp_path, *WAYS, settings=MODELS["knn"][1]))
    partly = toy_problem(n=96, modalities=("image", "text"))
    block = replace(partly.blocks["image"], present=np.arange(96) % 4 != 1, _shared={})
    partly = replace(partly, blocks={**partly.blocks, "image": block})
    require_what_train_wrote(partly, *learned_with_seeds(MODELS["knn"][0], partly, tmp_path, *WAYS, settings=MODELS["knn"][1]))


@pytest.mark.parametrize("model", ["mlp", "forest"])
def test_so_do_the_refits_with_further_seeds(model: str, tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("image", "table"))
    forest = component("models", "random_forest")
    few = forest.settings(n_estimators=5, max_features=(0.5,), min_samples_leaf=(1,))
    kind, settings = MODELS["mlp"] if model == "mlp" else (forest, few)
    trained, folds = learned_with_seeds(kind, problem, tmp_path, *WAYS, settings=settings, more_seeds=(11, 12))
    require_what_train_wrote(problem, trained, folds)
    assert all(list(by_seed) == [problem.seed, 11, 12] for by_seed in folds)
    first, second = (clean_of(problem, folds[0][seed]).by_member[EARLY, ("image", "table")] for seed in (problem.seed, 11))
    assert not np.array_equal(first[1], second[1])


def test_other_features_or_another_grid_are_refused(tmp_path: Any) -> None:
    problem = toy_problem(n=72, modalities=("image", "text"))
    kind, settings = MODELS["knn"]
    trained, folds = learned(kind, problem, tmp_path, *WAYS, settings=settings)
    raws = raws_of(problem, folds[0])
    other = folds[0].clean({**raws, "image": Dense(raws["image"].values[::-1].copy())})
    key, rows = ("image", EARLY, 0, 0), folds[0].test_rows(("image",))
    with pytest.raises(InputError, match=r"predictions\.arrow: image, early, repeat 0, fold 0: the chosen configuration, fitted again, "
                                         r"predicts \d+ of 24 test rows otherwise; .*`dvc repro`"):  # fmt: skip
        trained.require_same(key, ids_of(rows), {problem.seed: other.by_member[EARLY, ("image",)]}, None)
    right = clean_of(problem, folds[0]).by_member[EARLY, ("image",)]
    with pytest.raises(InputError, match="predicts 24 of 24 test rows otherwise"):
        trained.require_same(key, ids_of(rows), {problem.seed: right, 5: right}, None)  # a seed that train did not use
    more = {problem.seed: (np.append(right[0], 0)[::-1], np.vstack([right[1], right[1][:1]])[::-1])}  # a row more, in another order
    others = replace(trained.folds[key], ids=pa.concat_arrays([ids_of(rows), pa.array(["lacks it"])])[::-1], answers=more)
    Trained(tmp_path, {key: others}).require_same(key, ids_of(rows), {problem.seed: right}, None)
    with pytest.raises(InputError, match="predicts 24 of 24 test rows otherwise"):
        Trained(tmp_path, {key: others}).require_same(key, pa.array([f"other {row}" for row in rows]), {problem.seed: right}, None)
    changed = Trained(tmp_path, {**trained.folds, key: replace(trained.folds[key], settings={"n_neighbors": 99})})
    grid = ConfigGrid(kind.grid(settings, 0))
    with pytest.raises(InputError, match=r"sweep\.arrow: configuration \d+, \{'n_neighbors': 99\}, is not that of the grid"):
        RefittedFold(LearnerSetup(kind, settings), problem, problem.folds[0], grid, declared(*WAYS), changed).models()
    with pytest.raises(InputError, match="no predictions of image, early, repeat 0, fold 0; run"):
        RefittedFold(LearnerSetup(kind, settings), problem, problem.folds[0], grid, declared(*WAYS), Trained(tmp_path)).models()


Three = tuple[Problem, FoldModels, FoldAnswers]


@pytest.fixture(scope="module")
def of_three(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """Return the models of one outer fold with three modalities, and what they predict of clean samples."""
    problem = toy_problem(n=90, modalities=("text", "image", "table"))
    problem = replace(problem, folds=problem.folds[:1])
    _, (models,) = learned(MODELS["knn"][0], problem, tmp_path_factory.mktemp("three"), *WAYS, settings=MODELS["knn"][1])
    return problem, models, clean_of(problem, models)


def test_the_chosen_way_is_the_one_chosen_on_the_fold(of_three: Three) -> None:
    problem, models, clean = of_three
    raws = raws_of(problem, models)
    for found in (clean, corrupted_once(models, {**raws, "text": raws["text"].taken(np.arange(30)[::-1])}, clean, "text")):
        for modalities, way in models.chosen.items():
            if (CHOSEN, modalities) in found.by_member:
                assert np.array_equal(found.by_member[CHOSEN, modalities][0], found.by_member[way, modalities][0])


# ---------------------------------------------------------------- a modality is noisy
def test_the_same_features_change_nothing_and_others_change_only_what_sees_them(of_three: Three) -> None:
    problem, models, clean = of_three
    raws = raws_of(problem, models)
    same = corrupted_once(models, raws, clean, "image")
    assert {member for member in clean.by_member if "image" in member[1]} == set(same.by_member)
    for member, answers in same.by_member.items():
        assert np.array_equal(answers[0], clean.by_member[member][0])
    noisy = corrupted_once(models, {**raws, "image": Dense(raws["image"].values[::-1].copy())}, clean, "image")
    assert noisy.members["text"] is clean.members["text"]
    assert not np.array_equal(noisy.members["image"], clean.members["image"])


def test_several_conditions_at_once_are_predicted_as_one_by_one(of_three: Three) -> None:
    problem, models, clean = of_three
    raws, n = raws_of(problem, models), len(models.fold.test)
    turned = [np.arange(n)[::-1], np.roll(np.arange(n), 7)]
    together = models.corrupted({**raws, "text": raws["text"].taken(np.concatenate(turned))}, clean, "text", 2)
    for found, rows in zip(together, turned, strict=True):
        alone = corrupted_once(models, {**raws, "text": raws["text"].taken(rows)}, clean, "text")
        assert found.by_member.keys() == alone.by_member.keys()
        for member, answers in found.by_member.items():
            assert np.array_equal(answers[0], alone.by_member[member][0])
        assert np.array_equal(found.members["text"], alone.members["text"])


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_a_sample_that_lacks_a_modality_is_answered_by_what_it_has(task: str, tmp_path: Any) -> None:
    """By a plain loop over the rows: the models of the modalities that each sample has, and the class shares where it has none."""
    problem = toy_problem(n=96, modalities=("image", "text"), task=task)
    present = {"image": np.arange(96) % 4 != 1, "text": np.arange(96) % 5 != 2}
    blocks = {name: replace(block, present=present[name], _shared={}) for name, block in problem.blocks.items()}
    problem = replace(problem, blocks=blocks)
    _, (models, *_) = learned(MODELS["knn"][0], problem, tmp_path, *WAYS, settings=MODELS["knn"][1])
    clean, fold = clean_of(problem, models), models.fold
    target = problem.target[fold.train]
    found = {(key[1], key[0]): answers for key, answers in models.of_all_rows(clean, clean)}
    assert found.keys() == {(way, "+".join(modalities)) for way, modalities in clean.by_member}
    nothing = {"multiclass": lambda: np.bincount(target, minlength=3).argmax(), "multilabel": lambda: target.mean(axis=0) >= 0.5,
               "regression": lambda: np.nanmean(target, axis=0)}[task]()  # fmt: skip
    used = set()
    for (way, name), (prediction, probabilities) in found.items():
        assert len(prediction) == len(fold.test) and (task == "regression") == (probabilities is None)
        for place, row in enumerate(fold.test.tolist()):
            has = tuple(one for one in name.split("+") if present[one][row])
            used.add(len(has))
            if not has:
                np.testing.assert_allclose(prediction[place], nothing, rtol=1e-12)
                continue
            member = (way if len(has) > 1 else EARLY, has)
            at = models.test_rows(has).tolist().index(row)
            assert np.array_equal(prediction[place], clean.by_member[member][0][at])
    assert used == {0, 1, 2}


def test_test_rows_alone_are_changed(of_three: Three) -> None:
    """What is fitted is what it was: corrupted features pass through the encoders of the clean training rows."""
    problem, models, clean = of_three
    before = {name: state.arrays for refit in models.refits.values() for name, state in refit.states.items()}
    raws = raws_of(problem, models)
    corrupted_once(models, {**raws, "table": raws["table"].taken(np.arange(len(models.fold.test))[::-1])}, clean, "table")
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


def test_noise_of_one_modality_hurts_neighbors_of_fused_blocks_more_than_fused_votes(tmp_path: Any) -> None:
    """Distances of blocks side by side are those of the noise; of votes, one member's are scattered and the other's decide."""
    problem = two_blocks("redundant")
    knn = MODELS["knn"][0]
    settings = knn.settings(n_neighbors=(9,), metric=("euclidean",))
    _, (models,) = learned(knn, problem, tmp_path, *WAYS, settings=settings)
    clean, raws = clean_of(problem, models), raws_of(problem, models)
    noise = 20 * np.random.default_rng(2).standard_normal(raws["useful"].values.shape)
    noisy = corrupted_once(models, {**raws, "useful": Dense((raws["useful"].values + noise).astype(np.float32))}, clean, "useful")
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
        broken.corrupted(found.problem.folds[0], [Condition("text", "typos", 0.1)])


def test_corrupted_test_samples_are_read_as_featurize_reads_them() -> None:
    """Sparse counts of the same words where nothing was mistyped, of others where something was."""
    found = texts_of(np.arange(30))
    fold = found.problem.folds[0]
    few, many = (found.corrupted(fold, [Condition("text", "typos", strength)]) for strength in (1e-9, 0.5))
    assert isinstance(few, Sparse) and isinstance(many, Sparse)
    assert len(few.offsets) == len(many.offsets) == len(fold.test) + 1
    assert not np.array_equal(few.indices, many.indices)


def test_a_sample_is_the_same_on_every_fold_and_conditions_follow_one_another() -> None:
    """What knows nothing of the training rows is featurized once; each fold has its own rows of it."""
    found = texts_of(np.arange(30))
    weak, strong = Condition("text", "typos", 0.1), Condition("text", "typos", 0.5)
    for fold in found.problem.folds:
        both = found.corrupted(fold, [weak, strong])
        assert isinstance(both, Sparse) and len(both.offsets) == 2 * len(fold.test) + 1
        for place, row in enumerate(fold.test.tolist()):
            fresh = texts_of(np.arange(30))
            only = Fold(0, 0, fold.train, np.array([row]), fold.inner, 2)
            fresh = replace(fresh, problem=replace(fresh.problem, folds=(only,)))
            for start, condition in ((0, weak), (len(fold.test), strong)):
                alone = fresh.corrupted(only, [condition])
                assert isinstance(alone, Sparse)
                first, last = both.offsets[start + place : start + place + 2]
                assert np.array_equal(both.indices[first:last], alone.indices)
    assert len(found._of_all_folds) == 2


def test_what_is_measured_is_measured_on_the_training_rows_of_the_fold() -> None:
    problem = replace(toy_problem(n=30, modalities=("image",)), combinations=(("series",),))
    spreads = np.where(np.arange(30) % 3 == 0, 100.0, 1.0)
    values = spreads[:, None, None] * np.random.default_rng(0).standard_normal((30, 40, 1))
    kind = pa.list_(pa.list_(pa.float32(), 1))
    field = pa.field("series", kind, metadata={"modality": "series"})
    samples = pa.table([ids_of(np.arange(30)), pa.array(values.tolist(), kind)], pa.schema([("sample_id", pa.string()), field]))
    block = Block("series", Dense(np.zeros((30, 1), np.float32)), {})
    problem = replace(problem, blocks={"series": block})
    about = features_metadata("series", encoding="table")
    found = ExaminedSamples.of(problem, samples, pa.chunked_array([ids_of(np.arange(30))]), {"series": about})
    quiet, loud = problem.folds[0], problem.folds[1]  # the first fold tests the rows of the large spread, and trains on none of them
    condition = Condition("series", "noise", 1.0)
    for fold in (quiet, loud):
        raw = found.corrupted(fold, [condition])
        corruption = corruption_of(modality := component("modalities", "series"), "noise")
        expected = corrupted_features(samples, "series", modality, modality.settings(), corruption=corruption, strength=1.0,
                                      seed=problem.seed, rows=fold.test, reference={"spread": np.array([values[fold.train].std()])})
        assert isinstance(raw, Columns)
        np.testing.assert_allclose(raw.numeric, column_values(expected["numeric"]), rtol=1e-4, atol=1e-6)
    assert found._of_all_folds == {}


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
