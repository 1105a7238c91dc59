"""Ways of fusing: each is what a plain loop of scikit-learn gives; what is chosen is chosen on inner folds; every form of targets."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from toy_problem import time_ordered, toy_problem, with_other_test_rows

from stages.contracts.candidate import CHOSEN, EARLY
from stages.contracts.fusion import EarlyFusion, Fusion
from stages.contracts.model import Config, Estimator, FoldResult, Sweep
from stages.contracts.problem import Fold, Problem
from stages.contracts.settings import Settings
from stages.contracts.task import TargetForm
from stages.features.early_fusion import encode_fold
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.registry import component, names
from stages.fusions.late_stacked import LEAST_PROBABILITY
from stages.model_selection.estimator_sweep import as_sweep
from stages.model_selection.fusing import fused_results, n_results, trained_combinations
from stages.model_selection.informed_members import informed_members
from stages.model_selection.protocol import LearnerSetup, results
from stages.model_selection.simplex import finest, simplex
from stages.models import knn, mlp, svm

WAYS = ["early", "early_weighted", "late_mean", "late_weighted", "late_stacked"]
EVERY = ["early", *(name for name in names("fusions") if name != "early")]  # those that somebody adds, too


class PlainSettings(Settings):
    C: tuple[float, ...] = (0.01, 1.0, 100.0)


def make(config: Config, form: TargetForm, seed: int) -> Any:
    return LogisticRegression(C=config["C"], solver="newton-cholesky", tol=1e-6)


PLAIN = Estimator(name="plain", settings=PlainSettings, make=make, target_forms=("classes",))


def declared(*ways: str) -> dict[Fusion, Any]:
    found: list[Fusion] = [component("fusions", name) for name in ways]
    return {way: way.settings() for way in found}


def all_results(model: Any, problem: Problem, ways: dict[Fusion, Any], settings: Any = None, **options: Any) -> list[FoldResult]:
    """Return the results of the modalities alone, of equal weights and of every other way, as train has them."""
    sweep: Sweep = as_sweep(model)
    chosen = settings or sweep.settings()
    configs = sweep.grid(chosen, problem.seed)
    learner = LearnerSetup(sweep, chosen, **options)
    found = list(results(learner, trained_combinations(problem, ways), configs, members=True))
    return [*found, *fused_results(learner, problem, ways, configs, found)]


def of_way(found: list[FoldResult], fusion: str, modalities: tuple[str, ...]) -> list[FoldResult]:
    return [result for result in found if (result.fusion, result.modalities) == (fusion, modalities)]


def unit_rows(problem: Problem, fold: Fold, name: str, weight: float) -> np.ndarray:
    """Return a dense block, its mean squared distance of two training rows 1, times the root of a weight, from first principles."""
    rows = problem.blocks[name].raw.values.astype(np.float64)
    train = rows[fold.train]
    squared = ((train[:, None] - train[None]) ** 2).sum(axis=2)
    n = len(train)
    return np.asarray(np.sqrt(weight * n * (n - 1) / squared.sum()) * rows)


def best_config(problem: Problem, fold: Fold, rows: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the C with the best mean inner accuracy, its out-of-fold probabilities and those of the test rows, by a plain loop."""
    target, tried = problem.target, []
    for C in PlainSettings().C:
        probabilities, scores = np.zeros((len(fold.train), 3)), []
        for inner in range(fold.n_inner):
            out = fold.inner == inner
            model = make({"C": C}, "classes", 0).fit(rows[fold.train[~out]], target[fold.train[~out]])
            probabilities[out] = model.predict_proba(rows[fold.train[out]])
            scores.append((probabilities[out].argmax(axis=1) == target[fold.train[out]]).mean())
        test = make({"C": C}, "classes", 0).fit(rows[fold.train], target[fold.train]).predict_proba(rows[fold.test])
        tried.append((round(float(np.mean(scores)), 12), C, probabilities, test))
    best = max(range(len(tried)), key=lambda i: (tried[i][0], -i))
    return tried[best][1:]


def mean_inner(problem: Problem, fold: Fold, fused: np.ndarray) -> float:
    hits = fused.argmax(axis=1) == problem.target[fold.train]
    return round(float(np.mean([hits[fold.inner == inner].mean() for inner in range(fold.n_inner)])), 12)


@pytest.fixture(scope="module")
def dense_problem() -> Problem:
    """Return a problem of two dense blocks of different scales, as float32 to the last digit (the rows that estimators see)."""
    problem = toy_problem(n=120, modalities=("image", "table"))
    rng = np.random.default_rng(3)
    sound = (np.eye(4)[problem.target % 4] + 0.9 * rng.standard_normal((120, 4))) * 40
    image = problem.blocks["image"].raw.values + 0.5 * rng.standard_normal((120, 6))
    blocks = {"image": Block("image", Dense(image.astype(np.float32)), {}), "sound": Block("sound", Dense(sound.astype(np.float32)), {})}
    return replace(problem, blocks=blocks, combinations=(("image",), ("sound",), ("image", "sound")))


@pytest.fixture(scope="module")
def plain_results(dense_problem: Problem) -> list[FoldResult]:
    return all_results(PLAIN, dense_problem, declared(*WAYS))


def test_late_fusion_is_a_plain_loop_of_scikit_learn(dense_problem: Problem, plain_results: list[FoldResult]) -> None:
    problem, both = dense_problem, ("image", "sound")
    for place, fold in enumerate(problem.folds):
        # float32, as estimators see them
        members = [best_config(problem, fold, unit_rows(problem, fold, name, 1.0).astype(np.float32)) for name in both]
        # probabilities travel as float32
        oof, test = (np.stack([member[i].astype(np.float32).astype(np.float64) for member in members], axis=1) for i in (1, 2))
        mean = of_way(plain_results, "late_mean", both)[place]
        np.testing.assert_allclose(mean.probabilities, test.mean(axis=1).astype(np.float32), rtol=0, atol=1e-6)
        assert mean.prediction.tolist() == test.mean(axis=1).argmax(axis=1).tolist()
        assert mean.inner_scores["accuracy"].mean() == pytest.approx(mean_inner(problem, fold, oof.mean(axis=1)), abs=1e-9)

        weighted = of_way(plain_results, "late_weighted", both)[place]
        grid = simplex(2, 10)
        scores = [mean_inner(problem, fold, np.einsum("m,nmo->no", row, oof)) for row in grid]
        np.testing.assert_allclose(weighted.inner_scores["accuracy"].mean(axis=1), scores, rtol=0, atol=1e-9)
        assert weighted.chosen == int(np.argmax(scores))
        assert weighted.prediction.tolist() == np.einsum("m,nmo->no", grid[weighted.chosen], test).argmax(axis=1).tolist()

        stacked = of_way(plain_results, "late_stacked", both)[place]
        features, new = (np.log(np.maximum(scores, LEAST_PROBABILITY)).reshape(len(scores), -1) for scores in (oof, test))
        target, tried = problem.target[fold.train], []
        for C in (0.01, 0.1, 1.0):
            fused = np.zeros((len(target), 3))
            for inner in range(fold.n_inner):
                out = fold.inner == inner
                model = LogisticRegression(C=C, solver="newton-cholesky").fit(features[~out], target[~out])
                fused[out] = model.predict_proba(features[out])
            tried.append(mean_inner(problem, fold, fused))
        np.testing.assert_allclose(stacked.inner_scores["accuracy"].mean(axis=1), tried, rtol=0, atol=1e-9)
        model = LogisticRegression(C=(0.01, 0.1, 1.0)[int(np.argmax(tried))], solver="newton-cholesky").fit(features, target)
        np.testing.assert_allclose(stacked.probabilities, model.predict_proba(new).astype(np.float32), rtol=0, atol=1e-6)


def test_weighted_early_fusion_is_a_plain_loop_of_scikit_learn(dense_problem: Problem, plain_results: list[FoldResult]) -> None:
    problem, both = dense_problem, ("image", "sound")
    for place, fold in enumerate(problem.folds):
        found = of_way(plain_results, "early_weighted", both)[place]
        alone = {name: best_config(problem, fold, unit_rows(problem, fold, name, 1.0).astype(np.float32)) for name in both}
        equal = best_config(problem, fold, np.hstack([unit_rows(problem, fold, name, 0.5) for name in both]).astype(np.float32))
        scores, tests = [], []
        for weights in simplex(2, 4):
            kept = [(name, weight) for name, weight in zip(both, weights, strict=True) if weight > 0]
            if len(kept) == 1:
                _, oof, test = alone[kept[0][0]]
            else:
                rows = np.hstack([unit_rows(problem, fold, name, weight) for name, weight in kept]).astype(np.float32)
                oof, test = np.zeros((len(fold.train), 3)), np.zeros(0)
                for inner in range(fold.n_inner):
                    out = fold.inner == inner
                    model = make({"C": equal[0]}, "classes", 0).fit(rows[fold.train[~out]], problem.target[fold.train[~out]])
                    oof[out] = model.predict_proba(rows[fold.train[out]])
                test = make({"C": equal[0]}, "classes", 0).fit(rows[fold.train], problem.target[fold.train]).predict_proba(rows[fold.test])
            scores.append(mean_inner(problem, fold, oof))
            tests.append(test)
        np.testing.assert_allclose(found.inner_scores["accuracy"].mean(axis=1), scores, rtol=0, atol=1e-9)
        assert found.chosen == int(np.argmax(scores))
        np.testing.assert_allclose(found.probabilities, tests[found.chosen].astype(np.float32), rtol=0, atol=2e-6)
        assert found.configs[found.chosen] == {"modality_weights": dict(zip(both, simplex(2, 4)[found.chosen].tolist(), strict=True))}


def test_the_chosen_way_is_the_best_on_the_inner_folds(dense_problem: Problem, plain_results: list[FoldResult]) -> None:
    both = ("image", "sound")
    for place, fold in enumerate(dense_problem.folds):
        ways = [of_way(plain_results, name, both)[place] for name in WAYS]
        inner = [round(float(way.inner_scores["accuracy"][way.chosen].mean()), 12) for way in ways]
        chosen = of_way(plain_results, CHOSEN, both)[place]
        assert chosen.chosen == int(np.argmax(inner)) and chosen.configs[chosen.chosen] == {"fusion": WAYS[int(np.argmax(inner))]}
        assert np.array_equal(chosen.prediction, ways[chosen.chosen].prediction)
        assert (chosen.fold.repeat, chosen.fold.index) == (fold.repeat, fold.index)
    assert len(plain_results) == n_results(dense_problem, tuple(declared(*WAYS)))


MODELS: dict[str, tuple[Any, Any]] = {
    "knn": (knn.MODEL, knn.KnnSettings(n_neighbors=(1, 5), metric=("euclidean", "manhattan", "cosine"))),
    "svm": (svm.MODEL, svm.SvmSettings(C=(1.0,), gamma=(1.0,))),
    "mlp": (mlp.MODEL, mlp.MlpSettings(hidden_layer_sizes=((8,),), activation=("relu",), learning_rate_init=(0.01,), weight_decay=(0.01,),
                                       max_iter=6)),
    "linear": (component("models", "linear"), None),
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_every_model_and_form_of_target_has_every_way(model: str, task: str) -> None:
    problem = toy_problem(n=72, modalities=("image", "text", "table"), task=task)
    kind, settings = MODELS[model]
    found = all_results(kind, problem, declared(*EVERY), settings, more_seeds=(11,) if model == "mlp" else ())
    assert len(found) == n_results(problem, tuple(declared(*EVERY))) == 3 * (3 + 4 * (len(EVERY) + 1))
    for result in found:
        assert len(result.prediction) == len(result.fold.test) == len(problem.folds[result.fold.index].test)
        assert 0 <= result.chosen < len(result.configs) == len(result.inner_scores[problem.scoring])
        if result.probabilities is not None:
            assert result.probabilities.min() >= 0 and result.probabilities.max() <= 1 + 1e-6
            if problem.form == "classes":
                np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)
        assert len(result.reseeded) == (model == "mlp")
    again = all_results(kind, problem, declared(*EVERY), settings, more_seeds=(11,) if model == "mlp" else ())
    for a, b in zip(found, again, strict=True):
        assert np.array_equal(a.prediction, b.prediction, equal_nan=True) and a.chosen == b.chosen


@pytest.mark.parametrize("model", MODELS)
def test_test_rows_decide_nothing(model: str) -> None:
    problem = toy_problem(n=72, modalities=("image", "text", "table"))
    kind, settings = MODELS[model]
    first = all_results(kind, replace(problem, folds=problem.folds[:1]), declared(*EVERY), settings)
    other = all_results(kind, with_other_test_rows(problem), declared(*EVERY), settings)
    for a, b in zip(first, other, strict=True):
        assert (a.modalities, a.fusion, a.chosen) == (b.modalities, b.fusion, b.chosen)
        np.testing.assert_array_equal(a.inner_scores["accuracy"], b.inner_scores["accuracy"])


@pytest.mark.parametrize("model", MODELS)
def test_samples_that_lack_a_modality_are_fused_where_they_have_all(model: str) -> None:
    problem = toy_problem(n=96, modalities=("image", "text"))
    present = np.arange(96) % 4 != 1
    problem = replace(problem, blocks={**problem.blocks, "image": replace(problem.blocks["image"], present=present, _shared={})})
    kind, settings = MODELS[model]
    found = all_results(kind, problem, declared(*WAYS), settings)
    assert len(found) == n_results(problem, tuple(declared(*WAYS)))
    for result in found:
        complete = problem.folds[result.fold.index].test
        expected = complete[present[complete]] if "image" in result.modalities else complete
        assert np.array_equal(result.fold.test, expected) and len(result.prediction) == len(expected)
    for result in of_way(found, "late_mean", ("image", "text")):  # of the same samples, by their numbers
        probabilities = []
        for name in ("image", "text"):
            (alone,) = [one for one in of_way(found, EARLY, (name,)) if one.fold.index == result.fold.index]
            assert alone.probabilities is not None
            by_row = dict(zip(alone.fold.test.tolist(), alone.probabilities, strict=True))
            probabilities.append([by_row[row] for row in result.fold.test.tolist()])
        np.testing.assert_allclose(result.probabilities, np.mean(probabilities, axis=0), atol=1e-6)


def test_a_sample_of_the_rows_chooses_and_all_rows_are_trained_on() -> None:
    problem = toy_problem(n=180, modalities=("image", "text"))
    found = all_results(svm.MODEL, problem, declared(*WAYS), svm.SvmSettings(C=(1.0,), gamma=(1.0,)), tuning_rows=60)
    for result in found:
        assert result.tuning_rows == (60 if not result.fusion.startswith("late") and result.fusion != CHOSEN else result.tuning_rows)
        assert len(result.prediction) == len(problem.folds[result.fold.index].test)


def test_in_the_order_of_time_one_inner_fold_is_enough() -> None:
    problem = time_ordered(toy_problem(n=160, modalities=("image", "text")))
    found = all_results(knn.MODEL, problem, declared(*WAYS), MODELS["knn"][1])
    assert len(found) == n_results(problem, tuple(declared(*WAYS)))


def test_equal_members_change_nothing() -> None:
    problem = toy_problem(n=90, modalities=("image", "text"))
    image = problem.blocks["image"]
    problem = replace(problem, blocks={"image": image, "text": replace(image, name="text", _shared={})})
    found = all_results(knn.MODEL, problem, declared("late_mean", "late_weighted"), MODELS["knn"][1])
    alone = of_way(found, EARLY, ("image",))
    for way in ("late_mean", "late_weighted", CHOSEN):
        for a, b in zip(alone, of_way(found, way, ("image", "text")), strict=True):
            assert np.array_equal(a.prediction, b.prediction)


def test_late_ways_alone_train_no_combination() -> None:
    problem = toy_problem(modalities=("image", "text", "table"))
    assert trained_combinations(problem, declared("late_mean")).combinations == (("image",), ("text",), ("table",))
    assert trained_combinations(problem, declared("early", "late_mean")).combinations == problem.combinations
    found = all_results(knn.MODEL, problem, declared("late_mean"), MODELS["knn"][1])
    assert {result.fusion for result in found} == {EARLY, "late_mean"} and len(found) == n_results(problem, tuple(declared("late_mean")))


def test_one_way_has_no_chosen_one() -> None:
    found = all_results(knn.MODEL, toy_problem(modalities=("image", "text")), declared("early"), MODELS["knn"][1])
    assert {result.fusion for result in found} == {EARLY}


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
def test_fused_probabilities_are_calibrated_too(dense_problem: Problem, method: Any) -> None:
    found = all_results(PLAIN, dense_problem, declared(*WAYS), calibration=method)
    plain = all_results(PLAIN, dense_problem, declared(*WAYS))
    for a, b in zip(found, plain, strict=True):
        assert a.calibration == method and np.array_equal(a.prediction, b.prediction)
        assert a.probabilities is not None and b.probabilities is not None and not np.array_equal(a.probabilities, b.probabilities)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_weights_are_those_of_the_blocks_parts(metric: str) -> None:
    problem = toy_problem(n=40, modalities=("image", "text"))
    fold, factors = problem.folds[0], {"image": 0.5, "text": 1.5}
    plain = encode_fold(problem.blocks, fold.train)
    weighted = encode_fold({name: block.weighted(factors[name]) for name, block in problem.blocks.items()}, fold.train)
    both = ("image", "text")
    if metric == "manhattan":
        expected = sum(factors[name] * plain.distances([name], "manhattan") for name in both)
    else:
        squared, products = (sum(factors[name] * part([name]) for name in both) for part in (plain.squared, plain.products))
        norms = np.sqrt(np.diagonal(products))
        expected = np.sqrt(squared) if metric == "euclidean" else 1 - products / np.outer(norms, norms)
    np.testing.assert_allclose(weighted.distances(both, metric), expected, atol=1e-8)
    # what is fitted to a fold's rows is shared while it is used, and never by other features
    assert weighted.encoded["text"] is plain.encoded["text"]
    other = replace(problem.blocks["text"], settings={**problem.blocks["text"].settings, "idf": False})
    assert other.encoded(fold.train) is not plain.encoded["text"]


@pytest.mark.parametrize(("n", "n_steps"), [(2, 4), (2, 10), (3, 4), (3, 3), (4, 4), (6, 2), (2, 1)])
def test_the_simplex_holds_every_multiple_and_equal_weights_first(n: int, n_steps: int) -> None:
    found = simplex(n, n_steps)
    expected = {parts for parts in itertools.product(range(n_steps + 1), repeat=n) if sum(parts) == n_steps}
    equal = {(n_steps // n,) * n} if n_steps % n == 0 else set()
    assert {tuple(np.rint(row * n_steps).astype(int)) for row in found[1:]} | equal == expected
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.allclose(found[0], 1 / n) and len(np.unique(found.round(12), axis=0)) == len(found)
    departures = ((found[1:] - 1 / n) ** 2).sum(axis=1)
    assert (np.diff(departures) > -1e-12).all()


def test_the_finest_grid_has_no_more_points() -> None:
    for n, most in itertools.product((2, 3, 4, 6), (5, 35, 70)):
        steps = finest(n, most)
        assert steps == 1 or len(simplex(n, steps)) <= most + 1 < len(simplex(n, steps + 1)) + 1


def test_every_way_is_declared_and_described() -> None:
    assert set(names("fusions")) >= set(WAYS)
    for name in EVERY:
        way: Fusion = component("fusions", name)
        assert way.name == name and way.title
    assert isinstance(component("fusions", "early"), EarlyFusion)


def test_a_member_is_informed_if_its_scores_go_with_the_target() -> None:
    """By a plain loop over rows: the mean product of centered scores and truth, above three of its standard errors."""
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 3, 200)
    truth = np.eye(3)[codes]
    chance, other = rng.dirichlet(np.ones(3), 200), rng.dirichlet(np.ones(3), 200)
    scores = np.stack([0.1 * truth + 0.9 * chance, other], axis=1)
    products = [[sum((scores[row, member, k] - scores[:, member, k].mean()) * (truth[row, k] - truth[:, k].mean()) for k in range(3))
                 for row in range(200)] for member in range(2)]  # fmt: skip
    expected = [np.mean(one) > 3 * np.std(one) / np.sqrt(200) for one in products]
    assert informed_members(scores, codes, "classes").tolist() == expected == [True, False]
    assert not informed_members(np.full((200, 1, 3), 1 / 3), codes, "classes").any()  # whatever the mean of thirds is rounded to
    assert informed_members(scores, truth.astype(np.uint8), "labels").tolist() == expected
    targets = np.stack([1e6 * truth[:, 0], truth[:, 1], np.full(200, np.nan)], axis=1)
    targets[::9, 0] = np.nan
    predicted = np.stack([targets + [1e6, 1.0, 0.0] * rng.standard_normal((200, 3)), rng.standard_normal((200, 3))], axis=1)
    predicted = np.nan_to_num(predicted)
    assert informed_members(predicted, targets, "continuous").tolist() == [True, False]


def test_late_weights_leave_out_members_at_chance_unless_all_are() -> None:
    way, rng = component("fusions", "late_weighted"), np.random.default_rng(5)
    configs = way.grid(("a", "b", "c"), way.settings(n_steps=4))
    target = rng.integers(0, 2, 300)
    chance = [rng.dirichlet(np.ones(2), 300) for _ in range(3)]
    good = 0.3 * np.eye(2)[target] + 0.7 * chance[0]
    usable = way.usable(configs, np.stack([good, *chance[1:]], axis=1), target, "classes")
    assert [config["modality_weights"] for config, may in zip(configs, usable, strict=True) if may] == [{"a": 1.0, "b": 0.0, "c": 0.0}]
    both = way.usable(configs, np.stack([good, chance[1], good], axis=1), target, "classes")
    assert {config["modality_weights"]["b"] for config, may in zip(configs, both, strict=True) if may} == {0.0} and both.sum() == 5
    assert way.usable(configs, np.stack(chance, axis=1), target, "classes").all()
