"""Which pairs are tested, from which side, and what is said of them: by hand, with three modalities, and against scipy."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from toy_evaluation import fold_scores, toy_evaluation

from stages.contracts.candidate import Candidate, parsed_combination
from stages.contracts.documents.evaluation_document import Evaluation
from stages.contracts.metric import Metric
from stages.evaluation.checked_predictions import Splits, TestFold
from stages.evaluation.comparisons import Contest, Evidence, best_of, compare, families
from stages.evaluation.design import design_of
from stages.evaluation.scores import MetricScores, has_intervals
from stages.evaluation.summary import ranks, summary
from stages.foundation.registry import component
from stages.reporting.gains import would_show

TestFold.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a class of tests
ACCURACY: Metric = component("metrics", "accuracy")
RMSE: Metric = component("metrics", "rmse")
MODALITIES = ("a", "b", "c")
EVERY = [some for size in (1, 2, 3) for some in combinations(MODALITIES, size)]
NONE = np.empty(0)
N_ROWS = 4000  # in a fold: so many that nothing but the folds varies


def of_folds(*values: float) -> MetricScores:
    """Return scores of folds whose rows are all like their fold."""
    return MetricScores(np.array(values), np.repeat(values, N_ROWS))


def evidence_of(scores: dict[Candidate, MetricScores], metric: Metric, n_folds: int) -> Evidence:
    rows = np.array_split(np.arange(n_folds * N_ROWS), n_folds)
    names = [str(row) for row in range(n_folds * N_ROWS)]
    folds = tuple(TestFold(0, fold, some, 4 * N_ROWS) for fold, some in enumerate(rows))
    design = design_of(Splits(pa.array(names), names, np.zeros(len(names)), folds), 0.95)
    return Evidence(scores, {candidate: -found.values for candidate, found in scores.items()}, metric, design, 0.01)


def contest_of(means: dict[str, dict[str, float]]) -> tuple[dict[Candidate, MetricScores], Contest]:
    """Return scores of two folds around the mean of each model and combination, and the contest; constant is the baseline."""
    scores = {Candidate(model, tuple(some)): of_folds(mean - 0.01, mean + 0.01) for model, of in means.items() for some, mean in of.items()}
    return scores, Contest(tuple(means), ("constant",), list(scores))


def named(pairs: Sequence[tuple[Candidate, Candidate]]) -> list[str]:
    return [f"{a.model} {''.join(a.modalities)} - {b.model} {''.join(b.modalities)}" for a, b in pairs]


MEANS = {
    "constant": {"": 0.5},
    "knn": {"".join(some): 0.6 + 0.01 * place for place, some in enumerate(EVERY)},  # its best is abc
    "svm": {"".join(some): 0.8 - 0.01 * place for place, some in enumerate(EVERY)},  # its best is a
}


def test_the_families_are_those_that_were_declared() -> None:
    scores, contest = contest_of(MEANS)
    found = {name: named(pairs) for name, pairs in families(scores, contest, ACCURACY).items()}
    assert found["baseline"] == [f"{model} {''.join(some)} - constant " for model in ("knn", "svm") for some in EVERY]
    assert found["fusion"] == [f"{model} abc - {model} {one}" for model in ("knn", "svm") for one in MODALITIES]
    assert found["learners"] == ["svm a - knn abc"], "the better one first, though it stands second"


def test_a_control_is_compared_on_the_same_modalities_if_it_sees_any_else_once_with_all() -> None:
    scores, contest = contest_of({"constant": {"": 0.5}, "size": {"a": 0.5, "ab": 0.6}, "knn": {"a": 0.7, "b": 0.8, "ab": 0.9}})
    found = families(scores, replace(contest, baselines=("constant", "size")), ACCURACY)["baseline"]
    assert named(found) == ["knn a - constant ", "knn b - constant ", "knn ab - constant ", "knn a - size a", "knn ab - size ab"]


def test_the_families_of_an_error_put_the_smaller_first() -> None:
    scores, contest = contest_of(MEANS)
    assert named(families(scores, contest, RMSE)["learners"]) == ["knn a - svm abc"]
    assert best_of(scores, contest.of("svm"), RMSE) == Candidate("svm", MODALITIES)


def test_without_a_baseline_or_a_second_modality_there_is_no_such_family() -> None:
    scores = {Candidate(model, ("a",)): of_folds(mean) for model, mean in (("knn", 0.6), ("svm", 0.7), ("mlp", 0.65))}
    found = families(scores, Contest(("knn", "svm", "mlp"), (), list(scores)), ACCURACY)
    assert {name: named(pairs) for name, pairs in found.items()} == {"learners": ["svm a - knn a", "mlp a - knn a", "svm a - mlp a"]}


def test_a_verdict_is_by_the_corrected_p() -> None:
    """Three tests of p between 0.02 and 0.05, and one of 1e-4: alone each is significant, in the family the last alone is."""
    pattern = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    scores = {Candidate("constant", ()): of_folds(*np.full(5, 0.5))}
    spread = dict(zip("abcd", (0.026, 0.027, 0.028, 0.008), strict=True))
    scores |= {Candidate("svm", (one,)): of_folds(*(0.55 + spread[one] * pattern)) for one in "abcd"}
    expected = []
    for one in "abcd":
        gain = 0.05 + spread[one] * pattern
        t = gain.mean() / np.sqrt((1 / 5 + 0.25) * gain.var(ddof=1))
        expected.append(2 * stats.t.sf(t, 4))
    assert all(0.02 < p < 0.05 for p in expected[:3]) and expected[3] < 0.001
    contest = Contest(("constant", "svm"), ("constant",), [*scores])
    found = [test for test in compare(evidence_of(scores, ACCURACY, 5), contest) if test.family == "baseline"]
    assert [test.p_fold for test in found] == pytest.approx(expected, rel=1e-9)
    assert [test.p for test in found] == [test.p_fold for test in found], "20,000 rows leave no doubt"
    assert [test.verdict for test in found] == ["not shown"] * 3 + ["better"]
    assert [(test.wins, test.losses) for test in found] == [(20_000, 0)] * 3 + [(20_000, 0)]
    # of errors, more is worse
    found = [test for test in compare(evidence_of(scores, RMSE, 5), contest) if test.family == "baseline"]
    assert [test.verdict for test in found] == ["not shown"] * 3 + ["worse"]


def test_each_baseline_is_a_family_of_its_own() -> None:
    """Two candidates against two baselines: each p is corrected for two tests, not for four."""
    pattern = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    scores = {Candidate(model, (one,)): of_folds(*np.full(5, level)) for model, level in (("dummy", 0.5), ("size", 0.501)) for one in "ab"}
    scores |= {Candidate("svm", (one,)): of_folds(*(0.55 + 0.02 * pattern)) for one in "ab"}
    found = compare(evidence_of(scores, ACCURACY, 5), Contest(("dummy", "size", "svm"), ("dummy", "size"), list(scores)))
    tests = [test for test in found if test.family == "baseline"]
    assert [f"{test.a.combination} {test.b.model}" for test in tests] == ["a dummy", "b dummy", "a size", "b size"]
    for test in tests:
        assert test.p_corrected == pytest.approx(2 * test.p)


def test_what_would_have_been_shown_and_how_many_rows_would_show_it() -> None:
    pattern = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    scores = {Candidate("constant", ()): of_folds(*np.full(5, 0.5)), Candidate("svm", ("a",)): of_folds(*(0.52 + 0.04 * pattern))}
    (test,) = compare(evidence_of(scores, ACCURACY, 5), Contest(("constant", "svm"), ("constant",), list(scores)))
    error = np.sqrt((1 / 5 + 0.25) * (0.04 * pattern).var(ddof=1))
    assert test.verdict == "not shown"
    assert test.detectable == pytest.approx(error * (stats.t.ppf(0.975, 4) + stats.t.ppf(0.8, 4)))
    assert test.rows_needed == pytest.approx(20_000 * (test.detectable / 0.02) ** 2, abs=1)


def test_a_difference_that_cannot_be_is_not_promised() -> None:
    """It was "1.193 would have been shown with 80 %" of an accuracy."""
    pattern = np.array([-1.0, 0.0, 1.0])
    scores = {Candidate("constant", ()): of_folds(*np.full(3, 0.5)), Candidate("svm", ("a",)): of_folds(*(0.52 + 0.48 * pattern))}
    evidence = evidence_of(scores, ACCURACY, 3)
    (test,) = compare(evidence, Contest(("constant", "svm"), ("constant",), list(scores)))
    assert test.verdict == "not shown" and test.detectable is None and test.rows_needed is not None
    evaluation = toy_evaluation({candidate: {"accuracy": fold_scores(0.5, 0.5)} for candidate in scores}, "accuracy")
    assert would_show([test], evaluation) == " (+0.020; no difference that can be would have been shown with 80\u00a0%)"


@pytest.mark.parametrize(("n_groups", "judged"), [(19, False), (20, True)])
def test_a_test_split_is_judged_where_it_has_twenty_groups(n_groups: int, judged: bool) -> None:
    groups = [f"g{i % n_groups}" for i in range(60)] + ["of a training row"]
    splits = Splits(pa.array(map(str, range(61))), groups, np.zeros(61, np.int32), (TestFold(0, 0, np.arange(60), 1),))
    design = design_of(splits, 0.95)
    assert has_intervals(design) is judged
    hits = np.random.default_rng(0).random((2, 60)) < [[0.9], [0.4]]
    a, b = Candidate("constant", ()), Candidate("svm", ("a",))
    scores = {one: MetricScores(np.array([right.mean()]), right.astype(float)) for one, right in zip((b, a), hits, strict=True)}
    losses = {one: 1 - found.values for one, found in scores.items()}
    (test,) = compare(Evidence(scores, losses, ACCURACY, design, 0.01), Contest(("constant", "svm"), ("constant",), [a, b]))
    assert test.difference == pytest.approx(hits[0].mean() - hits[1].mean())
    assert np.isfinite([test.lo or np.nan, test.p or np.nan]).all() == judged
    assert test.verdict == ("better" if judged else "not shown")


def test_left_out_and_sufficient_families_of_three_modalities() -> None:
    scores, contest = contest_of(MEANS)
    found = {name: named(pairs) for name, pairs in families(scores, contest, ACCURACY).items()}
    assert found["left_out"] == [f"{model} abc - {model} {two}" for model in ("knn", "svm") for two in ("ab", "ac", "bc")]
    assert found["sufficient"] == [f"knn abc - knn {''.join(some)}" for some in EVERY if len(some) < 3] + [
        f"svm a - svm {''.join(some)}" for some in EVERY if some != ("a",)]


def test_n_test_per_n_train_is_the_mean_over_folds() -> None:
    folds = (TestFold(0, 0, np.arange(10), 40), TestFold(0, 1, np.arange(10, 30), 20))
    assert Splits(pa.array([]), [], NONE, folds).test_per_train == pytest.approx((10 / 40 + 20 / 20) / 2)


def evaluation_of(board: Sequence[tuple[str, str, float]], primary: str) -> Evaluation:
    """Return the evaluation of (model, combination, score), the best first."""
    scores = {Candidate(model, parsed_combination(combination)): {primary: fold_scores(score)} for model, combination, score in board}
    return toy_evaluation(scores, primary, baselines=("constant", "other"))


BOARD = [("svm", "a+b", 0.9), ("svm", "b", 0.8), ("knn", "a", 0.7), ("knn", "a+b", 0.6), ("other", "a", 0.55), ("constant", "", 0.5),
         ("knn", "b", 0.4)]  # fmt: skip


def test_the_summary_has_the_best_of_each_model_and_the_gain_over_the_best_single_modality() -> None:
    found = summary(evaluation_of(BOARD, "accuracy"), ACCURACY)
    assert found.models == {"svm": 0.9, "knn": 0.7, "other": 0.55, "constant": 0.5}
    assert (found.best, found.metric, found.score, found.baseline) == ("svm · a+b", "accuracy", 0.9, 0.55)
    assert found.fusion_gain == pytest.approx(0.9 - 0.8)


def test_the_gain_is_positive_where_a_smaller_error_is_fused() -> None:
    found = summary(evaluation_of(BOARD[::-1], "rmse"), RMSE)
    assert found.models == {"svm": 0.8, "knn": 0.4, "other": 0.55, "constant": 0.5}
    assert (found.best, found.score, found.baseline) == ("knn · b", 0.4, 0.5)
    assert found.fusion_gain == pytest.approx(0.4 - 0.6)
    fused_first = [("knn", "a+b", 0.3), *BOARD[::-1][:3]]
    assert summary(evaluation_of(fused_first, "rmse"), RMSE).fusion_gain == pytest.approx(0.4 - 0.3)


def test_ranks_are_by_the_mean_and_equals_keep_their_order() -> None:
    means = {"svm": 0.5, "knn": 0.7, "mlp": 0.5, "forest": None}
    scores = {Candidate(model, ("a",)): fold_scores(mean) for model, mean in means.items()}
    assert [ranks(scores, ACCURACY)[candidate] for candidate in scores] == [2, 1, 3, 4]
    assert [ranks(scores, RMSE)[candidate] for candidate in scores] == [1, 3, 2, 4]


def test_diagnostics_rank_behind_all_others() -> None:
    means = {"identifiers": 0.9, "svm": 0.5, "permuted": 0.6, "knn": None}
    scores = {Candidate(model, ()): fold_scores(mean) for model, mean in means.items()}
    found = ranks(scores, ACCURACY, last=("identifiers", "permuted"))
    assert [found[candidate] for candidate in scores] == [3, 1, 4, 2]
