"""Permuted labels and shuffled pairs: what is moved and what stays, and the p-value by hand and on data whose answer is known."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_control import control_data
from toy_problem import toy_problem

from stages.contracts.documents.randomised_document import Draw, RandomisedScores
from stages.contracts.metric import Metric
from stages.contracts.paths import controls_dir
from stages.contracts.problem import Problem
from stages.controlling.randomised_scores import randomised_scores
from stages.controls import permuted, shuffled
from stages.controls.permuted import PermutedSettings, permutation
from stages.controls.shuffled import ACROSS, WITHIN, ShuffledSettings, pairing
from stages.evaluation.randomised_tests import judged_draws, randomised_tests
from stages.features.encoders import Dense
from stages.features.feature_blocks import Block
from stages.foundation.documents import write_document
from stages.foundation.errors import InputError
from stages.foundation.registry import component

ACCURACY: Metric = component("metrics", "accuracy")
RMSE: Metric = component("metrics", "rmse")


# ---------------------------------------------------------------- what is moved
def test_a_permutation_hands_the_targets_of_whole_groups_on() -> None:
    groups = [f"g{number}" for number in np.random.default_rng(1).integers(0, 12, 90)]
    target = np.array([int(group[1:]) for group in groups])  # one target per group
    order = permutation(groups, np.random.default_rng(2))
    assert sorted(order) == list(range(90)) and not np.array_equal(order, np.arange(90))
    runs = 0
    for group in set(groups):
        rows = np.flatnonzero(np.array(groups) == group)
        moved = target[order[rows]]
        runs += 1 + np.count_nonzero(np.diff(moved))
        assert len(set(np.flatnonzero(np.diff(moved)))) == len(set(moved)) - 1, "the targets of a group stay together"
    assert runs <= 2 * 12 - 1  # each of the 12 targets is cut at most once per border between groups


def test_groups_of_one_size_swap_their_targets_in_any_order_of_the_rows() -> None:
    """Else groups that hold the same classes in the same order, as voices that each speak all digits, would keep all targets."""
    groups = [f"g{row // 3}" for row in range(12)]
    order = permutation(groups, np.random.default_rng(0)).reshape(4, 3)
    assert all(len(set(part // 3)) == 1 for part in order)
    assert len({tuple(part % 3) for part in order}) > 1


def test_every_permutation_of_groups_is_as_likely() -> None:
    generator = np.random.default_rng(5)
    counts = Counter(tuple(permutation(["a", "b", "c"], generator)) for _ in range(6000))
    assert len(counts) == 6 and all(880 < count < 1120 for count in counts.values())


def test_pairs_are_shuffled_within_strata_of_training_rows_and_of_test_rows() -> None:
    problem = toy_problem()
    fold = problem.folds[0]
    order = pairing(fold, problem.target, np.random.default_rng(0))
    assert sorted(order) == list(range(len(order)))
    assert np.array_equal(problem.target[order], problem.target)
    assert set(order[fold.test]) == set(fold.test) and not np.array_equal(order[fold.test], fold.test)
    assert set(order[fold.train]) == set(fold.train)


def test_the_other_modality_and_the_targets_stay() -> None:
    data = control_data(toy_problem(modalities=("image", "text")))
    found = list(shuffled.variants(data, ShuffledSettings(n_shuffles=2)))
    assert [(v.what, v.draw) for v in found] == [(f"{name} {how}", draw) for name in ("image", "text") for how in (WITHIN, ACROSS)
                                                 for draw in (0, 1)]  # fmt: skip
    for variant in found:
        assert [problem.folds for problem in variant.problems] == [(fold,) for fold in data.problem.folds]
        moved = variant.what.split()[0]
        for problem in variant.problems:
            assert problem.combinations == (("image", "text"),) and problem.target is data.problem.target
            assert [name for name in ("image", "text") if problem.blocks[name] is not data.problem.blocks[name]] == [moved]


# ---------------------------------------------------------------- known answers
def numbers(problem: Problem, *blocks: np.ndarray) -> Problem:
    """Return the problem with these columns in place of its features."""
    named = {name: Block(name, Dense(values.astype(np.float32)), {}) for name, values in zip("ab", blocks, strict=False)}
    combinations = (("a",), ("b",), ("a", "b")) if len(blocks) == 2 else (("a",),)
    return replace(problem, blocks=named, combinations=combinations)


def scored(name: str, problem: Problem, **settings: int) -> RandomisedScores:
    control = component("controls", name)
    return randomised_scores("toy", control, control_data(problem), control.settings(**settings))


def test_signal_beats_permuted_labels_and_noise_does_not() -> None:
    problem = toy_problem(n=90)
    noise = np.random.default_rng(0).standard_normal((90, 3))
    told = {name: next(judged_draws(scored("permuted", numbers(problem, block), n_permutations=9), ACCURACY))
            for name, block in (("signal", np.eye(3)[problem.target] + 0.1 * noise), ("noise", noise))}  # fmt: skip
    assert told["signal"].p == 0.1 and told["signal"].observed > 0.9 and told["signal"].mean < 0.55
    assert told["noise"].p > 0.2


def test_agreement_of_two_modalities_is_lost_by_shuffling_within_classes_and_marginal_signal_is_not() -> None:
    """Linear in (a, b) jointly: the class is whether a exceeds b, and both vary far more than they differ. Against: each tells it alone."""
    rng = np.random.default_rng(1)
    problem = toy_problem(n=240, n_classes=2)
    sign = 2.0 * problem.target - 1
    level = 4 * rng.standard_normal(240)
    joint = numbers(problem, (level + sign)[:, None], (level - sign)[:, None])
    marginal = numbers(problem, (sign + 0.3 * rng.standard_normal(240))[:, None], (sign + 0.3 * rng.standard_normal(240))[:, None])
    told = {name: {test.what: test for test in judged_draws(scored("shuffled", of, n_shuffles=3), ACCURACY)}
            for name, of in (("joint", joint), ("marginal", marginal))}  # fmt: skip
    assert told["joint"][f"a {WITHIN}"].observed > 0.95 and told["joint"][f"a {WITHIN}"].mean < 0.75
    assert told["marginal"][f"a {WITHIN}"].mean == pytest.approx(told["marginal"][f"a {WITHIN}"].observed, abs=0.02)
    assert told["marginal"][f"a {ACROSS}"].mean > 0.95  # the other modality is left


# ---------------------------------------------------------------- p-values
def scores_of(observed: float, *drawn: float, metric: str = "accuracy") -> RandomisedScores:
    draws = tuple(Draw(what="labels", scores={"a": (value - 0.1, value + 0.1)}) for value in drawn)
    folds = {"a": (observed, observed)}
    return RandomisedScores(dataset="toy", control="permuted", model="linear", metric=metric, observed=folds, draws=draws)


@pytest.mark.parametrize(("metric", "expected"), [(ACCURACY, (1 + 2) / 5), (RMSE, (1 + 3) / 5)])
def test_p_counts_the_draws_at_least_as_good_and_the_observed_one(metric: Metric, expected: float) -> None:
    (test,) = judged_draws(scores_of(0.5, 0.3, 0.5, 0.7, 0.4, metric=metric.name), metric)
    assert (test.p, test.n_draws, test.modalities) == (expected, 4, ("a",))
    assert (test.observed, test.mean) == pytest.approx((0.5, 0.475))


def test_scores_by_another_metric_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert randomised_tests("toy", ACCURACY, 2) == ()
    write_document(controls_dir("toy") / "permuted" / "randomised.json", scores_of(0.5, 0.4))
    assert [test.p for test in randomised_tests("toy", ACCURACY, 2)] == [0.5]
    with pytest.raises(InputError, match=r"permuted/randomised\.json: metric: expected 'rmse', which ranks, found 'accuracy'"):
        randomised_tests("toy", RMSE, 2)


# ---------------------------------------------------------------- off
def test_both_are_off_by_default_and_pairs_need_two_modalities_and_classes() -> None:
    data = control_data(toy_problem())
    assert permuted.not_applicable(data, PermutedSettings()) == "off: controls.permuted.n_permutations is 0"
    assert shuffled.not_applicable(data, ShuffledSettings()) == "off: controls.shuffled.n_shuffles is 0"
    on = ShuffledSettings(n_shuffles=1)
    assert shuffled.not_applicable(data, on) is None
    assert shuffled.not_applicable(control_data(toy_problem(modalities=("image",))), on) == "there is one modality"
    assert "the targets are continuous" in str(shuffled.not_applicable(control_data(toy_problem(task="regression")), on))
