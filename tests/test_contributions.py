"""Shapley values and interactions: by the definition over all orders, with the properties that define them, and through evaluate."""

from collections.abc import Mapping
from itertools import combinations, permutations

import numpy as np
import pytest
from pydantic import ValidationError
from toy_evaluation import candidate_result, fold_scores, toy_evaluation

from pipelines.publishing.metric_values import share_points
from stages.contracts.candidate import Candidate
from stages.contracts.documents.evaluation_document import ChosenConfig
from stages.contracts.documents.modality_shares import Contributions, Share
from stages.evaluation.comparisons import Contest, Evidence
from stages.evaluation.contributions import (
    Subset,
    contributions,
    interaction_coefficients,
    on_every_metric,
    shapley_coefficients,
    subsets,
    why_none,
)
from stages.evaluation.design import Design
from stages.evaluation.scores import MetricScores
from stages.evaluation.statistics import paired_difference
from stages.foundation.registry import component
from stages.reporting.together import mean_weights, other_shares, share_rows

NAMES = ("a", "b", "c", "d")


def value_of(coefficients: Mapping[Subset, float], values: Mapping[Subset, float]) -> float:
    return sum(c * values[subset] for subset, c in coefficients.items())


def in_order(names: tuple[str, ...], chosen: set[str]) -> Subset:
    return tuple(name for name in names if name in chosen)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_shapley_value_is_the_mean_over_all_orders(n: int) -> None:
    names = NAMES[:n]
    values = dict(zip(subsets(names), np.random.default_rng(n).random(2**n), strict=True))
    for name in names:
        added = []
        for order in permutations(names):
            before = set(order[: order.index(name)])
            added.append(values[in_order(names, before | {name})] - values[in_order(names, before)])
        assert value_of(shapley_coefficients(name, names), values) == pytest.approx(np.mean(added), abs=1e-12)
    total = sum(value_of(shapley_coefficients(name, names), values) for name in names)
    assert total == pytest.approx(values[names] - values[()], abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_an_interaction_is_that_of_a_merged_player(n: int) -> None:
    """Grabisch & Roubens: I(ij) is the Shapley value of i and j as one player, less that of i without j, and of j without i."""
    names = NAMES[:n]
    values = dict(zip(subsets(names), np.random.default_rng(10 + n).random(2**n), strict=True))

    def game(players: tuple[str, ...], opened: Mapping[str, set[str]]) -> dict[Subset, float]:
        return {s: values[in_order(names, set().union(*(opened.get(name, {name}) for name in s)))] for s in subsets(players)}

    for i, j in combinations(names, 2):
        others = tuple(name for name in names if name not in (i, j))
        merged = value_of(shapley_coefficients("ij", (*others, "ij")), game((*others, "ij"), {"ij": {i, j}}))
        alone = [value_of(shapley_coefficients(k, (*others, k)), game((*others, k), {})) for k in (i, j)]
        assert value_of(interaction_coefficients((i, j), names), values) == pytest.approx(merged - sum(alone), abs=1e-12)


def test_an_xor_completes_a_copy_repeats_and_a_sum_does_neither() -> None:
    names = ("a", "b")
    xor, copy, additive = ({(): 0.0, ("a",): v, ("b",): w, names: both} for v, w, both in ((0, 0, 1), (1, 1, 1), (0.3, 0.5, 0.8)))
    assert [value_of(interaction_coefficients(names, names), game) for game in (xor, copy, additive)] == pytest.approx([1, -1, 0])
    assert [value_of(shapley_coefficients("a", names), game) for game in (xor, copy, additive)] == pytest.approx([0.5, 0.5, 0.3])


def evidence_of(scores: Mapping[Candidate, MetricScores], metric: str = "accuracy", n: int = 200) -> Evidence:
    design = Design(np.arange(n), np.arange(n), np.repeat(np.arange(5), n // 5), 5, n, 0.25, 0.95, np.arange(n))
    losses = {candidate: 1 - found.values for candidate, found in scores.items()}
    bound = component("metrics", metric)
    return Evidence(scores, losses, bound, design, 0.01)


def accuracies(n: int = 200, seed: int = 0) -> dict[Candidate, MetricScores]:
    """Return accuracies of rows of a made-up model on all subsets of two modalities, of which `a` alone matters, and of the control."""
    luck = np.random.default_rng(seed).random(n)
    found = {}
    for model, modalities, share in (("constant", (), 0.3), ("svm", ("a",), 0.8), ("svm", ("b",), 0.31), ("svm", ("a", "b"), 0.8)):
        values = (luck < share).astype(np.float64)
        found[Candidate(model, modalities)] = MetricScores(values.reshape(5, -1).mean(axis=1), values)
    return found


def test_a_value_is_tested_as_the_difference_that_it_is() -> None:
    scores = accuracies()
    evidence = evidence_of(scores)
    (found,) = contributions(evidence, Contest(["constant", "svm"], ["constant"], list(scores)), ("a", "b"))
    assert (found.model, found.none_is) == ("svm", "constant")
    assert sum(share.value or 0.0 for share in found.shares) == pytest.approx((found.all or 0.0) - (found.none or 0.0), abs=1e-12)
    of_a, of_b = found.shares
    svm = {modalities: scores[Candidate("svm", modalities)] for modalities in (("a",), ("b",), ("a", "b"))}
    none = scores[Candidate("constant", ())]
    gained, lost = ([0.5 * (getattr(x, name) + getattr(y, name)) for name in ("folds", "values")]
                    for x, y in ((svm["a",], svm["a", "b"]), (none, svm["b",])))
    half = Design(**{**vars(evidence.design), "confidence": 0.975})
    expected = paired_difference((gained[0], gained[1]), (lost[0], lost[1]), half)
    assert (of_a.value, of_a.lo, of_a.hi, of_a.p) == pytest.approx((expected.difference, expected.lo, expected.hi, expected.p))
    assert of_a.verdict == "better" and of_a.p_corrected is not None and of_b.p_corrected is not None
    assert of_b.verdict == "not shown" and abs(of_b.value or 0.0) < 0.02
    assert found.interactions[0].value == pytest.approx(svm["a", "b"].mean - svm["a",].mean - svm["b",].mean + none.mean)


def test_of_an_error_less_is_better() -> None:
    flipped = {candidate: MetricScores(1 - found.folds, 1 - found.values) for candidate, found in accuracies().items()}
    (found,) = contributions(evidence_of(flipped, "rmse"), Contest(["constant", "svm"], ["constant"], list(flipped)), ("a", "b"))
    assert (found.shares[0].value or 0.0) < 0 and found.shares[0].verdict == "better"


def test_why_there_are_no_values_is_said() -> None:
    assert why_none(("a",), [("a",)], []) is None
    assert why_none(("a", "b"), [("a",), ("b",), ("a", "b")], ["constant"]) is None
    assert why_none(("a", "b"), [("a",), ("b",), ("a", "b")], ["size"]) == (
        "the control constant, whose score is that of no modality, is not on")
    assert why_none(("a", "b", "c"), [("a",), ("b",), ("c",), ("a", "c")], ["constant"]) == (
        "3 of 7 modality combinations were not trained (a+b, b+c, a+b+c)")
    assert why_none(tuple("abcdefg"), [], ["constant"]) == "there are 7 modalities, and they are computed for at most 6"


def test_every_metric_has_its_own_values_and_correction() -> None:
    """What one metric says does not depend on which others there are."""
    scores = accuracies()
    flipped = {candidate: MetricScores(1 - found.folds, 1 - found.values) for candidate, found in scores.items()}
    evidence, contest = evidence_of(scores), Contest(["constant", "svm"], ["constant"], list(scores))
    metrics = {name: component("metrics", name) for name in ("accuracy", "log_loss")}
    first, second = on_every_metric(evidence, {"log_loss": flipped}, metrics, contest, ("a", "b"))
    assert (first,) == contributions(evidence, contest, ("a", "b"))
    assert (second,) == contributions(evidence_of(flipped, "log_loss"), contest, ("a", "b"))
    assert [(found.metric, found.shares[0].verdict) for found in (first, second)] == [("accuracy", "better"), ("log_loss", "better")]
    assert (second.shares[0].value or 0.0) == pytest.approx(-(first.shares[0].value or 0.0))


def test_without_a_subset_a_control_or_a_second_modality_nothing_is_said() -> None:
    scores = accuracies()
    contest = Contest(["constant", "svm"], ["constant"], list(scores))
    assert contributions(evidence_of(scores), contest, ("a",)) == ()
    assert contributions(evidence_of(scores), contest, tuple("abcdefg")) == ()
    fewer = {candidate: found for candidate, found in scores.items() if candidate.modalities != ("b",)}
    assert contributions(evidence_of(fewer), Contest(["constant", "svm"], ["constant"], list(fewer)), ("a", "b")) == ()
    without = {candidate: found for candidate, found in scores.items() if candidate.model != "constant"}
    assert contributions(evidence_of(without), Contest(["svm"], [], list(without)), ("a", "b")) == ()


def told(metric: str, value: float) -> Contributions:
    """Return what the modalities of a made-up learner bring on a metric."""
    shares = [Share(modalities=of, value=value, lo=value - 0.1, hi=value + 0.1, p=0.5, p_corrected=1.0, verdict="not shown")
              for of in (("a",), ("b",), ("a", "b"))]  # fmt: skip
    return Contributions(model="svm", metric=metric, none_is="constant", none=0.5, all=0.9, shares=tuple(shares[:2]),
                         interactions=(shares[2],))  # fmt: skip


def test_the_ranking_metric_is_drawn_and_every_metric_is_in_the_table_and_on_mlflow() -> None:
    score = fold_scores(0.8)
    scores = {Candidate("svm", of): {"accuracy": score, "macro_f1": score} for of in (("a", "b"), ("a",), ("b",))}
    found = toy_evaluation(scores, "accuracy", "macro_f1", contributions=(told("accuracy", 0.2), told("macro_f1", 0.3)))
    shares, pairs = share_rows(found)
    assert [row.share.value for row in (*shares, *pairs)] == [0.2] * 3
    metrics, rows = other_shares(found)
    assert [metric.name for metric in metrics] == ["macro_f1"]
    assert [(row.modalities, [share.value for share in row.shares]) for row in rows] == [
        (("a",), [0.3]), (("b",), [0.3]), (("a", "b"), [0.3])]  # fmt: skip
    points = {name: value for name, value, _ in share_points(found)}
    assert points["shapley/svm a"] == points["shapley/accuracy/svm a"] == 0.2 and points["shapley/macro_f1/svm a"] == 0.3
    assert points["interaction/macro_f1/svm a b_lo"] == pytest.approx(0.2) and points["interaction/svm a b"] == 0.2
    assert len(points) == 3 * 3 * 3
    with pytest.raises(ValidationError, match="contributions"):
        toy_evaluation(scores, "accuracy", "macro_f1", contributions=(told("log_loss", 0.2),))


def test_weights_are_listed_in_the_order_of_the_modalities() -> None:
    config = ChosenConfig(repeat=0, fold=0, config=0, settings={"modality_weights": {"a": 0.25, "b": 0.75}, "C": 1.0}, inner_score=None)
    result = candidate_result(Candidate("svm", ("b", "a"), "early_weighted"), 1, {"accuracy": fold_scores(0.8)}, configs=(config,))
    (listed,) = result.listed_configs
    assert list(listed.settings["modality_weights"].items()) == [("b", 0.75), ("a", 0.25)] and listed.settings["C"] == 1.0
    assert mean_weights(result) == "b 0.75, a 0.25"
